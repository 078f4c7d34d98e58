"""Settings of the pages."""
from __future__ import annotations

from s3cfg.setting import one_of, setting
from s3cfg.texts import to_translate

__all__ = ("UiSettings",)


class UiSettings:
    get_ui_label_mobile_phone = setting(
        "ui.label_mobile_phone", to_translate("Mobile Phone"), "Label of the contact method SMS; it is translated.")
    get_ui_auth_user_represent = setting(
        "ui.auth_user_represent", "email", "How users are shown as authors: email or name.", one_of("email", "name"))

