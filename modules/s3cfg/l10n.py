"""Settings of language, dates and numbers."""
from __future__ import annotations

from typing import Any

from s3cfg.setting import a_time_zone, at_least, computed, setting

__all__ = ("L10nSettings",)


class L10nSettings:
    get_L10n_default_language = setting("L10n.default_language", "en", "Language of visitors, and of users who have chosen none.")
    get_L10n_languages = setting("L10n.languages", {"en": "English"}, "Languages that users can choose: {code: name}.")
    get_L10n_display_toolbar = setting(
        "L10n.display_toolbar", True, "Whether each page has links to itself in the other languages, if there are several.")
    get_L10n_timezone = setting(
        "L10n.timezone", None, "Time zone of users who have none of their own, such as Europe/Berlin; None is UTC.", a_time_zone, lazy=True)
    get_L10n_date_format = setting("L10n.date_format", "%Y-%m-%d", "How dates are written.")
    get_L10n_time_format = setting("L10n.time_format", "%H:%M", "How times are written.")
    get_L10n_datetime_separator = setting("L10n.datetime_separator", " ", "What stands between date and time.")

    @computed("L10n.datetime_format", "<date format, separator, time format>", "How a date with time is written.")
    def get_L10n_datetime_format(self: Any) -> str:
        own = self.L10n.datetime_format
        return own or f"{self.get_L10n_date_format()}{self.get_L10n_datetime_separator()}{self.get_L10n_time_format()}"

    get_L10n_translate_cms_series = setting("L10n.translate_cms_series", False, "Whether the names of post series are translated.")
    get_L10n_default_country_code = setting(
        "L10n.default_country_code", 1, "Telephone country code for numbers written without one.", at_least(1))
    get_L10n_mandatory_lastname = setting("L10n.mandatory_lastname", False, "Whether persons must have a last name.", lazy=True)
