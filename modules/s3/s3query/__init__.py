"""Filters and field selectors: what a selector means, what a condition says, in SQL, in Python and in words."""
from s3.s3query.joins import Join, Joins
from s3.s3query.operators import OPERATORS, Operator
from s3.s3query.path import component_query, resolve_path
from s3.s3query.query import S3ResourceQuery
from s3.s3query.selector import FS, S3FieldSelector, S3ResourceField
from s3.s3query.url import S3URLQuery

__all__ = (
    "FS",
    "Join",
    "Joins",
    "OPERATORS",
    "Operator",
    "S3FieldSelector",
    "S3ResourceField",
    "S3ResourceQuery",
    "S3URLQuery",
    "component_query",
    "resolve_path",
)
