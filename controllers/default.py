"""The home page, the pages of the deployment template, and the user's own pages."""

from s3 import S3Notifications, fail_request, find_view, module_menu, page_menu, template_pages


def index():
    """The home page, or ``default/index/<page>``: a page that the deployment template offers."""
    name = next((arg.rpartition(".")[0] or arg for arg in request.args if not arg.isdigit()), None)
    page = template_pages().get(name or "index")
    if page is not None:
        return _run_page(name, page)
    if name is not None:
        raise HTTP(404, response.render(find_view("error.html"), {"title": T("There is no such page."), "status": 404}))
    response.view = find_view("default/index.html", "index.html")
    return {
        "title": settings.get_system_name(),
        "pages": page_menu(),
        "modules": module_menu(),
        "is_logged_in": auth.s3_logged_in(),
    }


def _run_page(name, page):
    """Run a page of a template: a class whose instances are called, or a function that gives the page or a callable."""
    if name is not None:
        # what follows the page's name are its arguments, and URLs made from this request lead back to the page
        position = next(i for i, arg in enumerate(request.args) if not arg.isdigit())
        extension = request.args[position].rpartition(".")[2] if "." in request.args[position] else None
        del request.args[: position + 1]
        request.function = f"index/{name}"
        if extension:
            request.extension = extension
    output = page()
    return output() if callable(output) else output


def user():
    """Login, logout, registration, lost passwords, and one's own account: the pages of AuthS3."""
    if s3.form_error:
        fail_request(400, s3.form_error)
    if auth.permission.format == "html":
        response.view = find_view("default/user.html", "user.html")
    settings.customise_controller("auth_user", arg=request.args(0))
    try:
        return {"form": auth()}
    except HTTP as refused:
        if refused.status < 400 or auth.permission.format != "html":
            raise
        refused.body = response.render(find_view("error.html"), {"title": refused.body, "status": refused.status})
        raise


def unsubscribe():
    """The page that the unsubscribe link of a notification leads to; its signature is the right to it."""
    return S3Notifications.unsubscribe()
