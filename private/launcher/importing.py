"""Import of a file of records, from the terminal."""
from __future__ import annotations

import sys
from pathlib import Path

from launcher.application import application
from launcher.errors import LauncherError
from launcher.instance import Instance

__all__ = ("import_from",)


def import_from(instance: Instance, path: Path, tablename: str, update: bool) -> int:
    """Import the records of a file, all or nothing; prints what became of it, and gives 1 when it was refused, else 0.

    Raises:
        LauncherError: there is no such file
    """
    # before the application goes into its own folder
    path = path.resolve()
    if not path.is_file():
        raise LauncherError(f"There is no file {path}.")
    with application(instance):
        from gluon import current

        from s3.s3import import import_records

        current.auth.override = True
        outcome = import_records(tablename, path, update=update)
        if not outcome.problems:
            current.db.commit()
    for problem in outcome.problems:
        print(problem, file=sys.stderr)
    if outcome.problems:
        print("Nothing was imported.", file=sys.stderr)
        return 1
    print(f"{path.name}: {outcome.created} created, {outcome.updated} updated in {tablename}.")
    return 0
