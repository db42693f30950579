"""Times of the machine's clock, compared so that a clock that was set back delays nothing for longer than was meant.

What was written down before may lie in the future then. Unix seconds; pure.
"""

from __future__ import annotations


def within(now: float, since: float, span: float) -> bool:
    """Whether `since` was less than `span` seconds ago. A time that is still to come is none to go by."""
    return 0.0 <= now - since < span


def due(now: float, at: float, longest: float) -> bool:
    """Whether `at` has come; or lies farther ahead than the `longest` that it can have been set to."""
    return at <= now or at - now > longest
