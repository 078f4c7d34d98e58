"""Locations."""

from s3 import module_home

if not settings.has_module(request.controller):
    raise HTTP(404, str(T("The module %(name)s is not enabled.") % dict(name=request.controller)))


def index():
    """The module's entry: its locations."""
    return module_home("location")


def location():
    """Places, and the areas they lie in."""
    return s3_rest_controller()
