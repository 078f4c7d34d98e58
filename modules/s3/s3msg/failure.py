"""Why a message was not handed over: the classes of failure that decide what happens to it next."""
from __future__ import annotations

from s3.s3error import S3DeliveryError

__all__ = (
    "CHANNEL_DOWN",
    "INVALID",
    "PERMANENT",
    "TEMPORARY",
    "DeliveryFailure",
    "channel_down",
    "invalid",
    "one_line",
    "permanent",
    "temporary",
)

#: Nobody can be reached through this channel now; not the fault of the message, and not counted against it
CHANNEL_DOWN = "channel down"
#: The address cannot be one; nothing was sent
INVALID = "invalid"
#: This recipient or this message is refused for good
PERMANENT = "permanent"
#: Worth another attempt later
TEMPORARY = "temporary"

MAX_LENGTH = 500


class DeliveryFailure(S3DeliveryError):
    """The message was not accepted."""

    def __init__(self, reason: object, kind: str, *, ambiguous: bool = False, back_off: bool = True) -> None:
        """
        Args:
            kind: one of the classes above
            ambiguous: the other side may have accepted the message all the same
            back_off: leave a channel that is down alone for a while; not for what is found out without touching the network
        """
        super().__init__(one_line(reason))
        self.kind = kind
        self.ambiguous = ambiguous
        self.back_off = back_off


def channel_down(reason: object, *, back_off: bool = True) -> DeliveryFailure:
    return DeliveryFailure(reason, CHANNEL_DOWN, back_off=back_off)


def invalid(reason: object) -> DeliveryFailure:
    return DeliveryFailure(reason, INVALID)


def permanent(reason: object) -> DeliveryFailure:
    return DeliveryFailure(reason, PERMANENT)


def temporary(reason: object, *, ambiguous: bool = False) -> DeliveryFailure:
    return DeliveryFailure(reason, TEMPORARY, ambiguous=ambiguous)


def one_line(reason: object) -> str:
    """A reason as it fits into a column and a log line."""
    return " ".join(str(reason).split())[:MAX_LENGTH]
