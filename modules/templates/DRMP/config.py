"""Disaster Risk Management Platform: a newsfeed of posts with type and place, to which people subscribe."""
from __future__ import annotations

from typing import Any

from gluon import current
from gluon.storage import Storage

from s3 import to_translate
from s3dal import Row, Table

#: posts of this series are for editors only
RESTRICTED_SERIES = "Restricted Report"


def config(settings: Any) -> None:
    T = current.T

    settings.base.system_name = "Disaster Risk Management Platform"
    settings.base.system_name_short = "DRMP"
    settings.security.policy = 6
    settings.ui.auth_user_represent = "name"
    settings.auth.realm_entity = author_organisation
    settings.L10n.languages = {"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español", "ar": "العربية"}
    settings.msg.notify_subject = "$S Notification"
    settings.msg.notify_settings_url = "default/index/subscriptions"
    settings.gis.hierarchy = to_translate({"L0": "Country", "L1": "Province", "L2": "District", "L3": "Town"})

    settings.modules = {
        "default": Storage(name_nice=T("Home"), restricted=False, module_type=None),
        "admin": Storage(name_nice=T("Administration"), restricted=True, module_type=None),
        "cms": Storage(name_nice=T("Updates"), restricted=True, module_type=1),
        "gis": Storage(name_nice=T("Locations"), restricted=True, module_type=2),
        "org": Storage(name_nice=T("Organizations"), restricted=True, module_type=3),
        "pr": Storage(name_nice=T("Persons"), restricted=True, module_type=4),
        "doc": Storage(name_nice=T("Documents"), restricted=True, module_type=None),
        "msg": Storage(name_nice=T("Messaging"), restricted=True, module_type=None),
    }

    settings.customise_cms_post_controller = cms_post_controller
    settings.customise_cms_post_resource = cms_post_resource


def author_organisation(table: Table, row: Row) -> int | None:
    """What is published belongs to the organisation of its author; without one to everybody."""
    if not table._tablename.startswith("cms_"):
        # the table's own rule
        return 0
    users, organisations = current.db.auth_user, current.s3db.org_organisation
    query = (users.id == row.created_by) & (organisations.id == users.organisation_id)
    found = current.db(query).select(organisations.pe_id, limitby=(0, 1)).first()
    return found.pe_id if found else None


def cms_post_controller(**attr: Any) -> dict[str, Any]:
    """Restricted posts are out of everybody's reach but the editors', whichever page asks, notifications included."""
    auth = current.auth
    if not (auth.override or auth.s3_has_role("EDITOR")):
        db, s3db, s3 = current.db, current.s3db, current.response.s3
        post, series = s3db.cms_post, s3db.cms_series
        restricted = db(series.name == RESTRICTED_SERIES)._select(series.id)
        is_open = (post.series_id == None) | ~post.series_id.belongs(restricted)  # noqa: E711
        s3.filter = is_open if s3.filter is None else s3.filter & is_open
    return attr


def cms_post_resource(r: Any, tablename: str) -> None:
    """A post is known by its type, date and place."""
    T, s3db = current.T, current.s3db
    table = s3db.cms_post
    table.series_id.readable = table.series_id.writable = True
    table.body.label = T("Description")
    table.title.readable = table.title.writable = False
    table.name.readable = table.name.writable = False
    s3db.configure(tablename, list_fields=["date", "series_id", "location_id", "body", "created_by"])
