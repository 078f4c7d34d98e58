"""Deployment settings: defaults, overrides, values that cannot work."""
from __future__ import annotations

from typing import Any

import pytest

from s3cfg import SETTINGS, S3Config, SettingError


@pytest.fixture
def settings() -> S3Config:
    return S3Config()


def getter_of(name: str) -> str:
    return next(setting.getter for setting in SETTINGS if setting.name == name)


@pytest.mark.parametrize("name, default", [
    ("msg.notify_overlap", 120),
    ("msg.notify_batch", 100),
    ("msg.notify_max_records", 500),
    ("msg.notify_max_attempts", 20),
    ("msg.outbox_batch", 100),
    ("msg.max_send_retries", 9),
    ("msg.notify_check_subscriptions", True),
    ("msg.notify_email_format", "text"),
    ("msg.notify_renderer", None),
    ("mail.server", "127.0.0.1:25"),
    ("mail.sender", None),
    ("base.template", "default"),
    ("database.uri", "sqlite://storage.db"),
    ("security.policy", 1),
    ("security.self_registration", False),
    ("L10n.default_country_code", 1),
])
def test_default_is_given_when_the_deployment_says_nothing(settings: S3Config, name: str, default: Any) -> None:
    assert getattr(settings, getter_of(name))() == default


def test_value_of_the_deployment_wins(settings: S3Config) -> None:
    settings.msg.notify_batch = 7

    assert settings.get_msg_notify_batch() == 7


def test_none_is_a_value_where_it_means_something(settings: S3Config) -> None:
    settings.msg.max_send_retries = None

    assert settings.get_msg_max_send_retries() is None


def test_unknown_section_or_setting_reads_none(settings: S3Config) -> None:
    settings.hrm.unheard_of = 1

    assert settings.msg.unheard_of is None
    assert settings.customise_nothing_resource is None


def test_nobody_can_change_the_default_of_others(settings: S3Config) -> None:
    settings.get_auth_registration_roles().append("EDITOR")

    assert settings.get_auth_registration_roles() == []


def test_settings_of_one_request_do_not_reach_the_next(settings: S3Config) -> None:
    settings.gis.countries.append("XX")
    settings.modules["cms"] = {}

    assert S3Config().get_gis_countries() == []
    assert not S3Config().has_module("cms")


def test_lazy_setting_is_called_once_with_its_default(settings: S3Config) -> None:
    calls = []

    def timezone(default: Any) -> str:
        calls.append(default)
        return "Europe/Berlin"

    settings.L10n.timezone = timezone

    assert [settings.get_L10n_timezone(), settings.get_L10n_timezone()] == ["Europe/Berlin"] * 2
    assert calls == [None]


@pytest.mark.parametrize("name, value, complaint", [
    ("msg.notify_email_format", "pdf", "Setting msg.notify_email_format is 'pdf': it must be one of text, html"),
    ("security.policy", 8, "Setting security.policy is 8: it must be one of 1, 2, 3, 4, 5, 6, 7"),
    ("msg.outbox_batch", 0, "Setting msg.outbox_batch is 0: it must be a whole number of at least 1"),
    ("msg.outbox_batch", "5", "whole number"),
    ("msg.outbox_batch", True, "whole number"),
    ("msg.max_send_retries", -1, "None (for ever)"),
    ("mail.server", "localhost", "host:port"),
    ("msg.notify_lookup_url", "example.org", "http:// or https://"),
    ("base.public_url", "ftp://example.org", "http:// or https://"),
    ("base.public_url", "https://", "a host must follow"),
    ("base.public_url", "https://" + "x" * 70 + ".example", "a host must follow"),
    ("msg.notify_renderer", "my_renderer", "Setting msg.notify_renderer is 'my_renderer': it must be a function, or None"),
    ("msg.notify_subject", 7, "a text or a function"),
    ("mail.sender", "alerts", "an e-mail address"),
    ("mail.sender", "a@example.org\r\nBcc: b@example.org", "an e-mail address"),
    ("L10n.timezone", "Middle-earth/Shire", "the name of a time zone"),
    ("L10n.timezone", "../../etc/passwd", "the name of a time zone"),
    ("base.template", 7, "a name, or a list of names"),
    ("base.template", [], "a name, or a list of names"),
    ("log.level", "LOUD", "Setting log.level is 'LOUD': it must be one of DEBUG"),
])
def test_value_that_cannot_work_is_refused_by_name(settings: S3Config, name: str, value: Any, complaint: str) -> None:
    section, key = name.split(".")
    settings[section][key] = value

    with pytest.raises(SettingError) as raised:
        getattr(settings, getter_of(name))()

    assert complaint in str(raised.value)
    assert settings.check() == [str(raised.value)]


@pytest.mark.parametrize("name, value", [
    ("msg.notify_renderer", len), ("msg.notify_renderer", None), ("mail.sender", "alerts@example.org"),
    ("mail.sender", "Alerts <alerts@example.org>"), ("L10n.timezone", "Europe/Berlin"), ("base.template", ["default", "DRMP"]),
    ("base.template", ("default", "Region.North")), ("msg.notify_subject", "$S: $r"), ("log.level", "info"),
])
def test_value_that_can_work_is_accepted(settings: S3Config, name: str, value: Any) -> None:
    section, key = name.split(".")
    settings[section][key] = value

    assert settings.check() == []


