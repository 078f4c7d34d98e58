"""Organisations and their offices."""

from s3 import module_home, s3_rheader_tabs

if not settings.has_module(request.controller):
    raise HTTP(404, str(T("The module %(name)s is not enabled.") % dict(name=request.controller)))


def index():
    """The module's entry: its organisations."""
    return module_home("organisation")


def organisation():
    """Organisations, with the offices of each."""
    tabs = [(T("Organization"), None), (T("Offices"), "office")]
    return s3_rest_controller(rheader=lambda r: s3_rheader_tabs(r, tabs))


def office():
    """Offices."""
    return s3_rest_controller()
