"""The default template, and the language of its texts."""
from __future__ import annotations

import pytest


def test_modules_of_the_first_subscriptions_are_enabled(app):
    with app.env() as current:
        settings = current.deployment_settings

        assert [name for name in ("default", "pr", "gis", "org", "cms", "msg", "doc") if not settings.has_module(name)] == []
        assert settings.check() == []


@pytest.mark.parametrize("language, subject, title", [
    ("en", "$s Update Notification: $r", "Posts"),
    ("de", "$s Benachrichtigung: $r", "Beiträge"),
])
def test_texts_are_in_the_language_of_the_reader(app, language, subject, title):
    with app.env() as current:
        current.T.force(language)
        current.s3db.cms_post  # noqa: B018  - loads the model with its titles

        assert current.deployment_settings.get_msg_notify_subject() == subject
        assert str(current.response.s3.crud_strings["cms_post"].title_list) == title


def test_requests_do_not_write_language_files(app):
    with app.env() as current:
        current.T.force("de")
        text = "A text that nobody has translated"

        assert str(current.T(text)) == text

        from pathlib import Path
        assert text not in (Path(app.folder) / "languages" / "de.py").read_text(encoding="utf-8")
