"""Resources: the records of one table that a user may see, filtered, extracted, represented, and written."""
from s3.s3resource.data import S3ResourceData
from s3.s3resource.exchange import S3Duplicate
from s3.s3resource.filter import S3ResourceFilter
from s3.s3resource.resource import S3Resource
from s3.s3resource.writing import create_record, update_record

__all__ = ("S3Duplicate", "S3Resource", "S3ResourceData", "S3ResourceFilter", "create_record", "update_record")
