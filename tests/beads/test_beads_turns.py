"""One writer leads for all who wait: an interrupted one is not waited for, an error stays with its own."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from gcity_tui.beads.ledger import Ledger


class Interrupted:
    """A lock whose first wait is interrupted, as by Ctrl-C, once `ready` says so."""

    def __init__(self, lock: Any, ready: threading.Event) -> None:
        self.lock, self.ready = lock, ready

    def acquire(self, *args: Any) -> bool:
        assert self.ready.wait(5)
        raise KeyboardInterrupt

    def release(self) -> None:
        self.lock.release()


def test_one_that_is_interrupted_while_it_waits_holds_nobody_up(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gcity_tui.beads import store

    busy, go, queued, gone = (threading.Event() for _ in range(4))

    def slow(tx: Any) -> None:
        busy.set()
        assert go.wait(10)
        tx.create("first")

    first = threading.Thread(target=ledger.transact, args=(slow,))
    first.start()
    assert busy.wait(5)
    made = store.Wish

    def wish(fn: Any) -> Any:
        found = made(fn)
        found.done = Interrupted(found.done, queued)  # type: ignore[assignment]
        return found

    monkeypatch.setattr(store, "Wish", wish)

    def second() -> None:
        with pytest.raises(KeyboardInterrupt):
            ledger.create("interrupted")
        gone.set()

    waiting = threading.Thread(target=second)
    waiting.start()
    queued.set()
    assert gone.wait(5)
    monkeypatch.setattr(store, "Wish", made)
    third = threading.Thread(target=ledger.create, args=("third",))
    third.start()
    go.set()
    for t in (first, waiting, third):
        t.join(10)
        assert not t.is_alive()
    assert ledger.create("fourth")
    assert sorted(b.title for b in ledger.find()) == ["first", "fourth", "third"]


def test_many_threads_all_get_their_turn(ledger: Ledger) -> None:
    def work(n: int) -> None:
        for i in range(20):
            if i % 5 == 4:
                with pytest.raises(ValueError, match=f"{n}"):
                    ledger.transact(lambda tx: (tx.create("never"), int(f"no{n}")))
            else:
                ledger.create(f"{n}-{i}")

    crowd = [threading.Thread(target=work, args=(n,)) for n in range(20)]
    for t in crowd:
        t.start()
    for t in crowd:
        t.join(60)
        assert not t.is_alive()
    titles = [b.title for b in ledger.find()]
    assert len(titles) == len(set(titles)) == 20 * 16 and "never" not in titles
