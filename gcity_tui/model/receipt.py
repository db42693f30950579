"""A receipt: what became of text for an agent. It never claims more than was seen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Delivery(Enum):
    """queued → typed → submitted → taken up; or undelivered (why); or unknown, and then the person is asked."""

    QUEUED = "queued"
    TYPING = "typing"
    """Written before the first key: after a crash this is settled by looking, never by typing again."""
    TYPED = "typed"
    SUBMITTED = "submitted"
    TAKEN_UP = "taken up"
    UNDELIVERED = "undelivered"
    UNKNOWN = "unknown"

    @property
    def settled(self) -> bool:
        return self in (Delivery.TAKEN_UP, Delivery.UNDELIVERED, Delivery.UNKNOWN)


WHEN = ("now", "boundary", "interrupt")
"""When text is typed: at once · when the turn is over · after interrupting the turn."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """`id` is the nudge's bead. `note` says why, or what is being waited for. `at` is in unix seconds."""

    id: str
    session: str
    state: Delivery
    note: str = ""
    at: float = 0.0
    text: str = ""

    def __str__(self) -> str:
        word = "unknown: may have been typed" if self.state is Delivery.UNKNOWN else self.state.value
        return f"{word} ({self.note})" if self.note else word


LEGAL: dict[Delivery, tuple[Delivery, ...]] = {
    Delivery.QUEUED: (Delivery.TYPING, Delivery.UNDELIVERED),
    # Back to the queue only when the server itself said that nothing was typed: then it may be tried again.
    Delivery.TYPING: (
        Delivery.QUEUED, Delivery.TYPED, Delivery.SUBMITTED, Delivery.TAKEN_UP, Delivery.UNDELIVERED, Delivery.UNKNOWN,
    ),
    Delivery.TYPED: (Delivery.SUBMITTED, Delivery.TAKEN_UP, Delivery.UNDELIVERED, Delivery.UNKNOWN),
    Delivery.SUBMITTED: (Delivery.TAKEN_UP, Delivery.UNKNOWN),
    Delivery.UNKNOWN: (Delivery.TAKEN_UP, Delivery.UNDELIVERED, Delivery.SUBMITTED),
    Delivery.TAKEN_UP: (),
    Delivery.UNDELIVERED: (),
}  # fmt: skip
