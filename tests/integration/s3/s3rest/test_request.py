"""REST requests: what a URL addresses, the hooks around the handler, and who handles what."""
from __future__ import annotations

import json

import pytest


@pytest.fixture
def anna_with_contact(app):
    """A committed second contact of anna's; gives (person id, contact id)."""
    anna = app.people["anna"]
    with app.env() as current:
        contact_id = current.s3db.pr_contact.insert(pe_id=anna.pe_id, contact_method="SMS", value="+4412345678")
        current.db.commit()
    return anna.person_id, contact_id


def make_request(*args, **kw):
    from s3 import S3Request

    return S3Request("pr", "person", c="pr", f="person", args=list(args), **kw)


def test_record_component_and_method_are_found_in_the_url(app, anna_with_contact):
    person_id, contact_id = anna_with_contact
    with app.env("admin"):
        r = make_request(str(person_id), "contact", str(contact_id), "update.json")

        assert (r.prefix, r.name, r.tablename) == ("pr", "person", "pr_person")
        assert (r.id, r.component_name, r.component_id, r.method) == (person_id, "contact", str(contact_id), "update")
        assert (r.representation, r.interactive, r.http) == ("json", False, "GET")
        assert r.record.first_name == "Anna"
        assert r.component.count() == 1
        assert r.target()[3] == "pr_contact"


def test_id_after_the_method_is_that_of_the_record(app):
    person_id = app.people["anna"].person_id
    with app.env("admin"):
        r = make_request("update", str(person_id))

        assert (r.id, r.method) == (person_id, "update")


def test_record_is_found_by_its_uid(app):
    person_id = app.people["anna"].person_id
    with app.env("admin") as current:
        uid = current.s3db.pr_person[person_id].uuid
        r = make_request(get_vars={"person.uid": uid})

        assert r.id == person_id


@pytest.mark.parametrize("args", [["4711"], ["4711", "contact"]])
def test_record_that_is_not_there_is_an_error(app, args):
    from s3 import S3RecordError

    with app.env("admin"), pytest.raises(S3RecordError):
        make_request(*args)


def test_record_of_another_persons_component_is_an_error(app, anna_with_contact):
    from s3 import S3RequestError

    with app.env("admin"), pytest.raises(S3RequestError, match="nonsense"):
        make_request("1", "nonsense", "update")


def test_format_variable_wins_over_the_extension(app):
    person_id = app.people["anna"].person_id
    with app.env("admin"):
        assert make_request(f"{person_id}.csv", get_vars={"format": ["html", "JSON"]}).representation == "json"
        assert make_request(f"{person_id}.csv").representation == "csv"
        assert make_request(f"{person_id}").representation == "html"


def test_variables_of_the_request_are_its_own(app):
    with app.env("admin", vars={"start": "1"}) as current:
        r = make_request()
        r.get_vars["start"] = "2"

        assert current.request.get_vars["start"] == "1"
        assert make_request(vars={"a": "b"}).post_vars == {}


def test_what_the_request_does_not_know_is_asked_of_web2py(app):
    with app.env("admin") as current:
        r = make_request()

        assert r.application == current.request.application
        with pytest.raises(AttributeError):
            r.no_such_attribute  # noqa: B018


def test_url_is_built_from_the_parts_of_the_request(app, anna_with_contact):
    person_id, contact_id = anna_with_contact
    with app.env("admin") as current:
        r = make_request(str(person_id), "contact", str(contact_id), "method.xml", get_vars={"test": "test", "format": "xml"})
        base = f"/{current.request.application}/pr/person"

        assert r.url() == f"{base}/{person_id}/contact/{contact_id}/method.xml?test=test"
        assert r.url(method="") == f"{base}/{person_id}/contact.xml?test=test"
        assert r.url(component="", vars={}) == f"{base}/{person_id}.xml"
        assert r.url(id="[id]", method="review", vars={}) == f"{base}/%5Bid%5D/contact/review.xml"
        assert r.url(representation="", vars="{'a': 1}") == f"{base}/{person_id}/contact/{contact_id}/method?a=1"
        # the variables of the request are not changed
        assert r.get_vars.format == "xml"


