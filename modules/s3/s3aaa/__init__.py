"""Authentication, authorisation and accounting: who the user is, what the user may do, who owns what."""
from __future__ import annotations

from s3.s3aaa.audit import account_state
from s3.s3aaa.auth import AuthS3
from s3.s3aaa.client import client_network
from s3.s3aaa.pages import local_path
from s3.s3aaa.passwords import hash_password
from s3.s3aaa.permission import S3Permission
from s3.s3aaa.roles import SYSTEM_ROLES
from s3.s3aaa.tables import AUTH_INDEXES, AUTH_TABLES
from s3.s3aaa.throttle import Counters

__all__ = (
    "AUTH_INDEXES", "AUTH_TABLES", "SYSTEM_ROLES", "AuthS3", "Counters", "S3Permission", "account_state", "client_network", "hash_password",
    "local_path",
)  # fmt: skip
