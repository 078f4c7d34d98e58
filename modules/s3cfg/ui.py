"""Settings of the pages: labels, page lengths, filter forms."""
from __future__ import annotations

from s3cfg.setting import at_least, one_of, setting

__all__ = ("UiSettings",)


class UiSettings:
    get_ui_datatables_pagelength = setting("ui.datatables_pagelength", 25, "Rows per page of a list.", at_least(1))
    get_ui_label_mobile_phone = setting("ui.label_mobile_phone", "Mobile Phone", "Label of the contact method SMS; it is translated.")
    get_ui_label_read = setting("ui.label_read", "Open", "Label of the button that opens a record for reading; it is translated.")
    get_ui_label_update = setting("ui.label_update", "Open", "Label of the button that opens a record for editing; it is translated.")
    get_ui_filter_clear = setting("ui.filter_clear", True, "Whether filter forms have a button that clears them.")
    get_ui_filter_auto_submit = setting(
        "ui.filter_auto_submit", 800, "Milliseconds after the last change until a filter form is sent by itself.",
        at_least(0, none_is="never"))
    get_ui_auth_user_represent = setting(
        "ui.auth_user_represent", "email", "How users are shown as authors: email or name.", one_of("email", "name"))
    get_ui_export_formats = setting("ui.export_formats", ["json"], "Formats that lists offer for download.")

    get_search_filter_manager = setting("search.filter_manager", True, "Whether filter forms can save and load filters.")
    get_search_max_results = setting("search.max_results", 200, "Results that a search box offers at most.", at_least(1))
