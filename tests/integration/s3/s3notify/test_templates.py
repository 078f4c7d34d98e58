"""Message templates: which one is found, what it knows, and what happens when it fails."""
from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest


class Deployment:
    """An application folder and deployment templates of the test's own, in the places where they stand."""

    def __init__(self, folder: Path, current) -> None:
        self.folder = folder
        self.current = current

    def write(self, place: str, name: str, text: str) -> Path:
        """Put a message template below "modules/<template>", "private/<template>" or the application itself ("")."""
        path = self.folder / place / "views" / "msg" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def use(self, *names: str) -> None:
        self.current.deployment_settings.base.template = list(names)

    def render(self, email_format: str | None = "text", method: str = "EMAIL", prefix: str = "probe", **contents) -> str | None:
        from s3.s3notify.templates import render_message

        self.notes: list[str] = []
        return render_message(prefix, method, email_format, contents, email_format or "text", self.notes)


@pytest.fixture
def deployment(app, tmp_path, monkeypatch) -> Iterator[Deployment]:
    import templates

    monkeypatch.setattr(templates, "__path__", [str(tmp_path / "modules"), str(tmp_path / "private")])
    with app.env() as current:
        current.request.folder = str(tmp_path)
        yield Deployment(tmp_path, current)


PLACES = ("modules/XYZ", "")
FILES = [(place, name) for place in PLACES for name in ("suffixed", "plain")]


@pytest.mark.parametrize("email_format", ["html", "text"])
@pytest.mark.parametrize("there_are", list(itertools.product((True, False), repeat=4)))
def test_deployment_goes_before_default_and_suffixed_before_plain(deployment, there_are, email_format):
    """R43 to R48, E11: all combinations, none included."""
    deployment.use("XYZ")
    names = {"suffixed": f"probe_email_{email_format}.html", "plain": "probe_email.html"}
    present = list(itertools.compress(FILES, there_are))
    for place, kind in present:
        deployment.write(place, names[kind], f"{place}|{kind}")

    expected = "|".join(present[0]) if present else None
    assert deployment.render(email_format) == expected


def test_last_template_of_the_deployment_goes_first_in_every_message(deployment):
    """H5, G13: also for the second message of a round."""
    deployment.use("First", "Last")
    deployment.write("modules/First", "probe_email_text.html", "first")
    deployment.write("modules/Last", "probe_email.html", "last")

    assert [deployment.render(), deployment.render()] == ["last", "last"]


def test_older_place_of_templates_goes_after_the_newer_one_and_before_the_defaults(deployment):
    """R43: private/templates/XYZ/views/msg"""
    deployment.use("XYZ")
    deployment.write("", "probe_email_text.html", "default")
    deployment.write("private/XYZ", "probe_email.html", "older")
    older = deployment.render()
    deployment.write("modules/XYZ", "probe_email.html", "newer")

    assert (older, deployment.render()) == ("older", "newer")


def test_dotted_template_name_is_a_folder_in_a_folder(deployment):
    """X22"""
    deployment.use("Country.Region")
    deployment.write("modules/Country", "probe_email.html", "country")
    deployment.write("modules/Country/Region", "probe_email.html", "region")

    assert deployment.render() == "region"


@pytest.mark.parametrize(("method", "name"), [("SMS", "probe_sms.html"), ("EMAIL", "probe_email.html")])
def test_name_of_a_template_is_prefix_and_method(deployment, method, name):
    """R44: only e-mail has a format in the name."""
    deployment.write("", name, method)
    deployment.write("", "probe_sms_text.html", "never")

    assert deployment.render("text", method) == method


def test_template_knows_the_contents_and_the_view_environment_and_nothing_of_the_message_before(deployment):
    """R39: a variable of one message is not visible in the next."""
    deployment.write("", "probe_email.html", "{{=globals().get('x', 'no x')}} {{=T('Filter')}} {{=URL('a', 'b', 'c')}}")

    assert deployment.render(x=1) == "1 Filter /a/b/c"
    assert deployment.render() == "no x Filter /a/b/c"


BROKEN = ["{{=1 / 0}}", "{{if True}}", "{{=nobody_knows}}", '{{include "nowhere.html"}}', '{{extend "probe_email.html"}}']


@pytest.mark.parametrize("broken", BROKEN)
def test_broken_template_falls_back_and_says_why(deployment, broken):
    """F40: errors when it is read, when it is run, and in what it includes."""
    deployment.use("XYZ")
    deployment.write("modules/XYZ", "probe_email.html", broken)
    deployment.write("", "probe_email.html", "default")

    assert deployment.render() == "default"
    assert len(deployment.notes) == 1
    assert deployment.notes[0].startswith("The message template probe_email.html of XYZ failed: ")


def test_parts_are_looked_for_in_the_same_folders(deployment):
    """One layout of the deployment changes the looks of the default templates."""
    deployment.use("XYZ")
    deployment.write("", "probe_layout.html", "default <{{include}}>")
    deployment.write("", "probe_email.html", "{{title = 'T'}}{{extend 'probe_layout.html'}}body{{include 'probe_end.html'}}")
    deployment.write("", "probe_end.html", " end")
    before = deployment.render()
    deployment.write("modules/XYZ", "probe_layout.html", "{{=title}} [{{include}}]")

    assert (before, deployment.render()) == ("default <body end>", "T [body end]")


def test_template_is_compiled_once_until_one_of_its_files_changes(deployment, monkeypatch):
    from s3.s3notify import templates

    compiled = []
    original = templates.TemplateParser
    monkeypatch.setattr(templates, "TemplateParser", lambda *args, **attr: compiled.append(attr["name"]) or original(*args, **attr))
    page = deployment.write("", "probe_email.html", "{{include 'probe_part.html'}}")
    part = deployment.write("", "probe_part.html", "one")

    assert [deployment.render(), deployment.render()] == ["one", "one"]
    assert compiled == ["probe_email.html"]

    for path, text in ((part, "two"), (page, "three")):
        path.write_text(text)
        os.utime(path, ns=(1, path.stat().st_mtime_ns + 1))
        assert [deployment.render(), deployment.render()] == [text, text]
    assert compiled == ["probe_email.html"] * 3


def test_values_are_escaped_in_html_and_not_in_text(deployment):
    """X38"""
    deployment.write("", "probe_email.html", "{{=x}}")

    assert deployment.render("html", x="<b> & c") == "&lt;b&gt; &amp; c"
    assert deployment.render("text", x="<b> & c") == "<b> & c"


def test_template_without_format_that_gives_html_escapes_texts_as_well(deployment):
    """X38, R47: the values of a text subscriber hold no markup, but may look like it."""
    deployment.write("", "probe_email.html", "<html><body>{{=x}}</body></html>")

    assert deployment.render("text", x="<script>") == "<html><body>&lt;script&gt;</body></html>"
