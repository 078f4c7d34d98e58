"""What people read on the pages is translated: shown in a language without Latin letters, none are left but those of data."""
from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from launcher.languages import collect

ROOT = Path(__file__).resolve().parents[2]

#: Names of people, roles, languages, formats, and of the site
DATA = re.compile(
    r"\b(Relief Platform|Relief|Ada|Admin|Anna|Abel|Ben|Bruck|Edda|Ernst|CSV|JSON|HTML|Foreign|Anonymous|Authenticated|Administrator"
    r"|Editor|Reader|Writer|Helpers|\w+@cast\.example|\w+\.py|UTC|LC_CTYPE)\b"
)

VISITORS = (
    "/default/user/login", "/default/user/register", "/default/user/retrieve_password", "/default/user/nosuch", "/default/unsubscribe/x",
)  # fmt: skip
MEMBERS = (
    "/default/index", "/default/index/newsfeed", "/default/index/subscriptions", "/default/user/profile", "/default/user/change_password",
    "/org/organisation", "/org/organisation/create", "/org/organisation/1", "/org/organisation/1/update", "/org/organisation/1/delete",
    "/org/organisation/1/office", "/org/office/create", "/cms/post", "/cms/post/create", "/cms/series/create", "/cms/post/99",
    "/gis/location/create", "/pr/person/create", "/pr/person/1/contact/create", "/pr/group/create", "/pr/filter", "/pr/subscription/create",
    "/msg/outbox", "/msg/email", "/cms/post?~.body__like=*x*",
)  # fmt: skip
ADMINISTRATORS = ("/admin/user", "/admin/user/1", "/admin/role/create", "/admin/health")


class VisibleTexts(HTMLParser):
    """The texts of a page that a reader sees or hears."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.texts += [given[name] for name in ("aria-label", "title", "placeholder") if given.get(name)]
        if tag == "input" and given.get("type") == "submit":
            self.texts.append(given["value"])

    def handle_data(self, data):
        self.texts.append(data)


def foreign(text: str) -> str:
    """A text without Latin letters, but for its placeholders and without its comment."""
    text = text.partition("##")[0]
    return "".join(part if part.startswith("%") else re.sub("[A-Za-z]", "ж", part) for part in re.split(r"(%\(\w+\)\w|%\w)", text))


@pytest.fixture
def foreign_app(app, monkeypatch, tmp_path):
    """The application in the foreign language alone, which a deployment template brings."""
    import templates

    folder = tmp_path / "abroad" / "languages"
    folder.mkdir(parents=True)
    (tmp_path / "abroad" / "__init__.py").touch()
    (folder / "zz.py").write_text(repr({text: foreign(text) for text in collect(ROOT).places}), encoding="utf-8")
    monkeypatch.setattr(templates, "__path__", [*templates.__path__, str(tmp_path)])
    (tmp_path / "abroad" / "config.py").write_text("def config(settings):\n    settings.security.policy = 1\n")
    with app.env() as current:
        current.db(current.db.auth_user.id > 0).update(language="zz")
        current.auth.override = True
        current.s3db.resource("org_organisation").insert(name="Helpers")
        current.db.commit()
    source = """
settings.base.template = ["default", "DRMP", "abroad"]
settings.import_template()
settings.L10n.languages, settings.L10n.default_language = {"zz": "Foreign"}, "zz"
settings.base.system_name, settings.base.system_name_short = "Relief Platform", "Relief"
settings.security.self_registration = True
"""
    with app.configured(source):
        yield app


@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
@pytest.mark.parametrize("actor, paths", [(None, VISITORS), ("admin", MEMBERS), ("admin", ADMINISTRATORS)])
def test_no_text_of_the_pages_is_left_in_english(foreign_app, actor, paths):
    left = {}
    for path in paths:
        page = foreign_app.request(path, auth=actor)
        texts = [DATA.sub("", text) for text in VisibleTexts(page.text).texts]
        left[path] = [text for text in texts if re.search("[A-Za-z]{2}", text)]

    assert {path: texts for path, texts in left.items() if texts} == {}
