"""Exchange of records with other databases: export to S3XML and S3JSON, and import.

``mixin`` is what S3Resource has of it. Everything else needs lxml, and is imported by those who exchange something.
"""
from s3.s3resource.exchange.duplicate import S3Duplicate
from s3.s3resource.exchange.mixin import ExchangeMixin

__all__ = ("ExchangeMixin", "S3Duplicate")
