"""Settings of the installation itself: names, address, templates, database, log, background tasks."""
from __future__ import annotations

from typing import Any

from gluon import current

from s3cfg.setting import SettingError, a_name, at_least, computed, names, one_of, setting, web_address

__all__ = ("BaseSettings",)

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class BaseSettings:
    get_template = setting(
        "base.template", "default",
        "Name of the deployment template below modules/templates, or a list of names: later ones override earlier ones.", names)
    get_theme = setting(
        "base.theme", None,
        "Theme of the pages: its views in modules/templates/<theme>/views go before those of the templates, and the stylesheet "
        "static/themes/<theme>/theme.css is added; dots are folders.", a_name)
    get_theme_layouts = setting(
        "base.theme_layouts", None, "Template whose views are those of the theme, where it has another name than the theme.", a_name)
    get_theme_styles = setting(
        "base.theme_styles", None, "Folder below static/themes for the stylesheet of the theme, where it has another name.", a_name)
    get_system_name = setting(
        "base.system_name", "S3 Notifications", "Long name of the system, in page titles and mails ($S in subjects).")
    get_system_name_short = setting(
        "base.system_name_short", "Sahana", "Short name of the system, in titles and mails ($s in subjects).")
    get_base_debug = setting("base.debug", False, "Show more to developers: log level DEBUG.")
    get_base_migrate = setting("base.migrate", True, "Whether the application may create and alter database tables.")
    get_base_prepopulate = setting(
        "base.prepopulate", True,
        "Whether the first start imports the first data of the deployment templates (docs/prepopulation.md); or names of the "
        "folders below modules/templates to take them from, such as DRMP.")
    get_base_custom_models = setting(
        "base.custom_models", {},
        "Model modules that a deployment template brings, {prefix: template}: the tables prefix_* stand in "
        "modules/templates/<template>/models/<prefix>.py.")
    get_base_import_max_size = setting(
        "base.import_max_size", 10, "Size in megabytes of the largest document that an import reads.", at_least(1))
    get_base_tasks_sync_fallback = setting(
        "base.tasks_sync_fallback", False,
        "Whether a task runs at once, inside the caller, when no scheduler worker is alive (for tests and shells).")

    @computed("base.public_url", "<scheme and host of the request>",
              "Address of the server as its users reach it, such as https://example.org, without the application name. "
              "Links in messages begin with it; set it always, because a mail has no request to take it from.")
    def get_base_public_url(self: Any) -> str:
        # never kept where it was not set: what a visitor's Host header says must not look like what the deployment says
        return web_address("base.public_url", self.base.public_url or _url_of_request())

    get_database_uri = setting(
        "database.uri", "sqlite://storage.db",
        "Database to use, as a pydal URI: sqlite://storage.db (a file in databases/) or postgres://user:password@host/name.")
    get_database_pool_size = setting(
        "database.pool_size", 30, "Database connections kept open per process.", at_least(0))

    @computed("log.level", "WARNING",
              "Least severity that is logged: DEBUG, INFO, WARNING, ERROR or CRITICAL; None logs nothing. "
              "The default is DEBUG when base.debug is on.")
    def get_log_level(self: Any) -> str | None:
        if "level" not in self.log:
            return "DEBUG" if self.get_base_debug() else "WARNING"
        level = self.log.level
        if not level:
            return None
        if str(level).upper() not in LOG_LEVELS:
            raise SettingError(f"Setting log.level is {level!r}: it must be {one_of(*LOG_LEVELS, None)(level)}")
        return str(level).upper()

    get_log_console = setting("log.console", True, "Whether the log goes to the standard error stream of the process.")
    get_log_logfile = setting("log.logfile", None, "File that gets the log as well; a full path is advisable.")
    get_log_caller_info = setting("log.caller_info", False, "Whether each line of the log names the source file and line it comes from.")

    get_scheduler_heartbeat = setting(
        "scheduler.heartbeat", 1, "Seconds between two looks of a scheduler worker at its queue.", at_least(1))


def _url_of_request() -> str:
    request = getattr(current, "request", None)
    env = request.env if request else {}
    scheme = env.get("wsgi_url_scheme") or "http"
    return f"{scheme}://{env.get('http_host') or '127.0.0.1:8000'}"
