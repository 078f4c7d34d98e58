"""Fields and how their values are shown: templates, meta fields, common fields, represent objects."""
from s3.s3fields.common import (
    s3_comments,
    s3_comments_represent,
    s3_currency,
    s3_date,
    s3_datetime,
    s3_fieldmethod,
    s3_language,
    s3_role_required,
    s3_roles_permitted,
    s3_time,
)
from s3.s3fields.export import S3RepresentLazy, s3_represent_value
from s3.s3fields.meta import S3MetaFields, hidden_field, new_uuid, s3_all_meta_field_names, s3_meta_fields
from s3.s3fields.represent import DelegatedRepresent, S3Represent, UserRepresent
from s3.s3fields.reusable import S3ReusableField

__all__ = (
    "DelegatedRepresent",
    "S3MetaFields",
    "S3Represent",
    "S3RepresentLazy",
    "S3ReusableField",
    "UserRepresent",
    "hidden_field",
    "new_uuid",
    "s3_all_meta_field_names",
    "s3_comments",
    "s3_comments_represent",
    "s3_currency",
    "s3_date",
    "s3_datetime",
    "s3_fieldmethod",
    "s3_language",
    "s3_meta_fields",
    "s3_represent_value",
    "s3_role_required",
    "s3_roles_permitted",
    "s3_time",
)
