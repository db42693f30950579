"""What the lists of work say: counts that agree with the lists, and queues whose work somebody will take."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from gcity_tui.beads.ledger import Ledger
from gcity_tui.factory.queues import listed, read
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.snapshot import CitySnapshot, attention
from gcity_tui.tui import shelf


@pytest.fixture
def ledger(tmp_path: Path):
    made = Ledger.open(tmp_path / "ledger.db", create=True)
    made.set_config("issue_prefix", "gc")
    yield made
    made.shut()


def test_what_the_controller_does_itself_needs_nobody(ledger: Ledger, tmp_path: Path) -> None:
    for route in ("control-dispatcher", "shop/control-dispatcher", "shop/nobody"):
        ledger.create("step", meta={"gc.routed_to": route})
    queues = read(ledger, DeclaredCity("c", tmp_path, "gc")).queues
    assert [q.ready for q in queues] == [1, 1, 1]
    asked = attention(CitySnapshot("c", "/c", 1.0, queues=queues))
    assert [(a.subject, a.text) for a in asked] == [("shop/nobody", "1 ready, no agent of that name")]


def test_a_count_is_the_length_of_its_list(ledger: Ledger, tmp_path: Path) -> None:
    for kind in ("task", "bug", "gate", "molecule", "session", "spec", "message"):
        ledger.create(kind, issue_type=kind)
        ledger.close(ledger.create(kind, issue_type=kind))
    counts = read(ledger, DeclaredCity("c", tmp_path, "gc")).counts
    assert counts == {"open": 4, "closed": 4}
    for status in counts:
        shown = [b for b in listed(ledger, status, "", "", "", 100) if shelf.belongs(b, f"state:{status}")]
        assert Counter(b.status for b in shown) == {status: counts[status]}
