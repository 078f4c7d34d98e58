"""The hooks of a deployment: what they are called with, what becomes of what they give, and what happens when they fail."""
from __future__ import annotations

import json
from typing import Any

import pytest

#: keeps what hooks are called with, for whoever reads the subject
NOTED = """
def _named(name, result):
    def hook(*args):
        import json
        with open({path!r}, "a") as stream:
            stream.write(json.dumps([name, [type(arg).__name__ for arg in args[:3]], list(args[3:])]) + chr(10))
        return result(*args) if callable(result) else result
    return hook
"""


class Calls:
    def __init__(self, path) -> None:
        self.path = path

    def source(self, **settings: str) -> str:
        return NOTED.format(path=str(self.path)) + "".join(f"settings.msg.{key} = {value}\n" for key, value in settings.items())

    def __call__(self) -> list[Any]:
        return [json.loads(line) for line in self.path.read_text().splitlines()] if self.path.exists() else []


@pytest.fixture
def calls(tmp_path) -> Calls:
    return Calls(tmp_path / "calls")


SIGNATURE = ["S3Resource", "Storage", "dict"]


def test_renderer_is_called_for_each_format_and_gives_the_variables_of_the_template(app, world, pending, views, calls):
    """R39, R40, R50"""
    views("notify_email_html.html", "<html><body>{{=x}} {{=globals().get('page_url', 'nothing else')}}</body></html>")
    views("notify_email_text.html", "{{=x}}")
    world.set("pr_subscription", pending.subscription_id, email_format="html")
    renderer = '_named("deployment", lambda resource, data, meta_data, format: {"x": 1 + len(data.rows)})'
    with app.configured(calls.source(notify_renderer=renderer)):
        world.tick()

    text, html = world.bodies()
    assert text.strip() == "2" and "<body>2 nothing else</body>" in html
    assert sorted(calls()) == [["deployment", calls()[0][1], ["html"]], ["deployment", calls()[0][1], ["text"]]]
    assert calls()[0][1][0] == "S3Resource" and calls()[0][1][2] == "dict"


def test_renderer_may_build_upon_the_default_one(app, world, pending, views):
    """R42: also with less meta data than it was given."""
    views("notify_email.html", "{{=new}} {{=new_records[0]}} {{=mine}}")
    source = """
def _renderer(resource, data, meta_data, format):
    from s3 import S3Notifications
    meta_data = {"notify_on": meta_data["notify_on"]}
    return {**S3Notifications._render(resource, data, meta_data, format), "mine": format}
settings.msg.notify_renderer = _renderer
"""
    with app.configured(source):
        world.tick()

    assert world.text().strip() == "1 [('Name', 'News'), ('Body', 'Body')] text"


def test_renderer_of_the_resource_goes_before_that_of_the_deployment(app, world, pending, views, calls):
    """R41, R55"""
    views("notify_email.html", "{{=who}}")
    source = calls.source(notify_renderer='_named("deployment", {"who": "deployment"})')
    with app.configured(source), world.configured(notify_renderer='_named("resource", {"who": "resource"})'):
        world.tick()

    assert world.text().strip() == "resource"
    assert [call[0] for call in calls()] == ["resource"]


def test_prefix_of_templates_is_configured_for_each_resource(app, world, pending, views):
    """R45, R56"""
    views("notify_post_email.html", "of posts")
    views("notify_email.html", "of everything")
    with world.configured(notify_template='"notify_post"'):
        world.tick()

    assert world.text().strip() == "of posts"


@pytest.mark.parametrize(
    ("deployment", "resource", "expected"),
    [
        ("None", "None", "Relief Update Notification: Posts"),
        ('"$S: $r"', "None", "Relief Platform: Posts"),
        ('"$S: $r"', '"50% of $r"', "50% of Posts"),
        ('lambda resource, data, meta_data: f"$s has {meta_data[\'total_rows\']}"', "None", "Relief has 1"),
        ('"never"', 'lambda resource, data, meta_data: f"{len(data.rows)} in $r"', "1 in Posts"),
        # nothing is no subject
        ("None", "lambda resource, data, meta_data: None", "Relief Update Notification: Posts"),
    ],
)
def test_subject_is_a_text_or_a_function_at_both_levels(app, world, pending, deployment, resource, expected):
    """R51, H1: placeholders are filled in what a function gives as well."""
    with app.configured(f"settings.msg.notify_subject = {deployment}"), world.configured(notify_subject=resource):
        world.tick()

    assert world.mails[0]["Subject"] == expected


