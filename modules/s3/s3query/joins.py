"""Left joins of a select: each joined table once, under its own alias, restricted to what the user may read."""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from gluon import current

from s3.s3error import S3SelectorError
from s3dal import Expression, Query, Table

__all__ = ("Join", "Joins")


@dataclass(frozen=True)
class Join:
    """One left join.

    Attributes:
        path: the steps of the selector that lead to the table; equal paths are the same join
        table: the joined table, possibly aliased
        on: the condition
        is_link: a link table on the way to what it links: not restricted by permissions, since what it leads to is judged for itself
    """

    path: tuple[str, ...]
    table: Table
    on: Query
    is_link: bool = False

    @property
    def alias(self) -> str:
        return self.table._tablename


class Joins:
    """The joins of one select in the order in which they must appear: each after those that its condition needs."""

    def __init__(self, joins: Iterable[Join] = ()) -> None:
        self._joins: dict[str, Join] = {}
        self.add(joins)

    def add(self, joins: Iterable[Join]) -> None:
        """Add the joins of one selector, which must be complete and in order.

        Raises:
            S3SelectorError: the same table would be joined on two different conditions under one name
        """
        for join in joins:
            known = self._joins.setdefault(join.alias, join)
            if known.path != join.path and str(known.on) != str(join.on):
                raise S3SelectorError(
                    f"{join.alias} is joined in two ways: by {'.'.join(known.path)} and by {'.'.join(join.path)}",
                    selector=".".join(join.path),
                )
            if known.is_link and not join.is_link:
                # one selector passes through, another one shows fields of the link table itself
                self._joins[join.alias] = join

    def left(self) -> list[Expression]:
        """Expressions for ``left=``; records that the user may not read are joined as if they did not exist."""
        return [join.table.on(_readable(join)) for join in self._joins.values()]

    def get(self, alias: str) -> Join | None:
        return self._joins.get(alias)

    def __iter__(self) -> Iterator[Join]:
        return iter(self._joins.values())

    def __bool__(self) -> bool:
        return bool(self._joins)

    def __len__(self) -> int:
        return len(self._joins)


def _readable(join: Join) -> Query:
    if join.is_link:
        return join.on
    accessible: Any = current.auth.s3_accessible_query("read", join.table)
    return join.on & accessible
