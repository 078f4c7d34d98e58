"""The one way in which the steps write to subscribed resources."""
from __future__ import annotations

from gluon import current

from s3dal import Query

__all__ = ("update_quietly",)


def update_quietly(query: Query, **values: object) -> int:
    """Update subscribed resources without touching who modified them when; gives the number of rows changed."""
    rtable = current.s3db.pr_subscription_resource
    # naming the fields keeps their automatic update away; in SQL they are set to themselves
    return int(current.db(query).update_naive(modified_on=rtable.modified_on, modified_by=rtable.modified_by, **values))