def test_defaults_have_nothing_to_complain_about(settings: S3Config) -> None:
    assert settings.check() == []


def test_every_setting_says_what_it_means() -> None:
    assert len(SETTINGS) > 60
    assert len({setting.name for setting in SETTINGS}) == len(SETTINGS)
    for setting in SETTINGS:
        assert setting.help.endswith("."), setting.name
        assert len(setting.help) > 15, setting.name


def test_public_url_has_no_slash_at_its_end(settings: S3Config) -> None:
    settings.base.public_url = "https://example.org/"

    assert settings.get_base_public_url() == "https://example.org"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://nöthilfe.example", "https://xn--nthilfe-90a.example"),
        ("http://nöthilfe.example:8000/höhe/", "http://xn--nthilfe-90a.example:8000/h%C3%B6he"),
        ("https://example.org/a%20b", "https://example.org/a%20b"),
    ],
)
def test_public_url_is_one_that_headers_can_hold(settings: S3Config, address: str, expected: str) -> None:
    settings.base.public_url = address

    assert settings.get_base_public_url() == expected


def test_lookups_go_to_the_public_url_unless_told_otherwise(settings: S3Config) -> None:
    settings.base.public_url = "https://example.org"
    assert settings.get_msg_notify_lookup_url() == "https://example.org"

    settings.msg.notify_lookup_url = "http://10.0.0.1:8000/"
    assert settings.get_msg_notify_lookup_url() == "http://10.0.0.1:8000"


def test_default_subject_is_translated_when_it_is_read(settings: S3Config, monkeypatch: pytest.MonkeyPatch) -> None:
    from gluon import current

    monkeypatch.setattr(current, "T", {"Update Notification": "Aktualisierung"}.get, raising=False)

    assert settings.get_msg_notify_subject() == "$s Aktualisierung: $r"


def test_log_level_follows_debug_mode(settings: S3Config) -> None:
    assert settings.get_log_level() == "WARNING"
    settings.base.debug = True
    assert settings.get_log_level() == "DEBUG"
    settings.log.level = "error"
    assert settings.get_log_level() == "ERROR"
    settings.log.level = None
    assert settings.get_log_level() is None


def test_datetime_format_is_made_of_its_parts(settings: S3Config) -> None:
    settings.L10n.date_format = "%d.%m.%Y"

    assert settings.get_L10n_datetime_format() == "%d.%m.%Y %H:%M"


def test_standard_modules_are_preset_and_templates_may_replace_them(settings: S3Config) -> None:
    assert list(settings.modules) == ["default", "admin", "gis", "pr", "org"]
    settings.modules = {"default": None, "cms": None}

    assert settings.has_module("cms")
    assert not settings.has_module("gis")


# -- hooks of the templates --------------------------------------------------------------------------------------------
def test_controller_attributes_pass_through_the_hook_of_the_template(settings: S3Config) -> None:
    settings.customise_cms_post_controller = lambda **attr: {**attr, "rheader": None}

    assert settings.customise_controller("cms_post", native=True) == {"native": True, "rheader": None}
    assert settings.customise_controller("cms_series", native=True) == {"native": True}


def test_controller_hook_that_returns_nothing_is_named(settings: S3Config) -> None:
    settings.customise_cms_post_controller = lambda **attr: None

    with pytest.raises(SettingError, match="customise_cms_post_controller"):
        settings.customise_controller("cms_post")


def test_resource_hook_is_found_by_table(settings: S3Config) -> None:
    def hook(r: Any, tablename: str) -> None:
        return None

    settings.customise_cms_post_resource = hook

    assert settings.customise_resource("cms_post") is hook
    assert settings.customise_resource("cms_series") is None


def test_task_of_the_deployment_is_found_by_name(settings: S3Config) -> None:
    settings.tasks.tidy = len

    assert settings.get_task("tidy") is len
    assert settings.get_task("other") is None


# -- sections that there are not ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("name, nearest", [("mesg", "msg"), ("l10n", "L10n"), ("Base", "base"), ("securty", "security")])
def test_section_that_does_not_exist_is_named_with_the_nearest_one(settings: S3Config, name: str, nearest: str) -> None:
    with pytest.raises(SettingError, match=rf"settings\.{name}: there is no section {name!r}; did you mean {nearest!r}\?"):
        getattr(settings, name).key = 1


def test_section_unlike_any_other_is_named_alone(settings: S3Config) -> None:
    with pytest.raises(SettingError, match=r"there is no section 'qqqqqq'$"):
        settings.qqqqqq.key = 1


def test_what_is_not_set_is_absent_to_those_who_ask_politely(settings: S3Config) -> None:
    assert settings.get("nosuch") is None
    assert getattr(settings, "nosuch", None) is None
    assert not hasattr(settings, "nosuch")
