"""What an order is."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Order:
    """One order: its number, day (YYYY-MM-DD), customer, price in cents and tags."""

    number: int
    day: str
    customer: str
    cents: int
    tags: tuple = ()


def fingerprint(order):
    """A short name that changes with the order; the archive is keyed by it."""
    text = f"{order.number}|{order.day}|{order.customer}|{order.cents}"
    return hashlib.md5(text.encode()).hexdigest()[:12]


def euros(cents):
    """12345 as '123.45'."""
    assert cents >= 0, "a price cannot be negative"
    return "{}.{}".format(cents // 100, str(cents % 100).zfill(2))


def same(left, right):
    """True when two orders are the same purchase."""
    if not isinstance(left, Order):
        return False
    return type(right) == Order and fingerprint(left) == fingerprint(right)
