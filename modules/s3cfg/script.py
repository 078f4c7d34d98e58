"""Templates as they were written in 2013: a config.py that sets the settings at its top level, executed for every request.

Only at the older place, private/templates; elsewhere a config.py without a function ``config`` is a mistake.
"""
from __future__ import annotations

import ast
import os
from types import CodeType

__all__ = ("run_script",)

# {path: (modification time, code; None: it has a function)}
_scripts: dict[str, tuple[int, CodeType | None]] = {}


def run_script(path: str, function: str) -> bool:
    """Execute a file, unless it defines this function, which is to be called then; gives whether it was executed.

    The script finds the settings as ``current.deployment_settings``.
    """
    changed_at = os.stat(path).st_mtime_ns
    if path not in _scripts or _scripts[path][0] != changed_at:
        with open(path, "rb") as stream:
            source = stream.read()
        tree = ast.parse(source, path)
        _scripts[path] = (changed_at, None if _defines(tree, function) else compile(tree, path, "exec"))
    code = _scripts[path][1]
    if code is None:
        return False
    exec(code, {"__name__": "config", "__file__": path})
    return True


def _defines(tree: ast.Module, name: str) -> bool:
    """Whether a module has something of this name."""
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == name:
            return True
        if isinstance(node, ast.ImportFrom) and name in {alias.asname or alias.name for alias in node.names}:
            return True
        if isinstance(node, ast.Assign) and name in {target.id for target in node.targets if isinstance(target, ast.Name)}:
            return True
    return False
