"""What a resource can do to exchange its records with other databases."""
from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from gluon import current

if TYPE_CHECKING:
    from s3.s3resource.exchange.result import ImportResult

__all__ = ("ExchangeMixin",)


class ExchangeMixin:
    """Part of S3Resource."""

    def export_xml(
        self,
        start: int | None = None,
        limit: int | None = None,
        msince: dt.datetime | None = None,
        fields: Iterable[str] | None = None,
        dereference: bool = True,
        maxdepth: int = 10,
        mcomponents: Iterable[str] | None = (),
        rcomponents: Iterable[str] | None = None,
        references: Iterable[str] | None = None,
        filters: Mapping[str, Mapping[str, Any]] | None = None,
        orderby: Any = None,
        customise: Callable[[str], None] | None = None,
        as_tree: bool = False,
        as_json: bool = False,
        pretty_print: bool = False,
    ) -> Any:
        """Export the records that the user may read, with components and the records that these refer to.

        Args:
            start, limit: page of the records of this resource; None for all
            msince: only what has changed since, naive UTC, the oldest first; stays a filter of the resource
            fields, references: names of the fields to export of this resource; None for all that the user may see
            dereference: export the records that are referred to, too; otherwise their identifiers alone
            maxdepth: how many references deep
            mcomponents, rcomponents: aliases of components to export, of this resource and of records that are referred to;
                none of them for None, all for ()
            filters: {name of a table: URL filters} for records that are referred to
            customise: called once with the name of each table that is exported
            as_tree: give the root element
            as_json: give S3JSON

        Returns:
            bytes of XML, str of JSON, or an element of lxml
        """
        # lxml takes some milliseconds, which a request that exchanges nothing must not pay for
        from s3.s3resource.exchange.export import ExportOptions, export_tree

        options = ExportOptions(
            start=start, limit=limit, msince=msince, fields=fields, references=references, dereference=dereference, maxdepth=maxdepth,
            mcomponents=mcomponents, rcomponents=rcomponents, filters=filters, orderby=orderby,
            customise=customise,
        )  # fmt: skip
        tree = export_tree(self, options)  # type: ignore[arg-type]
        if as_tree:
            return tree
        return current.xml.tree2json(tree, pretty_print) if as_json else current.xml.tostring(tree, pretty_print)

    def export_json(self, pretty_print: bool = False, **options: Any) -> str:
        """Export as S3JSON; options as those of export_xml."""
        text: str = self.export_xml(as_json=True, pretty_print=pretty_print, **options)
        return text

    def import_xml(self, source: Any, format: str = "xml", **options: Any) -> str:
        """Import records of this resource, with components and what they refer to; all or nothing.

        Writes in the caller's transaction, and undoes what it has written if it refuses the document.

        Args:
            source: text, bytes, an open file, or an element
            format: "xml" or "s3json"
            options: as those of import_tree

        Returns:
            a JSON message with records, created, updated, deleted, or with the errors

        Raises:
            S3PermissionError: the user may not create and update records of this table
            S3DataError: it is no such document
        """
        return self.import_tree(self._parse(source, format), **options).message()

    @staticmethod
    def _parse(source: Any, format: str) -> Any:
        if hasattr(source, "iter"):
            return source
        if hasattr(source, "getroot"):
            return source.getroot()
        return current.xml.json2tree(source) if format == "s3json" else current.xml.parse(source)

    def import_tree(
        self,
        tree: Any,
        ignore_errors: bool = False,
        strategy: Iterable[str] = ("create", "update", "delete"),
        preset: Mapping[str, Any] | None = None,
        record_id: int | None = None,
        customise: Callable[[str], None] | None = None,
    ) -> ImportResult:
        """Import the records of a document.

        Args:
            tree: root element; records that are refused get an attribute ``error``
            ignore_errors: leave out the records that are refused, rather than refuse the document
            strategy: what may be done; records that need something else are left as they are
            preset: {field: value} that all records of this resource get
            record_id: the document holds this one record of the resource
            customise: called once with the name of each table that is imported

        Raises:
            S3PermissionError: the user may not create and update records of this table
        """
        from s3.s3resource.exchange.importing import ImportJob

        job = ImportJob(self, ignore_errors=ignore_errors, strategy=strategy, preset=preset, record_id=record_id, customise=customise)  # type: ignore[arg-type]
        return job.run(tree)
