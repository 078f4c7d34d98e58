"""The translations: nothing missing, nothing left over, nothing that a text cannot be shown with."""
from __future__ import annotations

from pathlib import Path

import pytest

import manage
from launcher import commands
from launcher.errors import LauncherError
from launcher.languages import META_KEYS, collect, draft, examine, faults, read_translations

ROOT = Path(__file__).resolve().parents[2]
TEXTS = collect(ROOT)
LANGUAGES = {"ar": "العربية", "de": "Deutsch", "es": "Español", "fr": "Français"}
TRANSLATIONS = {code: read_translations(ROOT / "languages" / f"{code}.py") for code in LANGUAGES}

#: Where a text reaches T through a variable, and what holds the texts that can be meant
MARKED_ELSEWHERE = {
    "modules/s3/s3admin/health.py: text": "s3notify.health",
    "modules/s3/s3crud/navigation.py: label": "the titles of the pages of deployment templates",
    "modules/s3/s3fields/represent.py: label": "the models; where they say so, records",
    "modules/s3/s3filter/controls.py: message": "constants of the module",
    "modules/s3/s3filter/string.py: conjunction": "Operator.conjunction",
    "modules/s3/s3filter/string.py: template": "Operator.sentence, Operator.negated",
    "modules/s3/s3filter/widgets/locations.py: current.deployment_settings.get_gis_hierarchy().get(level) or level": "the setting",
    "modules/s3/s3filter/widgets/options.py: label": "records, where the widget says so",
    "modules/s3/s3filter/widgets/options.py: row[fieldname]": "records, where the widget says so",
    "modules/s3/s3filter/words.py: ' '.join((word.capitalize() for word in step.split('_')))": "s3db.COMPONENT_NAMES",
    "modules/s3/s3filter/words.py: one if number == 1 else many": "UNITS",
    "modules/s3/s3validators.py: message": "the validators",
    "modules/s3db/gis.py: label": "setting gis.hierarchy",
    "modules/s3db/msg.py: label": "S3Msg.OUTBOX_STATUS",
    "modules/s3db/pr/contact.py: current.deployment_settings.get_ui_label_mobile_phone()": "setting ui.label_mobile_phone",
    "modules/s3db/pr/subscription.py: current.deployment_settings.get_ui_label_mobile_phone()": "setting ui.label_mobile_phone",
    "modules/templates/DRMP/newsfeed.py: Newsfeed.title": "Newsfeed.title",
    "modules/templates/DRMP/subscriptions.py: offer.label": "NotificationSettings.offers",
}


def test_language_files_are_those_that_are_shipped():
    assert {path.stem for path in (ROOT / "languages").glob("*.py")} == set(LANGUAGES)


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_text_is_translated(code):
    assert {text: places[0] for text, places in TEXTS.places.items() if text not in TRANSLATIONS[code]} == {}


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_translation_is_left_over(code):
    assert [text for text in TRANSLATIONS[code] if text not in TEXTS.places and text not in META_KEYS] == []


@pytest.mark.parametrize("code", LANGUAGES)
def test_translations_suit_their_texts(code):
    found = {text: faults(text, translation) for text, translation in TRANSLATIONS[code].items() if text not in META_KEYS}

    assert {text: fault for text, fault in found.items() if fault} == {}


@pytest.mark.parametrize("code, name", LANGUAGES.items())
def test_language_file_names_its_language_and_is_sorted(code, name):
    translations = TRANSLATIONS[code]

    assert (translations["!langcode!"], translations["!langname!"]) == (code, name)
    assert list(translations) == sorted(translations)


def test_texts_that_reach_the_translator_through_a_variable_are_known():
    """Mark what the variable can hold with to_translate, then name the place above."""
    assert set(TEXTS.unclear) == set(MARKED_ELSEWHERE)


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "ar"])
def test_only_arabic_has_arabic_letters(code):
    assert [text for text, translation in TRANSLATIONS[code].items() if any("\u0600" <= sign <= "\u06ff" for sign in translation)] == []


# -- the collector -----------------------------------------------------------------------------------------------------
@pytest.fixture
def checkout(tmp_path):
    """A folder like the checkout; gives a function that writes a file into it."""

    def write(name: str, content: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return tmp_path

    return write


@pytest.mark.parametrize("source, texts", [
    ('T("One")', ["One"]),
    ("current.T('One') + str(self.T('Two'))", ["One", "Two"]),
    ('T("Of several "\n  "parts", dict(n=1))', ["Of several parts"]),
    ('T("One" if number == 1 else "Many")', ["Many", "One"]),
    ('to_translate({"key": "One", 2: ("Two", "Three")})', ["One", "Three", "Two"]),
    ('WORDS = to_translate({"key": "One"}); SECOND = to_translate("Two"); T(WORDS[key] if key else SECOND)', ["One", "Two"]),
    ('OTHER("One"); T()', []),
])
def test_texts_in_code_are_found(checkout, source, texts):
    found = collect(checkout("modules/thing.py", source))

    assert sorted(found.places) == texts
    assert found.unclear == []


@pytest.mark.parametrize("source", ["T(label)", 'T(f"One {thing}")', 'T("One" + thing)', "to_translate([label])", "T(WORDS)"])
def test_texts_that_cannot_be_read_in_code_are_told(checkout, source):
    found = collect(checkout("controllers/thing.py", source))

    assert found.places == {}
    assert [place.split(":")[0] for place in found.unclear] == ["controllers/thing.py"]


def test_texts_in_views_are_found(checkout):
    view = """<p title="{{=T('Title')}}">{{if T("A \\"quoted\\" one"):}} T("no code") {{=T("Two "
      "lines") % dict(n=1)}}{{pass}}{{=T(title)}}</p>"""

    found = collect(checkout("views/thing/page.html", view))

    assert sorted(found.places) == ['A "quoted" one', "Title", "Two lines"]
    assert found.places["Two lines"] == ["views/thing/page.html:1"]
    assert found.unclear == ["views/thing/page.html: title)"]


def test_configuration_of_the_machine_is_not_searched(checkout):
    assert collect(checkout("models/000_config.py", 'settings.base.system_name = T("Ours")')).places == {}


# -- faults ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("text, translation", [
    ("%(count)s of %(total)s", "%(total)s, davon %(count)s"),
    ("%s AND %s", "%s و%s"),
    ("Expired?", "منتهي الصلاحية؟"),
    ("Expired?", "Expiré\u00a0?"),
    ("Not saved. ", "Non enregistré. "),
    ("<b>Stop</b>", "<b>Halt</b>"),
])
def test_translation_that_suits_its_text(text, translation):
    assert faults(text, translation) == []