@pytest.mark.parametrize(("wanted", "called"), [(True, ["attachment"]), (False, [])])
def test_attachments_are_asked_for_only_if_the_subscription_wants_them(app, world, pending, calls, wanted, called):
    """H2, R57"""
    world.set("pr_subscription", pending.subscription_id, attachment=wanted)
    with app.configured(calls.source(notify_attachment='_named("attachment", [])')):
        world.tick()

    assert [call[0] for call in calls()] == called
    assert len(world.mails) == 1


def test_send_data_reaches_the_hook_after_composing(app, world, pending, calls):
    """H3"""
    source = calls.source(
        notify_send_data='_named("send_data", {"alert_id": 7})',
        send_postprocess='lambda message_id, **data: _named("after", None)(1, 2, 3, message_id, data)',
    )
    with app.configured(source):
        world.tick()

    [(first, _, _), (second, _, given)] = calls()
    assert (first, second) == ("send_data", "after")
    assert given == [world.rows("msg_email")[0].message_id, {"alert_id": 7}]


# -- hooks that fail ---------------------------------------------------------------------------------------------------
FAILING = "lambda *args: 1 / 0"


@pytest.mark.parametrize(
    ("settings", "attachment", "reason"),
    [
        ({"notify_subject": FAILING}, False, "notify_subject failed: ZeroDivisionError: division by zero"),
        ({"notify_renderer": FAILING}, False, "notify_renderer for text failed: ZeroDivisionError: division by zero"),
        ({"notify_renderer": "lambda *args: 5"}, False, "notify_renderer for text failed: TypeError: a dict is expected, not 5"),
        ({"notify_attachment": FAILING}, True, "notify_attachment failed: ZeroDivisionError: division by zero"),
        ({"notify_attachment": 'lambda *args: ["junk"]'}, True, "notify_attachment failed: ValueError: "),
        ({"notify_attachment": "lambda *args: [4711]"}, True, "notify_attachment: there is no document 4711."),
        ({"notify_send_data": FAILING}, False, "notify_send_data failed: ZeroDivisionError: division by zero"),
        ({"notify_send_data": "lambda *args: 5"}, False, "notify_send_data failed: TypeError: "),
    ],
)
def test_hook_that_fails_costs_its_own_feature_and_says_why_on_the_row(app, world, pending, settings, attachment, reason):
    """F43 to F46"""
    world.set("pr_subscription", pending.subscription_id, attachment=attachment)
    with app.configured("".join(f"settings.msg.{key} = {value}\n" for key, value in settings.items())):
        world.tick()

    [mail] = world.mails
    assert mail["Subject"] == "Relief Update Notification: Posts"
    assert "Name: News" in world.text()
    row = world.row("pr_subscription_resource", pending.resource_id)
    assert row.last_error.startswith(reason)
    assert (row.attempts, row.retry_at) == (0, None)


def test_reason_on_the_row_goes_with_the_first_round_that_works(app, world, pending):
    with app.configured(f"settings.msg.notify_subject = {FAILING}"):
        world.tick()
    assert world.last_error(pending)
    app.clock.advance(minutes=5)
    world.create(name="Later")

    world.tick()

    assert len(world.mails) == 2 and world.last_error(pending) is None


def test_subject_of_a_resource_that_fails_leaves_that_of_the_deployment(app, world, pending):
    """F44"""
    with app.configured('settings.msg.notify_subject = "From $s"'), world.configured(notify_subject=FAILING):
        world.tick()

    assert world.mails[0]["Subject"] == "From Relief"


