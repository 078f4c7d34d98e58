"""Try models/000_config.py out before web2py executes it: web2py would answer every error in it with a ticket, which nobody looks into."""
from __future__ import annotations

import os
import traceback
from collections.abc import Mapping
from types import CodeType
from typing import Any

from gluon import current

from s3cfg.config import S3Config
from s3cfg.setting import SettingError

__all__ = ("config_problem",)

#: Errors whose text names things of the source; what others say may be a value, such as a password
TELLING = (SettingError, SyntaxError, NameError, AttributeError, ImportError)

#: {path: (modification time, size) of the version of the file that is known to work}
_works: dict[str, tuple[int, int]] = {}


def config_problem(path: str, environment: Mapping[str, Any]) -> str | None:
    """What is wrong with a 000_config.py, in a sentence for everybody; None when it works.

    A version of the file that works is executed once in each process, one that fails every time: the error may be in a template.

    Args:
        environment: the names that web2py's models know; stays as it is
    """
    status = os.stat(path)
    version = (status.st_mtime_ns, status.st_size)
    if _works.get(path) == version:
        return None
    before = current.deployment_settings
    current.deployment_settings = S3Config()
    try:
        exec(_compiled(path), dict(environment))
    except Exception as error:  # whatever a deployer writes there
        return _sentence(path, error)
    finally:
        current.deployment_settings = before
    _works[path] = version
    return None


def _compiled(path: str) -> CodeType:
    with open(path, "rb") as stream:
        return compile(stream.read(), path, "exec")


def _sentence(path: str, error: Exception) -> str:
    if isinstance(error, SyntaxError) and error.filename == path:
        line, reason = error.lineno, error.msg
    else:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
        line, reason = (lines[-1] if lines else None), str(error) if isinstance(error, TELLING) else ""
    where = "models/000_config.py" + (f", line {line}" if line else "")
    return f"{where}: {reason or type(error).__name__}"
