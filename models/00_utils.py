"""Who is asking, and may they see this page at all?"""

from s3 import S3Notifications, find_layout, s3_rest_controller  # noqa: F401  - views/layout.html calls find_layout

current.rest_controller = s3_rest_controller

if auth.permission.format == "msg":
    # A lookup of the notification worker: the token alone decides who is asking
    S3Notifications.authorise()
else:
    auth.s3_set_roles()

if not request.is_scheduler and not request.is_shell and not auth.permission.has_permission("read"):
    auth.permission.fail()
