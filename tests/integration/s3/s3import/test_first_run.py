"""The first start of an application whose template brings data."""
from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import App

from launcher.instance import create_instance


@pytest.fixture
def start(web2py_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., App]:
    """Writes the files of a template, and gives an application that takes its first data from there."""
    import templates

    monkeypatch.setattr(templates, "__path__", [*templates.__path__, str(tmp_path)])
    folder = tmp_path / "Relief"
    folder.mkdir()
    (folder / "tasks.cfg").write_text("*,import_role,auth_roles.csv\ncms,series,series.csv\ncms,post,posts.csv\n")
    (folder / "auth_roles.csv").write_text("uid,role,controller,uacl\nANONYMOUS,Anonymous,cms,READ\n")
    (folder / "series.csv").write_text("name\nNews\n")

    def start(posts: str) -> App:
        (folder / "posts.csv").write_text(posts)
        instance = create_instance(
            web2py_folder, app="first_data", database_uri=f"sqlite://{tmp_path}/storage.db", base_prepopulate=["Relief"]
        )
        return App(instance.app_folder, instance.app, "sqlite")

    return start


def stored(tmp_path: Path, tablename: str) -> int:
    connection = sqlite3.connect(tmp_path / "storage.db")
    try:
        return int(connection.execute(f"SELECT COUNT(*) FROM {tablename}").fetchone()[0])
    finally:
        connection.close()


def test_faulty_file_is_told_at_the_first_start_until_it_is_repaired(start, tmp_path):
    app = start("body,series_id$name,date\nHello,News,NOW\nWorld,Newz,NOW\n")

    for _ in range(2):
        response = app.request("/default/index")
        assert response.status == 503
        assert "Relief/tasks.cfg, line 3" in response.text
        assert "posts.csv, line 3, column 'series_id$name': there is no cms_series with name 'Newz'" in response.text
    assert [stored(tmp_path, name) for name in ("cms_series", "cms_post", "auth_group", "s3_permission")] == [0, 0, 0, 0]

    app = start("body,series_id$name,date\nHello,News,NOW\nWorld,News,NOW\n")

    assert app.request("/default/index").status == 200
    assert sorted(row["cms_post.body"] for row in app.request("/cms/post.json").json()) == ["Hello", "World"]
    assert stored(tmp_path, "cms_series") == 1
