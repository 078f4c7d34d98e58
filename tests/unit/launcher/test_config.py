import re

import pytest

from launcher.config import CONFIG_EXAMPLE, check_config, render_config, write_config
from launcher.errors import LauncherError


def execute(source):
    """The assignments of a config, and what was set before the template's settings and after them."""

    class Section:
        def __init__(self, name):
            self.__dict__["name"] = name

        def __setattr__(self, key, value):
            assigned[f"{self.name}.{key}"] = value

    class Settings:
        def __getattr__(self, name):
            return Section(name)

        def import_template(self):
            before_template.update(assigned)

    assigned, before_template = {}, {}
    source = source.replace("from gluon import current\n", "").replace("current.deployment_settings", "Settings()")
    exec(compile(source, "000_config.py", "exec"), {"Settings": Settings})
    return assigned, before_template


def test_the_example_is_a_valid_config_with_the_defaults():
    assigned, before_template = execute(CONFIG_EXAMPLE.read_text())

    assert before_template["base.template"] == "default"
    assert before_template["database.uri"] == "sqlite://storage.db"
    assert before_template["base.public_url"] == "http://127.0.0.1:8000"


def test_given_values_stand_in_the_place_of_the_example_s():
    assigned, before_template = execute(render_config({"base.template": "DRMP", "database.uri": "postgres://u:p'w@h/db"}))

    assert before_template["base.template"] == "DRMP"
    assert before_template["database.uri"] == "postgres://u:p'w@h/db"


def test_a_commented_out_setting_of_the_example_is_switched_on():
    source = render_config({"mail.login": "me:secret"})

    assert execute(source)[0]["mail.login"] == "me:secret"
    assert "# settings.mail.login" not in source


def test_a_setting_which_the_example_does_not_mention_has_the_last_word():
    assigned, before_template = execute(render_config({"msg.notify_batch": 3}))

    assert "msg.notify_batch" not in before_template
    assert assigned["msg.notify_batch"] == 3


def test_every_config_gets_a_key_of_its_own():
    keys = {execute(render_config({}))[0]["auth.hmac_key"] for _ in range(3)}

    assert len(keys) == 3
    assert all(re.fullmatch(r"sha512:[0-9a-f]{64}", key) for key in keys)


def test_a_given_key_is_kept():
    assert execute(render_config({"auth.hmac_key": "sha512:mine"}))[0]["auth.hmac_key"] == "sha512:mine"


@pytest.mark.parametrize("key", ["template", "base.template = 1; evil", "base..template", "Base.template"])
def test_what_is_not_a_setting_is_refused(key):
    with pytest.raises(LauncherError, match="is not a setting"):
        render_config({key: 1})


@pytest.mark.parametrize(
    ("variable", "key"),
    [("S3_DATABASE_URI", "database.uri"), ("S3_PUBLIC_URL", "base.public_url"), ("S3_MAIL_SERVER", "mail.server")],
)
def test_the_surroundings_win_over_the_file(monkeypatch, variable, key):
    monkeypatch.setenv(variable, "from-outside")

    assert execute(render_config({}))[0][key] == "from-outside"


def test_only_the_owner_may_read_the_config(tmp_path):
    write_config(tmp_path / "000_config.py", {})

    assert (tmp_path / "000_config.py").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (b"a = 1\nsettings.base.template = \n", "line 2: invalid syntax"),
        (b"a = 1\n  b = 2\n", "line 2: unexpected indent"),
        (b"a = '\xff'\n", "utf-8"),
        (b"a = 1\x00\n", "null bytes"),
    ],
)
def test_a_config_that_is_no_python_is_named_with_line_and_reason(tmp_path, source, reason):
    path = tmp_path / "000_config.py"
    path.write_bytes(source)

    with pytest.raises(LauncherError) as raised:
        check_config(path)

    assert str(raised.value).startswith(f"{path} is no valid Python: ")
    assert reason in str(raised.value)


def test_a_config_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(LauncherError, match=re.escape(f"{tmp_path} cannot be read: ")):
        check_config(tmp_path)


def test_a_valid_config_is_accepted(tmp_path):
    write_config(tmp_path / "000_config.py", {})

    check_config(tmp_path / "000_config.py")
