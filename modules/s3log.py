"""The log of the application: ``current.log``, on Python's logging, switched by ``settings.log``."""
from __future__ import annotations

import logging
import sys
from logging.handlers import WatchedFileHandler
from typing import Any

from gluon import current

__all__ = ("LOGGER", "S3Log")

#: name of the Python logger
LOGGER = "s3"
FORMAT = "%(asctime)s %(levelname)s %(message)s"
OFF = logging.CRITICAL + 1


class S3Log:
    """Writes messages of at least one level; a call below that level costs one comparison."""

    def __init__(self, settings: Any = None) -> None:
        """Opens the outputs on the first call in this process.

        Args:
            settings: the S3Config; default are the settings of this request
        """
        if settings is None:
            settings = current.deployment_settings
        level = settings.get_log_level()
        self.threshold: int = getattr(logging, level) if level else OFF
        self.caller_info = bool(settings.get_log_caller_info())
        if level:
            configure_outputs(settings.get_log_console(), settings.get_log_logfile())

    def debug(self, message: Any, value: Any = None) -> None:
        self._write(logging.DEBUG, message, value)

    def info(self, message: Any, value: Any = None) -> None:
        self._write(logging.INFO, message, value)

    def warning(self, message: Any, value: Any = None) -> None:
        self._write(logging.WARNING, message, value)

    def error(self, message: Any, value: Any = None) -> None:
        self._write(logging.ERROR, message, value)

    def critical(self, message: Any, value: Any = None) -> None:
        self._write(logging.CRITICAL, message, value)

    def exception(self, message: Any, value: Any = None) -> None:
        """Log an error together with the traceback of the exception that is being handled."""
        self._write(logging.ERROR, message, value, traceback=sys.exc_info()[0] is not None)

    def _write(self, level: int, message: Any, value: Any, traceback: bool = False) -> None:
        if level < self.threshold:
            return
        text = f"{message}: {value}" if value is not None else str(message)
        if self.caller_info:
            caller = sys._getframe(2)
            text = f"{text} ({caller.f_code.co_filename}:{caller.f_lineno})"
        logging.getLogger(LOGGER).log(level, "%s", text, exc_info=traceback)


def configure_outputs(console: bool, logfile: str | None) -> None:
    """Connect the logger with the console and the file, unless it already is; safe to call for every request."""
    logger = logging.getLogger(LOGGER)
    logger.setLevel(logging.DEBUG)
    # web2py gives the root logger a handler of its own; a second one would write every line twice
    logger.propagate = bool(console)
    if console and not logger.hasHandlers():
        _add(logger, logging.StreamHandler())
    if logfile and not any(getattr(handler, "origin", None) == logfile for handler in logger.handlers):
        handler = WatchedFileHandler(logfile, encoding="utf-8")
        handler.origin = logfile  # type: ignore[attr-defined]
        _add(logger, handler)


def _add(logger: logging.Logger, handler: logging.Handler) -> None:
    handler.setFormatter(logging.Formatter(FORMAT))
    logger.addHandler(handler)
