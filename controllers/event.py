"""Events, incidents and the reports of them."""

from s3 import module_home

if not settings.has_module(request.controller):
    raise HTTP(404, str(T("The module %(name)s is not enabled.") % dict(name=request.controller)))


def index():
    """The module's entry: its incidents."""
    return module_home("incident")


def event():
    """Events, with the incidents and posts of each."""
    from s3 import s3_rheader_tabs

    tabs = [(T("Event"), None), (T("Incidents"), "incident"), (T("Posts"), "post"), (T("Documents"), "document")]
    return s3_rest_controller(rheader=lambda r: s3_rheader_tabs(r, tabs))


def incident():
    """Incidents, with the reports and posts of each."""
    from s3 import s3_rheader_tabs

    tabs = [(T("Incident"), None), (T("Reports"), "incident_report"), (T("Posts"), "post"), (T("Documents"), "document")]
    return s3_rest_controller(rheader=lambda r: s3_rheader_tabs(r, tabs))


def incident_report():
    """Reports of incidents."""
    return s3_rest_controller()


def incident_type():
    """Kinds of incidents."""
    return s3_rest_controller()
