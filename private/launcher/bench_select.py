"""What a select costs, and how that grows: the part of `manage.py bench` that reads many records."""
from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from launcher.application import application
from launcher.instance import Instance

__all__ = ("measure_selects",)

PLACES, SERIES = 100, 20
SIZES = (1_000, 10_000)
LARGE_SIZE = 100_000
# how often a select is repeated, by the number of its records
ROUNDS = {1_000: 9, 10_000: 3, LARGE_SIZE: 1}
FILTERS = 200
MAX_STATEMENTS = 6
MAX_SELECT = 60
MAX_FILTER = 1
MAX_GROWTH = 1.5

#: eight, of which three refer to other tables, and one is a component's
FIELDS = ["title", "body", "date", "expired", "series_id", "location_id", "created_by", "comment.body"]
FILTER = {
    "~.title__like": "*water*",
    "~.body__like": "*flood*",
    "~.date__ge": "2026-01-01T00:00:00Z",
    "~.created_on__ge": "2026-01-01T00:00:00Z",
    "~.expired": "False",
    "~.priority__ge": "1",
    "~.series_id__belongs": "1,2,3",
    "~.location_id$L1__belongs": "North,South",
    "~.location_id$name": "Alder Town",
    "comment.body__like": "*help*",
}

# one statement each, because the DAL would take minutes for so many records
POSTS = """
    INSERT INTO cms_post (uuid, title, body, date, expired, priority, series_id, location_id, created_by, created_on, modified_on, deleted)
    WITH RECURSIVE numbers(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n < {last})
    SELECT 'bench-' || n, 'Post ' || n, 'Body of post ' || n, '2026-01-01 12:00:00', 'F', 1, {series} + n % {n_series},
           {place} + n % {n_places}, {user}, '2026-01-01 12:00:00', '2026-01-01 12:00:00', 'F' FROM numbers
"""
COMMENTS = """
    INSERT INTO cms_comment (uuid, post_id, body, deleted)
    SELECT 'bench-' || id || '-' || kind, id, kind || ' of post ' || id, 'F'
    FROM cms_post, (SELECT 'Question' AS kind UNION ALL SELECT 'Answer') AS kinds
    WHERE cms_post.uuid LIKE 'bench-%' AND (kind = 'Question' OR id % 2 = 0)
      AND NOT EXISTS (SELECT 1 FROM cms_comment WHERE cms_comment.post_id = cms_post.id)
"""


def measure_selects(instance: Instance, kind: str, with_large: bool = False) -> None:
    """Print what selects cost.

    Args:
        kind: of the database
        with_large: also of 100,000 records
    """
    with application(instance):
        first = _write_neighbours()
    per_record: dict[int, float] = {}
    written = 0
    for size in (*SIZES, LARGE_SIZE) if with_large else SIZES:
        with application(instance):
            _write_posts(first, written + 1, size)
        written = size
        statements, seconds = _measure_select(instance, size)
        per_record[size] = seconds / size
        if size == SIZES[0]:
            _report(f"select of {size:,} records of {len(FIELDS)} fields ({kind})", 1000 * seconds, f"under {MAX_SELECT} ms")
            print(f"{'  SQL statements':<44} {statements:13d}      (target: at most {MAX_STATEMENTS})", flush=True)
        else:
            growth = per_record[size] / per_record[SIZES[0]]
            _report(
                f"select of {size:,} records ({kind})", 1000 * seconds,
                f"under {MAX_GROWTH} times as much for each record; is {growth:.2f}",
            )  # fmt: skip
    _report(f"URL filter of {len(FILTER)} terms, to SQL", 1000 * _measure_filter(instance), f"under {MAX_FILTER} ms")


def _report(what: str, milliseconds: float, target: str) -> None:
    print(f"{what:<44} median {milliseconds:6.2f} ms   (target: {target})", flush=True)


def _write_neighbours() -> dict[str, int]:
    """Write what posts refer to; gives the first ids, the others follow."""
    from gluon import current

    db, s3db = current.db, current.s3db
    places = [s3db.table("gis_location").insert(name=f"Place {number}", L1="North") for number in range(PLACES)]
    series = [s3db.table("cms_series").insert(name=f"Series {number}") for number in range(SERIES)]
    user = db(db.auth_user.id > 0).select(db.auth_user.id, limitby=(0, 1)).first().id
    db.commit()  # for the connections of the measurements
    return {"place": int(places[0]), "series": int(series[0]), "user": int(user)}


def _write_posts(ids: dict[str, int], first: int, last: int) -> None:
    from gluon import current

    for tablename in ("cms_post", "cms_comment"):
        current.s3db.table(tablename)
    current.db.executesql(POSTS.format(first=first, last=last, n_series=SERIES, n_places=PLACES, **ids))
    current.db.executesql(COMMENTS)
    current.db.commit()  # as above


def _measure_select(instance: Instance, size: int) -> tuple[int, float]:
    """Number of statements, and median seconds."""
    seconds, statements = [], 0
    for _ in range(ROUNDS[size]):
        # anew, because representations remember for as long as a request takes
        with application(instance):
            from gluon import current

            current.auth.override = True
            posts = current.s3db.resource("cms_post", filter=current.s3db.table("cms_post").uuid.startswith("bench-"))
            # loads the models, and looks nothing up
            current.s3db.resource("cms_post", id=[]).select(FIELDS, represent=True)
            with _counted(current.db) as sent:
                seconds.append(_time(lambda posts=posts: posts.select(FIELDS, represent=True)))
            statements = len(sent)
    return statements, statistics.median(seconds)


def _measure_filter(instance: Instance) -> float:
    """Median seconds."""
    with application(instance):
        from gluon import current

        current.auth.override = True
        posts = current.s3db.resource("cms_post")

        def translate() -> None:
            posts.build_query(vars=FILTER)
            posts.get_query()

        translate()
        return statistics.median(_time(translate) for _ in range(FILTERS))


def _time(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


@contextlib.contextmanager
def _counted(db: Any) -> Iterator[list[str]]:
    """The statements that are sent meanwhile."""
    from pydal.helpers.classes import ExecutionHandler

    sent: list[str] = []

    class Counter(ExecutionHandler):
        def before_execute(self, command: str) -> None:
            sent.append(command)

    handlers, db._adapter.execution_handlers = db._adapter.execution_handlers, [Counter]
    try:
        yield sent
    finally:
        db._adapter.execution_handlers = handlers
