"""The pages of administrators: accounts, roles with their rules, the log of events, the state of the service."""
from __future__ import annotations

from s3.s3admin.pages import admin_page

__all__ = ("admin_page",)
