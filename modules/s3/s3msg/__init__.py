"""Messages: compose them, keep them in the outbox, and hand them over to mail servers and SMS gateways."""
from s3.s3msg.mail import Attachment, clean_subject
from s3.s3msg.msg import S3Msg

__all__ = ("Attachment", "S3Msg", "clean_subject")