def test_renderer_that_fails_for_html_leaves_the_text(app, world, pending, views):
    """F43"""
    views("notify_email.html", "{{=x}}")
    world.set("pr_subscription", pending.subscription_id, email_format="html")
    with app.configured('settings.msg.notify_renderer = lambda resource, data, meta_data, format: {"x": {"text": "own text"}[format]}'):
        world.tick()

    assert world.mails[0].get_content_type() == "text/plain"
    assert world.text().strip() == "own text"
    assert world.last_error(pending) == "notify_renderer for html failed: KeyError: 'html'"


def test_broken_template_of_a_deployment_is_named_on_the_row(app, world, pending, views):
    """F40"""
    views("notify_email.html", "{{=1 / 0}}")

    world.tick()

    assert "Name: News" in world.text()
    assert "The message template notify_email.html of " in world.last_error(pending)


def test_style_sheet_that_cannot_be_read_costs_the_styles(app, world, pending, views):
    views("notify_email_html.html", "<html><style>h1 { color: red; } } @@@ {</style><body><h1>Title</h1></body></html>")
    world.set("pr_subscription", pending.subscription_id, email_format="html")

    world.tick()

    assert "Title</h1>" in world.bodies()[1]


@pytest.mark.parametrize("setting", ["notify_renderer", "notify_subject", "notify_send_data"])
def test_hook_that_catches_the_fault_of_its_own_statement_costs_nothing_more(app, world, pending, setting):
    """PostgreSQL refuses everything after a failed statement, also if nobody hears of it."""
    source = """
def _hook(*args):
    try:
        current.db.executesql("SELECT nosuch FROM nosuch")
    except Exception:
        pass
"""
    with app.configured(f"{source}settings.msg.{setting} = _hook\n"):
        world.tick()

    assert "Name: News" in world.text()


def test_hook_that_commits_costs_nothing_more(app, world, pending):
    source = """
def _hook(resource, data, meta_data):
    current.db.commit()
    return "Committed"
"""
    with app.configured(f"{source}settings.msg.notify_subject = _hook\n"):
        world.tick()

    assert len(world.mails) == 1
    assert world.row("pr_subscription_resource", pending.resource_id).attempts == 0


@pytest.mark.parametrize("change", ["pop('unsubscribe_url')", "pop('systemname_short')", "clear()"])
def test_hook_changes_meta_data_for_itself_alone(app, world, pending, change):
    source = f"def _hook(resource, data, meta_data, format=None):\n    meta_data.{change}\n    raise ValueError(format)\n"
    settings = "".join(f"settings.msg.{name} = _hook\n" for name in ("notify_renderer", "notify_subject", "notify_send_data"))
    with app.configured(source + settings):
        world.tick()

    assert world.mails[0]["Subject"] == "Relief Update Notification: Posts"
    assert world.mails[0]["List-Unsubscribe"]


def test_renderer_that_gives_the_meta_data_themselves_gives_each_format_its_own(app, world, pending, views):
    views("notify_email_html.html", "<html><body>{{=kind}}</body></html>")
    views("notify_email_text.html", "{{=kind}}")
    world.set("pr_subscription", pending.subscription_id, email_format="html")
    source = """
def _hook(resource, data, meta_data, format=None):
    meta_data["kind"] = format
    return meta_data
settings.msg.notify_renderer = _hook
"""
    with app.configured(source):
        world.tick()

    text, html = world.bodies()
    assert text.strip() == "text" and "<body>html</body>" in html


@pytest.mark.parametrize("data", ['{"message_id": 5}', '{"self": 1}', "{1: 2}", '{"pe_id": 0}'])
def test_send_data_cannot_take_the_place_of_what_the_framework_decides(app, world, pending, data):
    with app.configured(
        f"settings.msg.notify_send_data = lambda *args: {data}\nsettings.msg.send_postprocess = lambda message_id, **data: None\n"
    ):
        world.tick()

    assert len(world.mails) == 1
    assert world.row("pr_subscription_resource", pending.resource_id).attempts == 0


def test_html_template_that_is_no_page_is_named_on_the_row(app, world, pending, views):
    views("notify_email_html.html", "<div>{{=resource}}</div>")
    world.set("pr_subscription", pending.subscription_id, email_format="html")

    world.tick()

    assert world.mails[0].get_content_type() == "text/plain"
    assert world.last_error(pending) == "The html template of mails does not begin with <html or end with </html>: only text is sent."
