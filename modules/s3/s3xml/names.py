"""The words of a S3XML document, and how records are identified in it."""
from __future__ import annotations

from urllib.parse import urlsplit

from gluon import current

__all__ = (
    "ALIAS",
    "DATA",
    "ERROR",
    "FIELD",
    "NAME",
    "REFERENCE",
    "RESOURCE",
    "ROOT",
    "UID",
    "VALUE",
    "export_uid",
    "import_uid",
    "own_domain",
)

# Elements
ROOT = "s3xml"
RESOURCE = "resource"
DATA = "data"
REFERENCE = "reference"

# Attributes
NAME = "name"
ALIAS = "alias"
FIELD = "field"
VALUE = "value"
UID = "uuid"
ERROR = "error"

# Identifiers that are the same everywhere, and are never qualified by a domain
UNQUALIFIED_TABLES = frozenset(("auth_group",))


def own_domain() -> str:
    """Name of this server, which qualifies the identifiers that it has given."""
    return urlsplit(current.deployment_settings.get_base_public_url()).hostname or ""


def export_uid(tablename: str, uid: str) -> str:
    """The identifier of a record for the world: with the domain, unless it is globally unique as it is."""
    if uid.startswith("urn:") or "/" in uid or tablename in UNQUALIFIED_TABLES:
        return uid
    domain = own_domain()
    return f"{domain}/{uid}" if domain else uid


def import_uid(tablename: str, uid: str) -> str:
    """The identifier of a record as it is stored: without the domain, if that is our own."""
    uid = uid.strip()
    domain, separator, own = uid.partition("/")
    if separator and own and "/" not in own and domain == own_domain() and tablename not in UNQUALIFIED_TABLES:
        return own
    return uid
