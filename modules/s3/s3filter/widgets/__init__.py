"""The widgets of filter forms."""
from s3.s3filter.widgets.base import Place, S3FilterWidget, Values
from s3.s3filter.widgets.hierarchy import S3HierarchyFilter
from s3.s3filter.widgets.locations import S3LocationFilter
from s3.s3filter.widgets.options import S3OptionsFilter, s3_get_filter_opts
from s3.s3filter.widgets.ranges import S3DateFilter, S3RangeFilter
from s3.s3filter.widgets.texts import S3EmptyFilter, S3NotEmptyFilter, S3TextFilter

__all__ = (
    "Place",
    "S3DateFilter",
    "S3EmptyFilter",
    "S3FilterWidget",
    "S3HierarchyFilter",
    "S3LocationFilter",
    "S3NotEmptyFilter",
    "S3OptionsFilter",
    "S3RangeFilter",
    "S3TextFilter",
    "Values",
    "s3_get_filter_opts",
)