def test_most_specific_handler_is_found(app):
    with app.env("admin"):
        r = make_request(get_vars={"format": "json"})

        def every(r, **attr):
            return "every"

        def own(r, **attr):
            return "own"

        r.set_handler("test", every)
        assert r.get_handler("test") is every
        r.set_handler(["test", "other"], own, http=("GET", "BREW"), representation=["json", "csv"])
        assert r.get_handler("test") is own
        assert r.get_handler("unknown") is None
        r.set_handler(None, every)
        assert r.get_handler("unknown") is every
        assert r.handled_verbs("other") == ("GET", "PUT", "POST", "DELETE")


def test_hooks_run_in_their_order_around_the_handler(app):
    from s3 import s3_rest_controller

    with app.env("admin", c="pr", f="person") as current:
        order = []
        settings, s3 = current.deployment_settings, current.response.s3

        def controller(**attr):
            order.append("controller")
            s3.prep = lambda r: order.append("prep") or True
            s3.postp = lambda r, output: order.append("postp") or output
            return {**attr, "greeting": "hello"}

        def handler(r, **attr):
            order.append(f"handler {attr['greeting']}")
            return {}

        settings.customise_pr_person_controller = controller
        settings.customise_pr_person_resource = lambda r, tablename: order.append(f"resource {tablename}")
        current.request.args[:] = ["wave"]
        current.s3db.set_method("pr", "person", method="wave", action=handler)

        output = s3_rest_controller()

        assert order == ["controller", "resource pr_person", "prep", "handler hello", "postp"]
        assert output["r"].method == "wave"


@pytest.mark.parametrize(
    ("verdict", "status"),
    [(False, 400), ({"success": False, "status": 409, "message": "No"}, 409), ({"bypass": True, "output": "instead"}, None)],
)
def test_prep_can_stop_the_request(app, verdict, status):
    from gluon import HTTP

    from s3 import s3_rest_controller

    with app.env("admin", c="pr", f="person", vars={"format": "json"}) as current:
        current.response.s3.prep = lambda r: verdict

        if status is None:
            assert s3_rest_controller() == "instead"
        else:
            with pytest.raises(HTTP) as caught:
                s3_rest_controller()
            assert caught.value.status == status
            assert json.loads(caught.value.body)["statuscode"] == str(status)


def test_filter_of_the_response_restricts_the_resource(app):
    with app.env("admin") as current:
        current.response.s3.filter = current.s3db.pr_person.first_name == "Anna"

        assert make_request().resource.count() == 1


@pytest.mark.parametrize(
    ("verb", "args", "status"),
    [
        ("GET", [], 405),
        ("PUT", [], 405),
        ("DELETE", [], 405),
        ("POST", ["create"], 405),
        ("POST", ["{id}", "delete"], 405),
        ("POST", ["{id}"], 415),
    ],
)
def test_lookup_is_a_post_to_a_list(app, verb, args, status):
    from gluon import HTTP

    from s3 import s3_rest_controller

    with app.env("admin", c="pr", f="person") as current:
        request = current.request
        # set here: the models would refuse a look-up without a token
        request.get_vars["format"] = "msg"
        request.env.request_method = verb
        request.args[:] = [arg.replace("{id}", str(app.people["anna"].person_id)) for arg in args]

        with pytest.raises(HTTP) as caught:
            s3_rest_controller()

        assert caught.value.status == status
        assert json.loads(caught.value.body)["status"] == "failed"


def test_page_of_another_controller_needs_its_permission(app):
    from gluon import HTTP

    from s3 import S3Request

    with app.env("ben"), pytest.raises(HTTP):
        S3Request("cms", "post", c="cms", f="post")
