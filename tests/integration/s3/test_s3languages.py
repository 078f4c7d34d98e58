"""The language of a request: who chooses it, what a page says of it, and translations of deployment templates."""
from __future__ import annotations

import re

import pytest

LOGIN = "/default/user/login"


def page_attributes(text: str) -> tuple[str, str]:
    return re.search(r'<html lang="([^"]*)" dir="([^"]*)"', text).groups()


@pytest.mark.parametrize("language, attributes, title", [
    ("en", ("en", "ltr"), "Log in"),
    ("de", ("de", "ltr"), "Anmelden"),
    ("ar", ("ar", "rtl"), None),
])
def test_page_says_its_language_and_direction(app, language, attributes, title):
    page = app.request(LOGIN, vars={"_language": language})

    assert page_attributes(page.text) == attributes
    assert title is None or f"<h1>{title}</h1>" in page.text


def test_chosen_language_lasts_for_the_session(app):
    chosen = app.request(LOGIN, vars={"_language": "de"})

    assert page_attributes(app.request(LOGIN, cookies=chosen.cookies).text) == ("de", "ltr")
    assert page_attributes(app.request(LOGIN).text) == ("en", "ltr")


@pytest.mark.parametrize("unknown", ["xx", "../../etc", "", "de-at"])
def test_language_that_the_deployment_does_not_have_is_not_chosen(app, unknown):
    page = app.request(LOGIN, vars={"_language": unknown})

    assert page_attributes(page.text) == ("en", "ltr")


def test_language_of_the_account_counts_before_that_of_the_deployment(app):
    with app.env() as current:
        current.db(current.db.auth_user.id == app.people["anna"].user_id).update(language="de")
        current.db.commit()

    assert page_attributes(app.request("/default/user/profile", auth="anna").text) == ("de", "ltr")
    assert page_attributes(app.request("/default/user/profile", auth="anna", vars={"_language": "en"}).text) == ("en", "ltr")


def test_deployment_chooses_the_language_of_visitors(app):
    with app.configured("settings.L10n.default_language = 'ar'"):
        assert page_attributes(app.request(LOGIN).text) == ("ar", "rtl")


def test_acting_as_somebody_is_in_the_language_of_that_account(app):
    with app.env() as current:
        current.db(current.db.auth_user.id == app.people["anna"].user_id).update(language="ar")

        current.auth.s3_impersonate(app.people["anna"].user_id)

        assert (current.response.s3.language, current.response.s3.rtl) == ("ar", True)


@pytest.mark.parametrize("language, direction", [
    ("ar", "rtl"), ("ar-eg", "rtl"), ("fa", "rtl"), ("he", "rtl"), ("ur", "rtl"), ("en", "ltr"), ("de", "ltr"), ("arn", "ltr"), ("", "ltr"),
])
def test_direction_of_a_language(language, direction):
    from s3 import text_direction

    assert text_direction(language) == direction


@pytest.fixture
def template(app, monkeypatch, tmp_path):
    """A deployment template of its own, with translations; gives a function that writes them."""
    import templates

    monkeypatch.setattr(templates, "__path__", [*templates.__path__, str(tmp_path)])
    folder = tmp_path / "relief" / "languages"
    folder.mkdir(parents=True)
    (tmp_path / "relief" / "__init__.py").touch()
    (tmp_path / "relief" / "config.py").write_text("def config(settings):\n    pass\n")
    with app.configured("settings.base.template = ['default', 'relief']\nsettings.import_template()"):
        yield lambda name, texts: (folder / name).write_text(repr(texts), encoding="utf-8")


def test_translations_of_a_template_go_before_those_of_the_framework(app, template):
    template("de.py", {"Log in": "Hereinspaziert", "Shelter": "Unterkunft"})

    with app.env(vars={"_language": "de"}) as current:
        assert [str(current.T(text)) for text in ("Log in", "Shelter", "Save")] == ["Hereinspaziert", "Unterkunft", "Speichern"]


def test_template_can_bring_a_language_and_reword_english(app, template):
    template("pt-br.py", {"Log in": "Entrar"})
    template("en.py", {"Log in": "Sign in"})

    with app.configured("settings.L10n.languages['pt-br'] = 'Brasil'"):
        portuguese, english = (app.request(LOGIN, vars={"_language": code}) for code in ("pt-br", "en"))

    assert page_attributes(portuguese.text) == ("pt-br", "ltr") and "<h1>Entrar</h1>" in portuguese.text
    assert "<h1>Sign in</h1>" in english.text


