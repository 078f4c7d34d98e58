"""Filters that people set and save: forms, storage format, check, text."""
from s3.s3filter.controls import translate_controls
from s3.s3filter.defaults import s3_set_default_filter
from s3.s3filter.form import S3FilterForm
from s3.s3filter.manager import saved_filters_html
from s3.s3filter.saved import parse_filter, quoted_json, validate_filter
from s3.s3filter.store import apply_filter, change_filter, delete_filter, load_filter, own_filters, own_pe_id, save_filter
from s3.s3filter.string import S3FilterString
from s3.s3filter.widgets import (
    S3DateFilter,
    S3EmptyFilter,
    S3FilterWidget,
    S3HierarchyFilter,
    S3LocationFilter,
    S3NotEmptyFilter,
    S3OptionsFilter,
    S3RangeFilter,
    S3TextFilter,
    s3_get_filter_opts,
)

__all__ = (
    "S3DateFilter",
    "S3EmptyFilter",
    "S3FilterForm",
    "S3FilterString",
    "S3FilterWidget",
    "S3HierarchyFilter",
    "S3LocationFilter",
    "S3NotEmptyFilter",
    "S3OptionsFilter",
    "S3RangeFilter",
    "S3TextFilter",
    "apply_filter",
    "change_filter",
    "delete_filter",
    "load_filter",
    "own_filters",
    "own_pe_id",
    "parse_filter",
    "quoted_json",
    "s3_get_filter_opts",
    "s3_set_default_filter",
    "save_filter",
    "saved_filters_html",
    "translate_controls",
    "validate_filter",
)
