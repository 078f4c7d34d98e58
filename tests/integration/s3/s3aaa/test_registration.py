"""Registration: the mail, the link, the approval; what strangers learn, and what stays when a mail cannot be sent."""
from __future__ import annotations

import cast
import pytest

from s3.s3aaa.onetime import hash_key
from s3.s3error import S3DataError

CLEO = "cleo@relief.example"
FORM = {
    "first_name": "Cleo", "last_name": "Cox", "email": "Cleo@Relief.example",
    "new_password": "long enough", "repeat_password": "long enough",
}  # fmt: skip
PATH = "/default/user/register"


@pytest.fixture(autouse=True)
def open_registration(app):
    with app.configured("settings.security.self_registration = True"):
        yield


def register(browser, **fields):
    return browser.submit(PATH, **{**FORM, **fields})


def test_registration_ends_with_a_mail_and_no_account_that_could_be_used(browser, post, rows, another):
    answer = register(browser)

    assert "We have sent you a mail" in browser.follow(answer).text
    assert "/default/user/verify_email/" in post.link(CLEO)
    [account] = rows("auth_user", email=CLEO)
    assert account["registration_key"].startswith("verify:")
    assert rows("pr_person_user", user_id=account["id"]) == rows("auth_membership", user_id=account["id"]) == []
    visitor = another()
    visitor.submit("/default/user/login", email=CLEO, password="long enough")
    assert not visitor.is_logged_in()


def test_confirmed_account_is_logged_in_with_person_contact_and_basic_role(app, browser, post, rows):
    register(browser)
    link = post.link(CLEO)

    answer = browser.submit(link, password="long enough")

    assert answer.headers["location"] == f"/{app.name}/default/index"
    assert browser.is_logged_in()
    [account] = rows("auth_user", email=CLEO)
    assert account["registration_key"] == ""
    [person] = rows("pr_person_user", user_id=account["id"])
    [contact] = rows("pr_contact", pe_id=person["pe_id"])
    assert (contact["value"], contact["owned_by_user"]) == (CLEO, account["id"])
    with app.env() as current:
        assert current.auth.s3_get_roles(account["id"]) == [current.auth.get_system_roles().AUTHENTICATED]


def test_opening_the_link_alone_confirms_nothing(browser, post, rows):
    """Mail scanners open every link."""
    register(browser)

    page = browser.get(post.link(CLEO))

    assert page.status == 200 and "The password that you have chosen" in page.text
    assert rows("auth_user", email=CLEO)[0]["registration_key"].startswith("verify:")


def test_who_has_the_mail_but_not_the_password_is_not_let_in(browser, post, rows, another):
    """Or somebody could register others with a password of their own, and wait until they confirm."""
    register(browser)

    page = another().submit(post.link(CLEO), password="a guess")

    assert page.status == 200 and "Wrong password" in page.text and "a guess" not in page.text
    assert rows("auth_user", email=CLEO)[0]["registration_key"].startswith("verify:")


@pytest.mark.parametrize("wrong", ["used", "late", "changed", "missing", "prolonged"])
def test_link_is_good_once_and_for_its_time(app, browser, another, post, wrong):
    register(browser)
    link = post.link(CLEO)
    if wrong == "used":
        browser.submit(link, password="long enough")
    elif wrong == "late":
        app.clock.advance(hours=24)
    elif wrong == "prolonged":
        page, end = link.rpartition("/")[0], int(link.rpartition("/")[2].partition("-")[0])
        link = f"{page}/{end + 3600}-{link.rpartition('-')[2]}"
    else:
        link = link[:-1] + ("0" if link[-1] != "0" else "1") if wrong == "changed" else link.rpartition("/")[0]

    visitor = another()
    answer = visitor.get(link)

    assert "used or is too old" in visitor.follow(answer).text


def test_link_is_good_until_its_last_second(app, browser, post):
    register(browser)
    app.clock.advance(hours=23, minutes=59, seconds=59)

    browser.submit(post.link(CLEO), password="long enough")

    assert browser.is_logged_in()


def test_only_a_hash_of_the_key_is_stored_anywhere(app, browser, post, rows):
    register(browser)
    key = post.link(CLEO).rpartition("/")[2]
    secret = key.partition("-")[2]

    assert rows("auth_user", email=CLEO)[0]["registration_key"] == f"verify:{hash_key(key)}"
    for tablename in ("auth_user", "auth_event", "msg_email", "msg_outbox"):
        assert secret not in str(rows(tablename))


def test_taken_address_gets_the_same_answer_and_its_owner_a_mail(browser, another, post, rows):
    anna = cast.PEOPLE["anna"][2]
    [before] = rows("auth_user", email=anna)
    first, second = browser.follow(register(browser)), None

    visitor = another()
    second = visitor.follow(register(visitor, email=anna, first_name="Mallory"))

    def told(page):
        return page.status, page.text.partition("<form")[0].count("We have sent you a mail")

    assert told(first) == told(second) == (200, 1)
    assert "has an account" in post.text(anna) and "verify_email" not in post.text(anna)
    assert rows("auth_user", email=anna) == [before]