def test_translations_of_a_template_stay_with_its_deployment(app, template):
    from s3 import translator

    template("de.py", {"Log in": "Hereinspaziert"})
    with app.env(vars={"_language": "de"}) as current:
        assert str(current.T("Log in")) == "Hereinspaziert"
        assert translator("de")("Log in", lazy=False) == "Hereinspaziert"

    with app.configured("settings.base.template = 'default'"), app.env(vars={"_language": "de"}) as current:
        assert str(current.T("Log in")) == "Anmelden"


def test_no_translator_writes_into_language_files(app):
    from s3 import translator

    files = {path: path.stat().st_mtime_ns for path in (app.folder / "languages").iterdir()}
    text = "A text that nobody has translated"
    with app.env(vars={"_language": "de"}) as current:
        assert str(current.T(text)) == text
        assert translator("de")(text, lazy=False) == text

    # what a configuration translates is translated before the language is chosen
    with app.configured("settings.base.system_name = str(T('Another one'))"):
        page = app.request(LOGIN, headers={"Accept-Language": "de"})

    assert "Another one" in page.text
    assert {path: path.stat().st_mtime_ns for path in (app.folder / "languages").iterdir()} == files


# -- links to other languages ------------------------------------------------------------------------------------------
def language_links(text: str) -> dict[str, str]:
    return {code: href for href, code in re.findall(r'<a href="(\?[^"]*)" lang="([^"]*)" hreflang', text)}


def test_page_links_to_itself_in_the_other_languages(app):
    page = app.request("/default/user/login", vars={"_next": "/eden/cms/post?~.name__like=a*", "_language": "fr"})
    link = language_links(page.text)["ar"].replace("&amp;", "&")

    arabic = app.request(f"/default/user/login{link}")

    assert page_attributes(arabic.text) == ("ar", "rtl")
    assert "_next=%2Feden%2Fcms%2Fpost%3F~.name__like%3Da%2A" in link
    assert list(language_links(page.text)) == ["en", "de", "fr", "es", "ar"]
    assert re.findall(r'lang="(\w+)"[^>]* aria-current="true"', page.text.partition("<footer")[2]) == ["fr"]


def test_variables_of_an_address_cannot_break_out_of_the_links(app):
    page = app.request(LOGIN, vars={"evil": '"><script>alert(1)</script>'})

    assert "<script" not in page.text
    assert "%3Cscript%3E" in language_links(page.text)["de"]


@pytest.mark.parametrize("setting", ["settings.L10n.languages = {'en': 'English'}", "settings.L10n.display_toolbar = False"])
def test_deployment_of_one_language_or_without_toolbar_has_no_links(app, setting):
    with app.configured(setting):
        assert language_links(app.request(LOGIN).text) == {}


# -- values in sentences -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("language, text, shown", [
    ("ar", "2026-11-22", "\u20682026-11-22\u2069"),
    ("ar", "Open\nمفتوح\n24/7", "\u2068Open\u2069\nمفتوح\n\u206824/7\u2069"),
    ("ar", "", ""),
    ("ar", "https://relief.example/7", "https://relief.example/7"),
    ("ar", "Here (https://relief.example/7)", "\u2068Here (https://relief.example/7)\u2069"),
    ("de", "2026-11-22", "2026-11-22"),
])
def test_values_are_isolated_where_text_runs_from_right_to_left(app, language, text, shown):
    from s3.s3languages import isolated

    with app.env(vars={"_language": language}):
        assert isolated(text) == shown


def test_dates_stay_in_order_in_the_text_of_an_arabic_filter(app):
    from s3 import S3FilterString

    with app.env(vars={"_language": "ar"}) as current:
        resource = current.s3db.resource("cms_post")

        assert "\u20682026-11-22" in S3FilterString(resource, [["~.date__gt", "2026-11-22"]]).represent()


@pytest.mark.parametrize("query", ["x=%ff%fe", "x=%ed%a0%80", "x=%00", "x=1&x=2&_language=xx&_language=de", "%ff=1"])
def test_odd_variables_do_not_break_the_links(app, query):
    page = app.request(f"{LOGIN}?{query}")

    assert page.status == 200
    assert set(language_links(page.text)) == {"en", "de", "fr", "es", "ar"}
