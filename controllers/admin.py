"""Accounts, roles, permission rules, the log of events and the state of the service: for administrators alone."""

from s3 import admin_page, module_home


def index():
    """The module's entry: the accounts."""
    return module_home("user")


def user():
    """Accounts: search, open and close, change, and the roles of each."""
    return admin_page("user")


def role():
    """Roles, and the permission rules of each."""
    return admin_page("role")


def event():
    """Who has changed what in accounts, roles, memberships and rules."""
    return admin_page("event")


def health():
    """Whether the service runs, what could not be delivered, and which subscriptions are suspended."""
    return admin_page("health")
