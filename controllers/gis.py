"""Locations."""

if not settings.has_module(request.controller):
    raise HTTP(404, f"The module {request.controller} is not enabled.")


def index():
    """The module's entry: its locations."""
    redirect(URL(f="location"))


def location():
    """Places, and the areas they lie in."""
    return s3_rest_controller()
