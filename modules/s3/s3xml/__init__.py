"""Machine-readable documents: S3XML and S3JSON, read safely and written, and the JSON messages that report an outcome.

lxml is imported by those who read or write a document: a request that does neither must not pay for it.
"""
from s3.s3xml.names import ALIAS, DATA, ERROR, FIELD, NAME, REFERENCE, RESOURCE, ROOT, UID, VALUE, export_uid, import_uid, own_domain
from s3.s3xml.source import MAX_BYTES, read_source
from s3.s3xml.xml import S3XML

__all__ = (
    "ALIAS",
    "DATA",
    "ERROR",
    "FIELD",
    "MAX_BYTES",
    "NAME",
    "REFERENCE",
    "RESOURCE",
    "ROOT",
    "S3XML",
    "UID",
    "VALUE",
    "export_uid",
    "import_uid",
    "own_domain",
    "read_source",
)
