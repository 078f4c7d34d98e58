"""Filters that people save: their storage format, their check, their text."""
from s3.s3filter.saved import parse_filter, validate_filter
from s3.s3filter.store import apply_filter, load_filter, save_filter
from s3.s3filter.string import S3FilterString

__all__ = ("S3FilterString", "apply_filter", "load_filter", "parse_filter", "save_filter", "validate_filter")
