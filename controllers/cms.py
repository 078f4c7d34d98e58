"""News posts and their series."""

from s3 import module_home

if not settings.has_module(request.controller):
    raise HTTP(404, str(T("The module %(name)s is not enabled.") % dict(name=request.controller)))


def index():
    """The module's entry: its posts."""
    return module_home("post")


def post():
    """Posts."""
    return s3_rest_controller()


def series():
    """Series of posts, with the posts of each."""
    from s3 import s3_rheader_tabs

    tabs = [(T("Series"), None), (T("Posts"), "post")]
    return s3_rest_controller(rheader=lambda r: s3_rheader_tabs(r, tabs))