@pytest.mark.parametrize("text, translation, fault", [
    ("%(count)s new", "%(number)s neu", "placeholders"),
    ("%(count)s new", "neu", "placeholders"),
    ("New", "%s neu", "placeholders"),
    ("At most %(min)g", "Höchstens %(min)s", "placeholders"),
    ("Save", "<script>Sichern", "HTML"),
    ("Not saved. ", "Nicht gespeichert.", "blanks"),
    ("Sure?", "Sicher.", "mark"),
    ("Name", "Name:", "mark"),
    ("Name", " ", "empty"),
])
def test_translation_that_does_not_suit_its_text(text, translation, fault):
    assert [fault in found for found in faults(text, translation)] == [True]


# -- the command -------------------------------------------------------------------------------------------------------
def test_examination_names_missing_unused_and_faulty_translations(checkout, capsys):
    checkout("modules/thing.py", 'T("New")\nT("Sure?")')
    root = checkout("languages/de.py", "{'!langcode!': 'de', 'Old': 'Alt', 'Sure?': 'Sicher'}")

    assert examine(root, []) == 1
    assert capsys.readouterr().out.splitlines() == [
        "de: 3 translations, 3 problems",
        "  missing: 'New' (modules/thing.py:1)",
        "  unused: 'Old'",
        "  faulty: 'Sure?': ends with another mark",
    ]


def test_examination_of_a_complete_language_finds_nothing(checkout, capsys):
    checkout("modules/thing.py", 'T("New")')
    root = checkout("languages/de.py", "{'New': 'Neu'}")

    assert examine(root, ["de"]) == 0
    assert capsys.readouterr().out == "de: 1 translations, 0 problems\n"


def test_draft_has_every_text_and_the_translations_that_there_are(checkout):
    checkout("modules/thing.py", 'T("New")\nT("file ## upload")\nT("Old")')
    root = checkout("languages/pt.py", "{'Old': 'Antigo', 'Gone': 'Ido'}")

    text = draft(root, "pt", "Português")

    assert text.splitlines() == [
        "{", "'!langcode!': 'pt',", "'!langname!': 'Português',", "'New': 'New',", "'Old': 'Antigo',", "'file ## upload': 'file',", "}",
    ]


@pytest.fixture
def with_template(checkout):
    """A checkout with a German translation and a deployment template of somebody's own."""
    checkout("modules/thing.py", 'T("New")')
    checkout("languages/de.py", "{'New': 'Neu'}")
    return checkout("modules/templates/Relief/config.py", 'T("New")\nT("Shelter")')


def test_texts_of_other_templates_are_theirs(with_template):
    assert list(collect(with_template).places) == ["New"]
    assert list(collect(with_template, "Relief").places) == ["New", "Shelter"]


def test_examination_of_a_template_counts_the_translations_of_the_application(with_template, checkout, capsys):
    assert examine(with_template, ["de"], "Relief") == 1
    checkout("modules/templates/Relief/languages/de.py", "{'Shelter': 'Unterkunft', 'A name of records': 'Ein Name'}")
    assert examine(with_template, ["de"], "Relief") == 0

    assert capsys.readouterr().out.splitlines() == [
        "de: 0 translations, 1 problems",
        "  missing: 'Shelter' (modules/templates/Relief/config.py:2)",
        "de: 2 translations, 0 problems",
    ]


def test_draft_of_a_template_has_what_the_application_does_not_translate(with_template):
    assert draft(with_template, "de", "Deutsch", "Relief") == "{\n'!langcode!': 'de',\n'!langname!': 'Deutsch',\n'Shelter': 'Shelter',\n}\n"


def test_template_that_there_is_not_is_named(with_template):
    with pytest.raises(LauncherError, match="no template Nothing"):
        collect(with_template, "Nothing")


@pytest.mark.parametrize("content", ["{'New': ", "['New']", "{'New': 1}", "__import__('os')"])
def test_language_file_that_is_no_dictionary_of_texts_is_named(checkout, content):
    path = checkout("languages/de.py", content) / "languages" / "de.py"

    with pytest.raises(LauncherError, match="de.py"):
        read_translations(path)


@pytest.mark.parametrize("codes", [[], ["fr", "de"]])
def test_draft_is_of_one_language(codes):
    with pytest.raises(LauncherError, match="one code"):
        commands.execute(manage.parse(["languages", *codes, "--draft", "Name"]))
