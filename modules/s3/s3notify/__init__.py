"""Subscriptions and notifications: find what is due, look it up as the subscriber, render it, put it into the outbox."""
from __future__ import annotations

from s3.s3notify.notifications import S3Notifications

__all__ = ("S3Notifications",)