def test_later_registration_takes_the_place_of_one_that_was_never_confirmed(browser, another, post, rows):
    register(browser, new_password="of somebody else", repeat_password="of somebody else")
    old = post.link(CLEO)
    visitor = another()
    register(visitor, first_name="Cleopatra")

    assert "too old" in browser.follow(browser.get(old)).text
    visitor.submit(post.link(CLEO), password="long enough")
    assert visitor.is_logged_in()
    [account] = rows("auth_user", email=CLEO)
    assert account["first_name"] == "Cleopatra"


def test_mail_that_cannot_be_sent_is_said_and_leaves_nothing(app, browser, rows):
    with app.configured("settings.mail.server = '127.0.0.1:1'"):
        answer = register(browser)

    assert answer.status == 503
    assert "could not be sent" in answer.text and "long enough" not in answer.text
    assert rows("auth_user", email=CLEO) == []


def test_mail_that_cannot_be_sent_to_a_taken_address_is_said_alike(app, browser):
    with app.configured("settings.mail.server = '127.0.0.1:1'"):
        answer = register(browser, email=cast.PEOPLE["anna"][2])

    assert answer.status == 503
    assert "could not be sent" in answer.text


def test_without_an_address_of_the_site_no_key_is_sent(app, browser):
    """Else the Host header, which every visitor chooses, would say where the key leads."""
    with app.configured("settings.base.public_url = None"):
        answer = browser.get(PATH, headers={"Host": "evil.example"})

    assert answer.status == 503
    assert "no mails can be sent" in answer.text and "This did not work" in answer.text


def test_host_header_does_not_reach_the_mail(browser, post, app):
    browser.get(PATH)

    browser.send(PATH, headers={"Host": "evil.example"}, **FORM)

    assert "evil.example" not in post.text(CLEO)
    assert f"http://127.0.0.1:8000/{app.name}/default/user/verify_email/" in post.text(CLEO)


def test_one_address_is_not_flooded_with_mails(browser, another, post, app):
    for number in range(3):
        assert register(another(f"198.51.100.{number}")).status == 303

    answer = register(browser)

    assert answer.status == 429
    assert int(answer.headers["retry-after"]) == 3600
    assert "Please try again in 60 minutes" in answer.text
    assert len(post.to(CLEO)) == 3
    app.clock.advance(hours=1, seconds=1)
    assert register(browser).status == 303


def test_one_visitor_does_not_flood_others_with_mails(app, browser, another):
    with app.configured("settings.auth.mails_per_client = 2"):
        statuses = [register(browser, email=f"p{number}@relief.example").status for number in range(3)]

        assert statuses == [303, 303, 429]
        assert register(another(), email="p3@relief.example").status == 303


def test_registration_that_nobody_confirms_lapses(app, browser, rows):
    register(browser)
    with app.env() as current:
        app.clock.advance(hours=23)
        current.auth.prune()
        current.db.commit()
    assert len(rows("auth_user", email=CLEO)) == 1

    app.clock.advance(hours=2)
    with app.env() as current:
        current.auth.prune()
        current.db.commit()

    assert rows("auth_user", email=CLEO) == []
    assert len(rows("auth_user")) == len(cast.PEOPLE)


# -- approval ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def approval(app):
    with app.configured("settings.auth.registration_requires_approval = True"):
        yield


def confirm(browser, post):
    register(browser)
    return browser.follow(browser.submit(post.link(CLEO), password="long enough"))


def test_confirmed_account_waits_for_its_approval(approval, browser, post, rows):
    page = confirm(browser, post)

    assert "must be approved" in page.text and not browser.is_logged_in()
    [account] = rows("auth_user", email=CLEO)
    assert account["registration_key"] == "pending"
    assert rows("auth_membership", user_id=account["id"]) == []


def test_administrators_are_told_who_waits(approval, browser, post):
    confirm(browser, post)

    post.deliver()

    text = post.text(cast.PEOPLE["admin"][2])
    assert "cannot log in before you approve" in text and "Cleo Cox <cleo@relief.example>" in text


def test_administrators_are_told_in_their_language(app, approval, browser, post):
    with app.configured("settings.L10n.languages = {'en': 'English', 'de': 'Deutsch'}"):
        with app.env() as current:
            current.db(current.db.auth_user.id == app.people["admin"].user_id).update(language="de")
            current.db.commit()

        confirm(browser, post)
        post.deliver()

    [message] = post.to(cast.PEOPLE["admin"][2])
    assert message["Subject"] == "Relief: Ein Konto wartet auf Ihre Freigabe"


