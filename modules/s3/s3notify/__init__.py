"""Subscriptions and notifications: find what is due, look it up as the subscriber, render it, put it into the outbox."""
from __future__ import annotations

from s3.s3notify.notifications import S3Notifications
from s3.s3notify.settings import (
    OwnSubscription,
    SavedSubscription,
    Watched,
    own_subscription,
    own_subscriptions,
    unsubscribe_all,
    update_subscription,
)

__all__ = (
    "OwnSubscription",
    "S3Notifications",
    "SavedSubscription",
    "Watched",
    "own_subscription",
    "own_subscriptions",
    "unsubscribe_all",
    "update_subscription",
)
