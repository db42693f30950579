"""A ledger whose process dies around its commits: the boundary of every action, before it and after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gcity_tui.beads.ledger import Ledger
from gcity_tui.beads.tx import Tx


class Died(BaseException):
    """A process that is gone: nothing catches it on the way."""


class Mortal(Ledger):
    """Dies as `plan(count)` says: before, after, or not at all. The count goes on over many ledgers."""

    count = 0
    plan: Callable[[int], str] = staticmethod(lambda n: "")

    def transact(self, fn: Any, *, actor: str = "") -> Any:
        when = ""

        def run(tx: Tx) -> Any:
            nonlocal when
            before = tx.cx.execute("SELECT max(seq) FROM events").fetchone()
            result = fn(tx)
            if tx.cx.execute("SELECT max(seq) FROM events").fetchone() != before:  # what only looks is no boundary
                Mortal.count += 1
                when = Mortal.plan(Mortal.count)
            if when == "before":
                raise Died
            return result

        result = super().transact(run, actor=actor)
        if when == "after":
            raise Died
        return result
