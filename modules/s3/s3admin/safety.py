"""There is always somebody who can administrate."""
from __future__ import annotations

from gluon import current

from s3.s3error import S3DataError

__all__ = ("require_another_administrator",)


def require_another_administrator(user_id: int) -> None:
    """Before an account loses its rights: see that it is not the last active administrator.

    Holds until the end of the transaction, also against others who are about to do the same to another account.

    Raises:
        S3DataError: it is
    """
    auth, db = current.auth, current.db
    role = auth.get_system_role("ADMIN")
    groups = auth.table("auth_group")
    # The row of the role is the lock: of two administrators who dismiss each other at one moment, the second finds the first gone
    db(groups.id == role).update(modified_on=groups.modified_on)
    held, users = auth.table("auth_membership"), auth.table("auth_user")
    administrators = db(
        (held.group_id == role)
        & (held.deleted == False)
        & (users.id == held.user_id)
        & (users.deleted == False)
        & ((users.registration_key == "") | (users.registration_key == None))
    ).select(users.id, distinct=True)
    if {row.id for row in administrators} == {user_id}:
        raise S3DataError(str(current.T("This is the last active administrator: make somebody else one first.")), user_id=user_id)
