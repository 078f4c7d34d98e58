"""Filters that people save: their storage format, their check, their text."""
from s3.s3filter.saved import parse_filter, validate_filter
from s3.s3filter.string import S3FilterString

__all__ = ("S3FilterString", "parse_filter", "validate_filter")
