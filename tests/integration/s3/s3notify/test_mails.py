"""Whole mails, word for word, in all languages of the framework.

They stand in tests/data/mails. After a wanted change, ``GOLDEN_MAILS=write python3 manage.py test <this file>`` writes them anew, for the
commit to show what has changed.
"""
from __future__ import annotations

import datetime as dt
import os
import re
from pathlib import Path

import pytest

MAILS = Path(__file__).resolve().parents[3] / "data" / "mails"
LANGUAGES = ("en", "de", "fr", "es", "ar")

CONFIG = """
settings.base.public_url = "https://relief.example"
settings.L10n.languages = {languages!r}
settings.L10n.translate_cms_series = True
settings.msg.notify_settings_url = "default/index/subscriptions"
settings.msg.notify_max_records = 4
settings.msg.notify_email_format = "html"

def _posts(r, tablename):
    from s3 import S3Represent
    s3db = current.s3db
    s3db.cms_post.series_id.represent = S3Represent(lookup="cms_series", show_link=True)
    s3db.configure("cms_post", notify_fields=["title", "series_id", "date", "expired", "body"])
settings.customise_cms_post_resource = _posts
"""

#: what differs between two runs, and what stands for it
VARYING = (
    (r"/eden_(sqlite|postgresql)/", "/eden/"),
    (r"(/cms/\w+|~\.series_id)([/=])\d+", r"\1\g<2>1"),
    (r"/unsubscribe/[\w-]+", "/unsubscribe/code"),
)


def set_language(app, language: str, zone: str) -> None:
    with app.env() as current:
        current.db(current.db.auth_user.id == app.people["anna"].user_id).update(language=language, timezone=zone)
        current.db.commit()


@pytest.fixture
def told(app, world):
    """Gives the mail about five posts, of which two are new, to a reader of a language."""

    def tell(language: str):
        set_language(app, language, "Asia/Kathmandu")
        series = world.create("cms_series", name="News & Alerts")
        written = {"series_id": series, "date": dt.datetime(2026, 3, 2, 22, 30)}
        changed = [world.create(title=f"Camp {number}", body="Before", **written) for number in (1, 2, 3)]
        world.subscribe("anna", filters=[["series_id", str(series)], ["date__gt", "-7D"]])
        app.clock.advance(minutes=10)
        world.create(title='<b>Bridge</b> & "dam"', body="Closed until noon.\nUse the ferry: 3 < 5.", expired=True, **written)
        world.create(title="مياه نظيفة في المخيم 7", body="Café Zürich, São Tomé", **written)
        for post in changed:
            world.update(post, body="After")
        with app.configured(CONFIG.format(languages=dict(zip(LANGUAGES, LANGUAGES, strict=True)))):
            world.tick()
        [mail] = world.mails
        return mail

    return tell


def same_everywhere(text: str) -> str:
    for pattern, replacement in VARYING:
        text = re.sub(pattern, replacement, text)
    return text.replace("\r\n", "\n").rstrip("\n") + "\n"


def compare(name: str, text: str) -> None:
    path = MAILS / name
    if os.environ.get("GOLDEN_MAILS") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
def test_mail_is_word_for_word_what_it_was(told, world, language):
    """R42, E19"""
    mail = told(language)

    text, html = world.bodies()
    compare(f"{language}.txt", same_everywhere(f"Subject: {mail['Subject']}\n\n{text}"))
    compare(f"{language}.html", same_everywhere(html))


def test_everything_is_in_the_language_and_the_time_zone_of_the_reader(told, world):
    """E19, R28, X41: the site and the worker are English and in UTC."""
    mail = told("de")

    text, html = world.bodies()
    for body in (text, html):
        # sentence, label, filter, value of a field, time in Kathmandu, ends of the message
        for said in (
            "2 neue Einträge in Beiträge", "Titel", 'Typ ist "News', "Datum > vor 7 Tagen", "Ja", "2026-03-03 04:15", "Alle zeigen",
            "ändern oder beenden",
        ):
            assert said in body.replace("&gt;", ">"), said
    assert mail["Subject"] == "Relief Benachrichtigung: Beiträge"
    assert '<html lang="de" dir="ltr">' in html


def test_mail_in_arabic_runs_from_right_to_left(told, world):
    told("ar")

    html = world.bodies()[1]
    assert '<html lang="ar" dir="rtl">' in html
    assert "text-align: right" in html
    assert "text-align: left" not in html
    # a value in another script keeps its own direction
    assert '<td dir="auto" style="text-align: right;">' in html