def test_approver_can_be_an_address(app, approval, browser, post):
    with app.configured("settings.mail.approver = 'desk@relief.example'"):
        confirm(browser, post)
        post.deliver()

    assert "Cleo Cox" in post.text("desk@relief.example")
    assert post.to(cast.PEOPLE["admin"][2]) == []


def test_names_of_strangers_are_text_and_no_format(approval, browser, post):
    register(browser, first_name="%(site)s", last_name="%%{x}\r\nhttp://evil.example")
    browser.submit(post.link(CLEO), password="long enough")

    post.deliver()

    assert "%(site)s %%{x} http://evil.example <cleo@relief.example>" in " ".join(post.text(cast.PEOPLE["admin"][2]).split())


def test_approved_account_gets_in_and_is_told(app, approval, browser, post, rows):
    confirm(browser, post)
    [account] = rows("auth_user", email=CLEO)

    with app.env(user="admin") as current:
        current.auth.s3_approve_user(account["id"])
        current.db.commit()
    post.deliver()

    browser.submit("/default/user/login", email=CLEO, password="long enough")
    assert browser.is_logged_in()
    assert "can be used now" in post.to(CLEO)[-1].get_content()


def test_account_that_waits_for_nothing_is_not_approved(app):
    with app.env(user="admin") as current:
        with pytest.raises(S3DataError, match="does not wait"):
            current.auth.s3_approve_user(app.people["anna"].user_id)
        current.auth.disable_user(app.people["anna"].user_id)
        with pytest.raises(S3DataError, match="does not wait"):
            current.auth.s3_approve_user(app.people["anna"].user_id)


def test_organisation_vouches_for_its_domain(app, approval, browser, post, rows):
    with app.env() as current:
        current.auth.table("auth_organisation").insert(domain="relief.example", organisation_id=7)
        current.db.commit()

    confirm(browser, post)

    assert browser.is_logged_in()
    assert rows("auth_user", email=CLEO)[0]["organisation_id"] == 7


def test_approver_of_the_domain_goes_before_the_general_one(app, approval, browser, post):
    with app.env() as current:
        current.auth.table("auth_organisation").insert(domain="relief.example", approver="hr@relief.example")
        current.db.commit()

    confirm(browser, post)
    post.deliver()

    assert "Cleo Cox" in post.text("hr@relief.example")
    assert not browser.is_logged_in()


def test_nobody_to_approve_is_no_approval(app, approval, browser, post, rows):
    with app.configured("settings.mail.approver = 'NOSUCHROLE'"):
        confirm(browser, post)

    assert rows("auth_user", email=CLEO)[0]["registration_key"] == "pending"


def test_roles_of_new_accounts_can_be_for_a_realm(app, browser, post, rows):
    with app.env() as current:
        s3db = current.s3db
        organisation = {"name": "Relief"}
        organisation["id"] = s3db.org_organisation.insert(**organisation)
        s3db.update_super(s3db.org_organisation, organisation)
        current.auth.table("auth_organisation").insert(domain="relief.example", organisation_id=organisation["id"])
        current.db.commit()
        pe_id = s3db.org_organisation[organisation["id"]].pe_id
    source = "settings.auth.registration_roles = {'organisation_id': ['READER'], 0: ['WRITER'], 'site_id': ['ADMIN']}"
    with app.configured(source):
        confirm(browser, post)

    [account] = rows("auth_user", email=CLEO)
    names = {row["id"]: row["uuid"] for row in rows("auth_group")}
    held = {(names[row["group_id"]], row["pe_id"]) for row in rows("auth_membership", user_id=account["id"])}
    assert held == {("READER", pe_id), ("WRITER", 0), ("AUTHENTICATED", None)}


# -- the person --------------------------------------------------------------------------------------------------------
@pytest.fixture
def known_person(app):
    """A person of this name and address, whom somebody has entered."""
    with app.env() as current:
        s3db = current.s3db
        person = {"first_name": "Cleo", "last_name": "Cox"}
        person["id"] = s3db.pr_person.insert(**person)
        s3db.update_super(s3db.pr_person, person)
        s3db.pr_contact.insert(pe_id=person["pe_id"], contact_method="EMAIL", value=CLEO)
        current.db.commit()
        return person["pe_id"]


def test_owner_of_the_address_becomes_the_person_who_has_it(browser, post, rows, known_person):
    confirm(browser, post)

    [account] = rows("auth_user", email=CLEO)
    assert rows("pr_person_user", user_id=account["id"])[0]["pe_id"] == known_person


def test_who_has_not_shown_to_own_the_address_becomes_somebody_else(app, browser, rows, known_person):
    with app.configured("settings.auth.registration_requires_verification = False"):
        register(browser)

    [account] = rows("auth_user", email=CLEO)
    assert rows("pr_person_user", user_id=account["id"])[0]["pe_id"] != known_person
