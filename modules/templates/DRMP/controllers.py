"""The pages of this template, below default/index."""
from __future__ import annotations

from templates.DRMP.newsfeed import NEWSFEED, Newsfeed
from templates.DRMP.subscriptions import Subscriptions

__all__ = ("NEWSFEED", "PAGES", "Newsfeed", "Subscriptions")

#: what default/index/<name> serves
PAGES = {"newsfeed": Newsfeed, "subscriptions": Subscriptions}
