"""Persons and groups, their contacts, saved filters and subscriptions."""

from s3 import module_home, s3_rheader_tabs

if not settings.has_module(request.controller):
    raise HTTP(404, str(T("The module %(name)s is not enabled.") % dict(name=request.controller)))


def index():
    """The module's entry: its persons."""
    return module_home("person")


def person():
    """Persons, with contacts and group memberships of each."""
    tabs = [(T("Person"), None), (T("Contacts"), "contact"), (T("Groups"), "group_membership")]
    return s3_rest_controller(rheader=lambda r: s3_rheader_tabs(r, tabs))


def group():
    """Groups, with the members and contacts of each."""
    tabs = [(T("Group"), None), (T("Members"), "group_membership"), (T("Contacts"), "contact")]
    return s3_rest_controller(rheader=lambda r: s3_rheader_tabs(r, tabs))


def contact():
    """Ways to reach persons, groups and organisations."""
    return s3_rest_controller()


def filter():
    """Saved filters."""
    return s3_rest_controller()


def subscription():
    """Subscriptions, with the resources that each one watches; for administrators."""
    tabs = [(T("Subscription"), None), (T("Resources"), "subscription_resource")]
    return s3_rest_controller(rheader=lambda r: s3_rheader_tabs(r, tabs))
