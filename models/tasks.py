"""The background tasks: what the scheduler worker runs, by name.

Each one acts as the account ``user_id``, commits at the end, and logs its errors instead of raising them.
"""

from s3 import S3Notifications, S3Task, background_task, run_maintenance


@background_task
def dummy():
    """Does nothing: shows that the worker works."""


@background_task
def s3db_task(function, **arguments):
    """Call a function of the data models, current.s3db[function](**arguments)."""
    return current.s3db[function](**arguments)


@background_task
def settings_task(taskname, **arguments):
    """Call the function that the deployment has registered as settings.tasks[taskname]."""
    function = settings.get_task(taskname)
    return function(**arguments) if callable(function) else None


@background_task
def maintenance(period="daily"):
    """Clean up: the deployment template's maintenance.Daily, or the default one."""
    return run_maintenance(period)


@background_task
def msg_process_outbox(contact_method):
    """Send what is due in the outbox; nothing is noted of a run that found nothing."""
    return current.msg.process_outbox(contact_method=contact_method) or None


@background_task
def notify_check_subscriptions():
    """Find subscriptions with updates, and queue their notifications."""
    return S3Notifications.check_subscriptions()


@background_task
def notify_notify(resource_id, lease=None):
    """Notify of the updates in one subscribed resource, or in several."""
    if isinstance(resource_id, (list, tuple)):
        return S3Notifications.notify_batch(list(resource_id), lease)
    return S3Notifications.notify(resource_id, lease)


s3.tasks = {
    "dummy": dummy,
    "s3db_task": s3db_task,
    "settings_task": settings_task,
    "maintenance": maintenance,
}
if settings.has_module("msg"):
    s3.tasks.update(
        msg_process_outbox=msg_process_outbox,
        notify_check_subscriptions=notify_check_subscriptions,
        check_subscriptions=notify_check_subscriptions,
        notify_notify=notify_notify,
    )

current.s3task = S3Task()
if request.is_scheduler:
    current.s3task.serve()
