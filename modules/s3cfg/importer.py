"""Import by name at run time, which inside web2py works in one way only."""
from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec
from types import ModuleType

__all__ = ("import_module",)


def import_module(name: str) -> ModuleType | None:
    """The module of this dotted name, below modules/; None when there is no such module.

    The only place that calls ``__import__``: through gluon's importer, which reloads changed modules in development.
    An error inside the module is raised as it is, an import that fails there included.
    """
    loaded = sys.modules.get(name)
    # while another thread still imports it, it is there, but empty: then the import below waits for that thread
    if loaded is not None and not getattr(loaded.__spec__, "_initializing", False):
        return loaded
    # looked for first, from the outermost package: gluon's importer answers a missing module with a second attempt,
    # under the name of the application
    package = name.rpartition(".")[0]
    if (package and import_module(package) is None) or find_spec(name) is None:
        return None
    try:
        module: ModuleType = __import__(name, fromlist=["*"])
    except ImportError:
        # that second attempt hides what went wrong inside the module
        return importlib.import_module(name)
    return module
