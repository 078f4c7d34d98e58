"""The link that ends notifications: signed, without a login, and nothing happens before somebody presses the button (S9)."""
from __future__ import annotations

import re

import pytest

PUBLIC = "settings.base.public_url = 'https://eden.example.org'"


@pytest.fixture
def subscribed(world):
    return world.subscribe("anna")


@pytest.fixture
def mail(app, world, subscribed):
    """The mail of a first round."""
    app.clock.advance(minutes=1)
    world.create(name="News")
    with app.configured(PUBLIC):
        world.tick()
        (mail,) = world.mails
    return mail


@pytest.fixture
def path(mail):
    """The address of the page that the mail names, without the host."""
    url = mail["List-Unsubscribe"].strip("<>")
    assert url.startswith("https://eden.example.org/")
    return re.sub(r"^https://[^/]+/[^/]+", "", url)


def is_subscribed(world, subscribed):
    return not world.row("pr_subscription_resource", subscribed.resource_id).deleted


def test_the_header_is_one_that_mail_programs_can_read(mail):
    """RFC 2369 and RFC 8058: an address in angle brackets, unencoded."""
    as_sent = mail.as_bytes(policy=mail.policy.clone(refold_source="none"))
    assert re.search(rb"^List-Unsubscribe: <https://\S+/default/unsubscribe/\d+-\d+-[0-9a-f]{40}>\r?$", as_sent, re.MULTILINE)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_fetching_the_page_ends_nothing(app, world, subscribed, path):
    """Scanners fetch the links of a mail."""
    response = app.request(path)

    assert response.status == 200 and "<button" in response.text
    assert is_subscribed(world, subscribed)


@pytest.mark.parametrize("data", [{"what": "this"}, {"List-Unsubscribe": "One-Click"}], ids=["button", "mail program"])
def test_a_post_ends_what_the_mail_was_about(app, world, subscribed, path, data):
    response = app.request(path, "POST", data=data)

    assert response.status == 200 and "Done." in response.text
    assert not is_subscribed(world, subscribed)
    assert "set-cookie" not in response.headers

    world.create(name="More news")
    app.clock.advance(minutes=10)
    world.tick()
    assert len(world.mails) == 1


def test_nothing_is_asked_or_done_twice(app, world, subscribed, path):
    app.request(path, "POST", data={"what": "this"})

    again = app.request(path, "POST", data={"what": "this"})
    assert again.status == 200 and "You do not get these notifications any more." in again.text
    assert "<button" not in app.request(path).text


def test_only_what_the_mail_was_about_ends_unless_all_shall(app, world, subscribed, path):
    other = world.watch(subscribed.subscription_id, "org_organisation", "org/organisation")

    app.request(path, "POST", data={"what": "this"})
    assert not is_subscribed(world, subscribed)
    assert not world.row("pr_subscription_resource", other).deleted
    assert "Organizations" in app.request(path).text

    app.request(path, "POST", data={"what": "all"})
    assert world.row("pr_subscription_resource", other).deleted


def test_others_keep_their_subscriptions(app, world, subscribed, path):
    of_ben = world.subscribe("ben")

    app.request(path, "POST", data={"what": "all"})

    assert is_subscribed(world, of_ben)


@pytest.mark.parametrize(
    "forge",
    [
        lambda path: path[:-1] + ("0" if path[-1] != "0" else "1"),
        lambda path: path[:-1],
        lambda path: path + "/more",
        lambda path: path.rpartition("/")[0],
        lambda path: re.sub(r"/(\d+)-", lambda found: f"/{int(found[1]) + 1}-", path),
        lambda path: re.sub(r"-(\d+)-", lambda found: f"-{int(found[1]) + 1}-", path),
    ],
    ids=["other signature", "cut", "longer", "none", "other row", "other person"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_forged_link_ends_nothing(app, world, subscribed, path, forge, method):
    response = app.request(forge(path), method, data={"what": "all"} if method == "POST" else None)

    assert response.status == 404
    assert "This link is not complete." in response.text
    assert is_subscribed(world, subscribed)


def test_the_link_of_somebody_who_gave_the_subscription_away_ends_nothing(app, world, subscribed, path):
    world.set("pr_subscription", subscribed.subscription_id, pe_id=app.people["ben"].pe_id)

    app.request(path, "POST", data={"what": "this"})

    assert is_subscribed(world, subscribed)


def test_the_page_speaks_the_language_of_the_account(app, world, subscribed, path):
    with app.env() as current:
        current.db(current.auth.table("auth_user").email == app.people["anna"].email).update(language="de")
        current.db.commit()

    assert '<html lang="de"' in app.request(path).text
    assert '<html lang="fr"' in app.request(path, vars={"_language": "fr"}).text


@pytest.mark.parametrize("watched", ["nosuch_table", "event_event"])
def test_lists_of_modules_that_are_gone_do_not_keep_anybody(app, world, subscribed, path, watched):
    gone = world.watch(subscribed.subscription_id, watched, "gone/list")

    with app.configured("settings.modules.pop('event', None)"):
        assert "gone/list" in app.request(path).text
        assert app.request(path, "POST", data={"what": "all"}).status == 200

    assert not is_subscribed(world, subscribed)
    assert world.row("pr_subscription_resource", gone).deleted


def test_a_list_whose_own_module_is_gone_can_be_ended(app, world, subscribed, path):
    with app.configured("del settings.modules['cms']"):
        assert app.request(path, "POST", data={"List-Unsubscribe": "One-Click"}).status == 200

    assert not is_subscribed(world, subscribed)
