"""Messages on their way out, for administrators; nothing is written here."""

from s3 import module_home, s3_rheader_tabs

if not settings.has_module(request.controller):
    raise HTTP(404, str(T("The module %(name)s is not enabled.") % dict(name=request.controller)))


def index():
    """The module's entry: the outbox."""
    return module_home("outbox")


def outbox():
    """Messages to be sent, each to one address, and what became of them."""
    return _read_only("msg_outbox")


def message():
    """Messages of all kinds."""
    return _read_only("msg_message")


def email():
    """E-mails."""
    return _read_only("msg_email")


def subscription():
    """Subscriptions, with the resources that each one watches; the same page as in the persons' module."""
    tabs = [(T("Subscription"), None), (T("Resources"), "subscription_resource")]
    return s3_rest_controller("pr", "subscription", rheader=lambda r: s3_rheader_tabs(r, tabs))


def _read_only(tablename):
    """List and show the records of a table that only the framework writes."""
    s3db.table(tablename)
    s3db.configure(tablename, insertable=False, editable=False, deletable=False)
    return s3_rest_controller()
