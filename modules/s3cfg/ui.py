"""Settings of the pages."""
from __future__ import annotations

from s3cfg.setting import one_of, setting

__all__ = ("UiSettings",)


class UiSettings:
    get_ui_label_mobile_phone = setting("ui.label_mobile_phone", "Mobile Phone", "Label of the contact method SMS; it is translated.")
    get_ui_auth_user_represent = setting(
        "ui.auth_user_represent", "email", "How users are shown as authors: email or name.", one_of("email", "name"))

