"""Pages that a deployment shows in its own way: views of its templates, and of a theme."""
from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A further folder of deployment templates."""
    import templates

    monkeypatch.setattr(templates, "__path__", [*templates.__path__, str(tmp_path)])
    return tmp_path


@pytest.fixture
def write(place: Path):
    """Writes a view of a template, which exists from then on."""

    def write(name: str, content: str) -> None:
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        folder = path
        while folder.name != "views":
            folder = folder.parent
        (folder.parent / "config.py").write_text("def config(settings):\n    pass\n")

    return write


def cascade(*names: str) -> str:
    return f"settings.base.template = {['default', *names]!r}\n"


@pytest.mark.parametrize("name", ["cms_post_list.html", "cms/post_list.html", "list.html"])
def test_a_template_replaces_the_view_of_a_page(app, write, name):
    write(f"Relief/views/{name}", '{{extend "layout.html"}}<h1>Relief: {{=title}}</h1>')

    with app.configured(cascade("Relief")):
        page = app.request("/cms/post", auth="anna").text

    assert "<h1>Relief: Posts</h1>" in page
    # in the frame of all pages
    assert 'class="skip" href="#content"' in page and "<title>Posts" in page


def test_a_view_of_one_table_is_not_that_of_another(app, write):
    write("Relief/views/cms_post_list.html", '{{extend "layout.html"}}<h1>Relief: {{=title}}</h1>')

    with app.configured(cascade("Relief")):
        page = app.request("/cms/series", auth="anna").text

    assert "Relief:" not in page and "<h1>Series</h1>" in page


def test_the_inside_of_a_page_alone_stands_in_the_frame(app, write):
    write("Relief/views/_list.html", "<h1>Inside: {{=title}}</h1>")

    with app.configured(cascade("Relief")):
        page = app.request("/cms/post", auth="anna").text

    assert page.count("<html") == 1
    assert page.index('<main id="content"') < page.index("<h1>Inside: Posts</h1>") < page.index("</main>")


def test_the_layout_of_a_template_frames_every_page(app, write):
    write("Relief/views/layout.html", "<!DOCTYPE html><html><body>Relief frame {{include}}</body></html>")

    with app.configured(cascade("Relief")):
        pages = [app.request(path, auth="anna").text for path in ("/default/index", "/cms/post", "/cms/post/4711")]

    assert all(page.startswith("<!DOCTYPE html><html><body>Relief frame") for page in pages)
    assert "Record not found!" in pages[2]


def test_a_layout_can_add_to_that_of_the_application(app, write):
    write("Relief/views/layout.html", '{{extend "site.html"}}<p>In case of danger call 112.</p>{{include}}')

    with app.configured(cascade("Relief")):
        page = app.request("/cms/post", auth="anna").text

    assert page.index('<main id="content"') < page.index("In case of danger") < page.index("<h1>Posts</h1>")


def test_of_several_templates_the_last_one_counts(app, write):
    for name in ("Country", "Region"):
        write(f"{name}/views/list.html", f'{{{{extend "layout.html"}}}}<h1>{name}</h1>')
    write("Country/views/error.html", '{{extend "layout.html"}}<h1>Country error</h1>')

    with app.configured(cascade("Country", "Region")):
        assert "<h1>Region</h1>" in app.request("/cms/post", auth="anna").text
        assert "<h1>Country error</h1>" in app.request("/cms/post/4711", auth="anna").text
    with app.configured(cascade("Region", "Country")):
        assert "<h1>Country</h1>" in app.request("/cms/post", auth="anna").text


def test_the_theme_goes_before_the_templates(app, write):
    write("Relief/views/list.html", '{{extend "layout.html"}}<h1>Relief</h1>')
    write("Night/Blue/views/list.html", '{{extend "layout.html"}}<h1>Blue</h1>')

    with app.configured(cascade("Relief") + "settings.base.theme = 'Night.Blue'"):
        themed = app.request("/cms/post", auth="anna").text
    with app.configured(cascade("Relief") + "settings.base.theme = 'Other'\nsettings.base.theme_layouts = 'Night.Blue'"):
        borrowed = app.request("/cms/post", auth="anna").text

    assert "<h1>Blue</h1>" in themed and "<h1>Blue</h1>" in borrowed


def test_the_stylesheet_of_the_theme_is_added(app, monkeypatch):
    styles = Path(app.folder, "static").resolve() / "themes" / "Night"
    link = f'<link rel="stylesheet" href="/{app.name}/static/themes/Night/theme.css">'
    with app.configured("settings.base.theme = 'Night'"):
        assert "themes/" not in app.request("/cms/post", auth="anna").text
        styles.mkdir(parents=True)
        try:
            (styles / "theme.css").write_text("body { background: black }")
            page = app.request("/cms/post", auth="anna").text
            style = app.request("/static/themes/Night/theme.css")
        finally:
            (styles / "theme.css").unlink(missing_ok=True)
            styles.rmdir()
            styles.parent.rmdir()

    assert page.index("styles/app.css") < page.index(link)
    assert style.status == 200 and style.text.startswith("body")


@pytest.mark.parametrize("name", ["../../private", "a/b", "", 7])
def test_a_theme_is_a_name_and_no_path(app, name):
    with app.configured(f"settings.base.theme = {name!r}"):
        answer = app.request("/cms/post", auth="anna")

    assert answer.status == 503
    assert answer.text.startswith(f"Setting base.theme is {name!r}: it must be a name of letters")


# -- pages that hooks make -----------------------------------------------------------------------------------------------
def test_entry_of_a_module_is_what_the_deployment_makes_of_it(app, write):
    write("Relief/views/cms_index.html", '{{extend "layout.html"}}<h1>{{=title}}</h1>')
    hook = "settings.customise_cms_home = lambda: {'title': 'What is new'}"

    with app.configured(cascade("Relief") + hook):
        page = app.request("/cms", auth="anna")
    usual = app.request("/cms", auth="anna")

    assert page.status == 200 and "<h1>What is new</h1>" in page.text
    assert (usual.status, usual.headers["location"]) == (303, f"/{app.name}/cms/post")


def test_pages_of_accounts_may_be_prepared_by_a_hook(app):
    hook = (
        "def _account(**attr):\n"
        "    current.response.information = 'Page of ' + (attr['arg'] or 'the account')\n"
        "    return attr\n"
        "settings.customise_auth_user_controller = _account"
    )

    with app.configured(hook):
        page = app.request("/default/user/login").text

    assert '<p class="message information" role="status">Page of login</p>' in page
