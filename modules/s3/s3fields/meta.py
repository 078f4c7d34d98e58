"""The meta fields at the end of every table: identity, state, authorship, ownership and realm of a record."""
from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import cache
from typing import Any

from gluon import current

from s3.s3datetime import S3DateTime, utcnow
from s3.s3fields.represent import DelegatedRepresent, S3Represent, UserRepresent
from s3cfg import to_translate
from s3dal import Field

__all__ = (
    "S3MetaFields",
    "hidden_field",
    "new_uuid",
    "s3_all_meta_field_names",
    "s3_meta_fields",
)


# Of those that lists and filters may show
LABELS = to_translate({
    "created_on": "Created On",
    "created_by": "Created By",
    "modified_on": "Modified On",
    "modified_by": "Modified By",
    "approved_by": "Approved By",
    "owned_by_user": "Owned By User",
    "owned_by_group": "Owned By Group",
    "realm_entity": "Realm Entity",
})


def new_uuid() -> str:
    """A new globally unique identifier of a record."""
    return f"urn:uuid:{uuid.uuid4()}"


def _fill_uuid(value: str | None) -> str:
    return value or new_uuid()


def current_user_id() -> int | None:
    """Account id of the user of this moment, who may be impersonated; None for nobody.

    A callable default, so that a table defined before an impersonation stamps the right user after it.
    """
    user = getattr(getattr(current, "auth", None), "user", None)
    return user.id if user else None


def default_approver() -> int | None:
    """Who approves a new record while nobody has decided otherwise: its author, 0 for the system, None if approval is required."""
    settings = getattr(current, "deployment_settings", None)
    if settings is None or not settings.get_auth_record_approval():
        return current_user_id() or 0
    return 0 if getattr(getattr(current, "auth", None), "override", False) else None


def _per_request(name: str, factory: Callable[[], Any]) -> Any:
    """One represent object for all tables of the request, so that each account is looked up once."""
    s3 = getattr(getattr(current, "response", None), "s3", None)
    if s3 is None:
        return factory()
    shared = s3.meta_represents
    if shared is None:
        shared = s3.meta_represents = {}
    if name not in shared:
        shared[name] = factory()
    return shared[name]


def _represent_user() -> S3Represent:
    return _per_request("user", UserRepresent)


def _represent_role() -> S3Represent:
    return _per_request("role", lambda: S3Represent(lookup="auth_group", fields=("role",)))


def _represent_entity() -> DelegatedRepresent:
    return _per_request("entity", lambda: DelegatedRepresent("pr_pentity_represent"))


@cache
def _prototype(name: str, type: str, attr: tuple[tuple[str, Any], ...]) -> Field:
    # requires=None: pydal would look up default validators for a field that no form shows
    return Field(name, type, requires=None, readable=False, writable=False, **dict(attr))


def represent_timestamp(value: Any, row: Any = None) -> str:
    """When a record was written, in the reader's time zone."""
    return S3DateTime.timestamp_represent(value, utc=True)


def hidden_field(name: str, type: str = "string", represent: Any = None, **attr: Any) -> Field:
    """A field without a place in forms: neither readable nor writable, and validated by nobody.

    Much cheaper than others, for tables of which every request needs some.

    Args:
        attr: attributes of the field; they must be hashable and belong to no request
    """
    # Copied, because every table of every request needs all of them: 2 us each instead of 11. The prototype is never
    # part of a table, and nothing it holds belongs to a request.
    field = object.__new__(Field)
    field.__dict__.update(_prototype(name, type, tuple(attr.items())).__dict__)
    field.requires = []
    field.represent = represent
    T = getattr(current, "T", None)
    if name in LABELS and T is not None:
        field.label = T(LABELS[name])
    return field


def _user_reference(name: str, **attr: Any) -> Field:
    return hidden_field(name, "reference auth_user", default=current_user_id, represent=_represent_user(), **attr)


class S3MetaFields:
    """Makers of the meta fields, one by one and in the customary groups."""

    @staticmethod
    def uuid() -> Field:
        # what other systems send without identifier gets one
        return hidden_field("uuid", "string", length=128, notnull=True, unique=True, default=new_uuid, filter_in=_fill_uuid)

    @staticmethod
    def mci() -> Field:
        """How many hops away the record was created; 0 is here."""
        return hidden_field("mci", "integer", default=0)

    @staticmethod
    def deleted() -> Field:
        return hidden_field("deleted", "boolean", notnull=True, default=False)

    @staticmethod
    def deleted_fk() -> Field:
        """JSON {name of foreign key: its value before the record was archived}."""
        return hidden_field("deleted_fk", "string", length=4096)

    @staticmethod
    def deleted_rb() -> Field:
        """Id of the record that replaces this one after a merge."""
        return hidden_field("deleted_rb", "integer")

    @staticmethod
    def created_on() -> Field:
        return hidden_field("created_on", "datetime", represent=represent_timestamp, default=utcnow)

    @staticmethod
    def modified_on() -> Field:
        return hidden_field("modified_on", "datetime", represent=represent_timestamp, default=utcnow, update=utcnow)

    @staticmethod
    def created_by() -> Field:
        return _user_reference("created_by", ondelete="SET NULL")

    @staticmethod
    def modified_by() -> Field:
        return _user_reference("modified_by", update=current_user_id, ondelete="SET NULL")

    @staticmethod
    def approved_by() -> Field:
        """Account that has approved the record; None while it is unapproved, 0 for the system."""
        return hidden_field("approved_by", "integer", default=default_approver, represent=_represent_user())

    @staticmethod
    def owned_by_user() -> Field:
        return _user_reference("owned_by_user", ondelete="RESTRICT")

    @staticmethod
    def owned_by_group() -> Field:
        return hidden_field("owned_by_group", "integer", represent=_represent_role())

    @staticmethod
    def realm_entity() -> Field:
        """Person entity (pe_id) that controls the record."""
        return hidden_field("realm_entity", "integer", represent=_represent_entity())

    @classmethod
    def sync_meta_fields(cls) -> tuple[Field, ...]:
        """What an exchange of records needs."""
        return (
            cls.uuid(),
            cls.mci(),
            cls.deleted(),
            cls.deleted_fk(),
            cls.deleted_rb(),
            cls.created_on(),
            cls.modified_on(),
        )

    @classmethod
    def owner_meta_fields(cls) -> tuple[Field, ...]:
        return cls.owned_by_user(), cls.owned_by_group(), cls.realm_entity()

    @classmethod
    def timestamps(cls) -> tuple[Field, ...]:
        return cls.created_on(), cls.modified_on()

    @classmethod
    def all_meta_fields(cls) -> tuple[Field, ...]:
        return tuple(getattr(cls, name)() for name in META_FIELD_NAMES)


META_FIELD_NAMES = (
    "uuid",
    "mci",
    "deleted",
    "deleted_fk",
    "deleted_rb",
    "created_on",
    "created_by",
    "modified_on",
    "modified_by",
    "approved_by",
    "owned_by_user",
    "owned_by_group",
    "realm_entity",
)


def s3_meta_fields() -> tuple[Field, ...]:
    """All meta fields, in their order, for the end of a table definition: ``*s3_meta_fields()``."""
    return S3MetaFields.all_meta_fields()


def s3_all_meta_field_names() -> tuple[str, ...]:
    return META_FIELD_NAMES
