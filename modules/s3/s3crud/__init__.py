"""Lists, pages, forms and the JSON interface of records."""
from __future__ import annotations

from s3.s3crud.api import CreateJSON, DeleteJSON, UpdateJSON
from s3.s3crud.crud import S3CRUD
from s3.s3crud.edit import CreatePage, DeletePage, UpdatePage
from s3.s3crud.exchange import ExportDocument, ImportDocument
from s3.s3crud.filtering import FilterForms, FilterJSON, FilterOptions
from s3.s3crud.form import FormResult, RecordForm
from s3.s3crud.listing import ListCSV, ListJSON, ListPage
from s3.s3crud.navigation import MenuItem, module_home, module_menu, page_menu, personal_menu, s3_rheader_tabs, template_pages
from s3.s3crud.record import ReadJSON, ReadPage

__all__ = (
    "CreateJSON",
    "CreatePage",
    "DeleteJSON",
    "DeletePage",
    "ExportDocument",
    "FilterForms",
    "FilterJSON",
    "FilterOptions",
    "FormResult",
    "ImportDocument",
    "ListCSV",
    "ListJSON",
    "ListPage",
    "MenuItem",
    "ReadJSON",
    "ReadPage",
    "RecordForm",
    "S3CRUD",
    "UpdateJSON",
    "UpdatePage",
    "module_home",
    "module_menu",
    "page_menu",
    "personal_menu",
    "s3_rheader_tabs",
    "template_pages",
)
