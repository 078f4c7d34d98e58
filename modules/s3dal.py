"""The names of the database layer that the framework uses, from one place, for both supported pydal generations."""
from __future__ import annotations

from pydal import DAL, Field
from pydal.objects import Expression, Query, Row, Rows, Set, Table

__all__ = ("DAL", "Expression", "Field", "Query", "Row", "Rows", "Set", "Table")
