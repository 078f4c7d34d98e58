"""Import by name at run time, which inside web2py works in one way only."""
from __future__ import annotations

import sys
from importlib.util import find_spec
from types import ModuleType

__all__ = ("import_module",)


def import_module(name: str) -> ModuleType | None:
    """The module with this dotted name, or None when there is no such module.

    An error inside the module is raised as it is, an import that fails there included.
    """
    loaded = sys.modules.get(name)
    if loaded is not None:
        return loaded
    try:
        found = find_spec(name)
    except ModuleNotFoundError as error:
        if error.name and f"{name}.".startswith(f"{error.name}."):
            return None
        raise
    if found is None:
        return None
    # importlib.import_module would bypass gluon's importer, which tracks the changes of modules
    module: ModuleType = __import__(name, fromlist=["*"])
    return module
