"""A Python shell with the models executed."""
from __future__ import annotations

import code

from launcher.application import application
from launcher.instance import Instance

__all__ = ("interact",)

BANNER = "The names of the models are there: db, s3db, auth, settings, ... Keep changes with db.commit()."


def interact(instance: Instance) -> None:
    """Let a person, or a script on the standard input, work with the names of the models. What is not committed is rolled back."""
    with application(instance) as environment:
        _enable_completion(environment)
        code.interact(banner=BANNER, local=environment, exitmsg="")


def _enable_completion(environment: dict[str, object]) -> None:
    try:
        import readline
        import rlcompleter
    except ImportError:
        return
    readline.set_completer(rlcompleter.Completer(environment).complete)
    readline.parse_and_bind("tab: complete")
