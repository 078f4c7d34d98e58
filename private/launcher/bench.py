"""`manage.py bench`: what a bare request, a notification and selects cost, in a throw-away instance. A measurement, not a test."""
from __future__ import annotations

import contextlib
import io
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from launcher.application import application
from launcher.bench_select import measure_selects
from launcher.errors import LauncherError
from launcher.instance import CHECKOUT, Instance, create_instance
from launcher.network import free_port, wait_for_port
from launcher.postgres import is_postgres, own_schema
from launcher.processes import Supervisor, interrupt_on_signals, launcher_command
from launcher.setup import set_up

__all__ = ("measure",)

BARE_REQUESTS = 200
PERMISSION_CHECKS = 200
NOTIFICATIONS = 40
RECORDS = 10

#: A page that does nothing, so that what is measured are the models
EMPTY_CONTROLLER = '''def index():
    return ""
'''


def measure(database_uri: str | None, with_large: bool = False) -> int:
    """Print the medians; leaves nothing behind.

    Args:
        with_large: also read 100,000 records
    """
    interrupt_on_signals()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True)))
        stack.callback(os.chdir, Path.cwd())
        if database_uri and is_postgres(database_uri):
            os.environ.update(stack.enter_context(own_schema(database_uri)))
        port = free_port()
        instance = create_instance(
            folder, database_uri=database_uri or "sqlite://storage.db", template="DRMP", public_url=f"http://127.0.0.1:{port}"
        )
        _add_empty_controller(instance)
        set_up(instance)
        print(f"{'this machine: a million additions in Python':<44} median {_measure_machine():6.2f} ms", flush=True)
        kind = "PostgreSQL" if database_uri and is_postgres(database_uri) else "SQLite"
        _report(f"bare request ({kind})", _measure_bare_requests(instance), 6)
        _report(f"  of it permission checking, logged in ({kind})", _measure_permissions(instance), 2)
        _report(f"notify of {RECORDS} records over HTTP ({kind})", _measure_notifications(instance, port), 40)
        measure_selects(instance, kind, with_large)
    return 0


def _measure_machine() -> float:
    """Milliseconds for a fixed piece of work, to compare figures of different machines and hours by."""

    def work() -> None:
        total = 0
        for number in range(1_000_000):
            total += number

    return 1000 * statistics.median(_time(work) for _ in range(5))


def _add_empty_controller(instance: Instance) -> None:
    """Replace the link to the controllers by a folder of links, with a controller of our own in place of one of them."""
    controllers = instance.app_folder / "controllers"
    source = controllers.resolve()
    controllers.unlink()
    controllers.mkdir()
    for controller in source.glob("*.py"):
        if controller.name != "default.py":
            (controllers / controller.name).symlink_to(controller)
    # the home page's, since everybody may open it
    (controllers / "default.py").write_text(EMPTY_CONTROLLER)


def _report(what: str, seconds: list[float], target: int) -> None:
    milliseconds = sorted(1000 * value for value in seconds)
    worst = milliseconds[int(len(milliseconds) * 0.95)]
    median = statistics.median(milliseconds)
    print(f"{what:<44} median {median:6.2f} ms   95 % {worst:6.2f} ms   of {len(seconds)}   (target: under {target} ms)", flush=True)


def _time(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _measure_bare_requests(instance: Instance) -> list[float]:
    instance.enter()
    from gluon.main import wsgibase

    def request() -> None:
        answers: list[str] = []
        environ = {
            "REQUEST_METHOD": "GET", "PATH_INFO": f"/{instance.app}/default/index", "QUERY_STRING": "", "SCRIPT_NAME": "",
            "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80", "HTTP_HOST": "127.0.0.1", "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(b""), "wsgi.errors": io.StringIO(),
        }  # fmt: skip
        b"".join(wsgibase(environ, lambda status, headers, exc_info=None: answers.append(status)))
        if not answers[0].startswith("200"):
            raise LauncherError(f"The bare request answers {answers[0]}.")

    for _ in range(10):  # modules are imported and code is compiled once
        request()
    return [_time(request) for _ in range(BARE_REQUESTS)]


def _measure_permissions(instance: Instance) -> list[float]:
    """What it takes to decide whether somebody may open a page and read its table: roles, realms and rules, read anew each time."""
    with application(instance, controller="cms", function="post") as names:
        auth = names["auth"]
        link = names["s3db"].table("pr_person_user")
        for row in names["db"](link.id > 0).select(link.user_id):
            auth.s3_impersonate(row.user_id)
            # for administrators no rules are read
            if not auth.permission.is_admin():
                break

        def decide() -> None:
            auth.s3_set_roles()
            auth.permission.has_permission("read")
            auth.permission.has_permission("read", t="cms_post")

        decide()
        return [_time(decide) for _ in range(PERMISSION_CHECKS)]


def _measure_notifications(instance: Instance, port: int) -> list[float]:
    shutil.copy(CHECKOUT / "controllers" / "default.py", instance.app_folder / "controllers")
    lines: list[str] = []
    supervisor = Supervisor(write=lines.append)
    with contextlib.ExitStack() as stack:
        stack.callback(supervisor.stop)
        supervisor.start("web", launcher_command("webserver", str(instance.folder), instance.app, str(port)))
        if not wait_for_port(port, 30):
            raise LauncherError("The web server does not start: " + " ".join(lines[-1:]))
        stack.enter_context(application(instance))
        return _time_notifications()


def _time_notifications() -> list[float]:
    from gluon import current

    from s3 import S3Notifications

    resource_id = current.db(current.s3db.table("pr_subscription_resource").id > 0).select(limitby=(0, 1)).first().id

    def notify() -> None:
        result = S3Notifications.notify(resource_id)
        if result != "Success":
            raise LauncherError(f"The notification answers: {result}")

    seconds = []
    for round_number in range(NOTIFICATIONS):
        _write_posts(current, round_number)
        seconds.append(_time(notify))
    return seconds[3:]


def _write_posts(current: Any, round_number: int) -> None:
    db, s3db = current.db, current.s3db
    location, series = s3db.table("gis_location"), s3db.table("cms_series")
    location_id = db(location.name == "Alder Town").select(location.id).first().id
    series_id = db(series.name == "Flood Warning").select(series.id).first().id
    resource = s3db.resource("cms_post")
    current.auth.override = True
    for number in range(RECORDS):
        resource.insert(series_id=series_id, location_id=location_id, body=f"Post {number} of round {round_number}.")
    current.auth.override = False
    db.commit()  # the web server must see them
