"""The kept counts against a count taken the slow way, over histories nobody would think of."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gcity_tui.beads import readiness, select
from gcity_tui.beads.ledger import Ledger
from gcity_tui.model.errors import CityError

N = 7
step = st.one_of(
    st.tuples(
        st.just("dep"),
        st.integers(0, N - 1),
        st.integers(0, N - 1),
        st.sampled_from(["blocks", "conditional-blocks", "waits-for", "any", "parent-child", "related"]),
    ),
    st.tuples(st.just("undep"), st.integers(0, N - 1), st.integers(0, N - 1)),
    st.tuples(
        st.just("status"),
        st.integers(0, N - 1),
        st.sampled_from(["open", "closed", "in_progress", "pinned", "deferred", "blocked"]),
    ),
    st.tuples(st.just("end"), st.integers(0, N - 1), st.sampled_from(["done", "it FAILED twice"])),
    st.tuples(st.just("outcome"), st.integers(0, N - 1), st.sampled_from(["pass", "fail", ""])),
    st.tuples(st.just("outside"), st.integers(0, N - 1), st.sampled_from(["external:x:api", "external:y:api"])),
    st.tuples(st.just("publish"), st.integers(0, N - 1), st.booleans()),
    st.tuples(st.just("scope"), st.sampled_from(["y", "z"])),
    st.tuples(st.just("parent"), st.integers(0, N - 1), st.integers(-1, N - 1)),
    st.tuples(st.just("defer"), st.integers(0, N - 1), st.sampled_from([None, 50, 5000])),
    st.tuples(st.just("delete"), st.integers(0, N - 1)),
    st.tuples(st.just("make"), st.integers(0, N - 1)),
    st.tuples(st.just("tick"), st.integers(1, 200)),
)


def naive(ledger: Ledger, now: int) -> dict[str, tuple[int, int, bool]]:
    """id → (blockers, blocked parents, ready), by bd's rules as facts state them, one bead at a time."""
    rows = ledger.store.rows
    status = dict(rows("SELECT id, status FROM beads"))
    pinned = dict(rows("SELECT id, pinned FROM beads"))
    defer = dict(rows("SELECT id, defer_until FROM beads"))
    edges = rows("SELECT issue_id, depends_on_id, type, metadata FROM deps")
    reasons = dict(rows("SELECT id, close_reason FROM beads"))
    outcome = dict(rows("SELECT bead, value FROM bead_meta WHERE key = 'gc.outcome'"))
    failed = {
        b
        for b, s in status.items()
        if s == "closed" and (outcome[b] == "fail" if outcome.get(b) else "failed" in reasons[b].lower())
    }
    active = {b for b, s in status.items() if s not in ("closed", "pinned")}
    kids: dict[str, list[str]] = {}
    for a, b, kind, _ in edges:
        if kind == "parent-child" and a in status:
            kids.setdefault(b, []).append(a)

    names = {"x", *(r for (r,) in rows("SELECT rig FROM scopes WHERE prefix = 'x'"))}
    published = {b for (b,) in rows("SELECT bead FROM labels WHERE label = 'provides:api'") if status[b] == "closed"}
    given_away = {f"external:{name}:api" for name in names} if published else set()

    def blocks(target: str, kind: str, extra: str) -> bool:
        if target.startswith("external:"):
            return kind in ("blocks", "conditional-blocks") and target not in given_away
        if kind == "blocks":
            return target in active
        if kind == "conditional-blocks":
            return target in status and status[target] != "pinned" and target not in failed
        if kind != "waits-for":
            return False
        below = kids.get(target, [])
        if "any-children" in extra and any(status[k] == "closed" for k in below):
            return False
        return any(k in active for k in below)

    count = {b: sum(blocks(t, kind, extra) for a, t, kind, extra in edges if a == b) for b in status}
    found = {}
    for bead in status:
        parents = [t for a, t, kind, _ in edges if a == bead and kind == "parent-child" and t in status]
        held = sum(1 for p in parents if p in active and count[p])
        later = any((defer[x] or 0) > now for x in (bead, *parents))
        ready = status[bead] == "open" and not pinned[bead] and not count[bead] and not held and not later
        found[bead] = (count[bead], held, ready)
    return found


class World:
    """Beads `x-0 … x-6` and a clock in seconds; each step is tried, what the ledger refuses changes nothing."""

    def __init__(self, folder: str) -> None:
        self.time = 1000.0
        self.ledger = Ledger.open(Path(folder) / "l.db", create=True, clock=lambda: self.time)
        for i in range(N):
            self.ledger.create(f"b{i}", id=f"x-{i}")

    def take(self, action: tuple[object, ...]) -> None:
        what, *args = action
        verb: Callable[..., object] = getattr(self, f"do_{what}")
        try:
            verb(*args)
        except CityError:
            pass

    def do_dep(self, a: int, b: int, kind: str) -> None:
        extra = '{"gate":"any-children"}' if kind == "any" else "{}"
        self.ledger.dep_add(f"x-{a}", f"x-{b}", "waits-for" if kind == "any" else kind, metadata=extra)

    def do_undep(self, a: int, b: int) -> None:
        self.ledger.dep_remove(f"x-{a}", f"x-{b}")

    def do_status(self, a: int, status: str) -> None:
        self.ledger.update(f"x-{a}", set={"status": status})

    def do_end(self, a: int, reason: str) -> None:
        self.ledger.close(f"x-{a}", reason, force=True)

    def do_outcome(self, a: int, outcome: str) -> None:
        self.ledger.update(f"x-{a}", meta={"gc.outcome": outcome})

    def do_outside(self, a: int, target: str) -> None:
        self.ledger.dep_add(f"x-{a}", target)

    def do_publish(self, a: int, on: bool) -> None:
        self.ledger.update(f"x-{a}", **{"add_labels" if on else "remove_labels": ["provides:api"]})

    def do_scope(self, rig: str) -> None:
        self.ledger.set_scopes([("x", rig, "/somewhere")])

    def do_parent(self, a: int, b: int) -> None:
        self.ledger.update(f"x-{a}", parent="" if b < 0 else f"x-{b}")

    def do_defer(self, a: int, seconds: int | None) -> None:
        until = None if seconds is None else int((self.time + seconds) * 1_000_000)
        self.ledger.update(f"x-{a}", set={"defer_until": until})

    def do_delete(self, a: int) -> None:
        self.ledger.delete(f"x-{a}")

    def do_make(self, a: int) -> None:
        self.ledger.create("again", id=f"x-{a}")

    def do_tick(self, seconds: int) -> None:
        self.time += seconds


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(step, max_size=30), st.sampled_from([1, readiness.FAN]))
def test_kept_counts_are_the_counted_ones(history: list[tuple[object, ...]], fan: int) -> None:
    """Also where every bead is taken for a hub, whose dependants are not counted anew but up and down."""
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(readiness, "FAN", fan):
        world = World(folder)
        for action in history:
            world.take(action)
        expected = naive(world.ledger, world.ledger.now())
        kept = {b: (n, h) for b, n, h in world.ledger.store.rows("SELECT id, blockers, held FROM beads")}
        assert kept == {b: (n, h) for b, (n, h, _) in expected.items()}
        assert {b.id for b in world.ledger.ready()} == {b for b, (_, _, ready) in expected.items() if ready}
        world.ledger.shut()


def test_ready_is_served_by_an_index_and_not_sorted(ledger: Ledger) -> None:
    """The plan, not the time: a scan or a temporary tree here costs 1000 times as much at 100,000 beads."""
    sql = (
        "EXPLAIN QUERY PLAN SELECT b.id FROM beads b WHERE b.status = 'open' AND b.blockers = 0 AND b.held = 0"
        " AND b.hidden = 0 AND b.wake_at = 0 {} ORDER BY b.priority, b.created_at DESC, b.id LIMIT 10"
    )
    for more, index in (
        ("", "beads_ready"),
        ("AND b.prefix = 'gc'", "beads_ready_in"),
        ("AND b.assignee = ''", "beads_ready"),
    ):
        plan = " ".join(row[3] for row in ledger.store.rows(sql.format(more)))
        assert f"USING INDEX {index}" in plan or f"USING COVERING INDEX {index}" in plan, plan
        assert "TEMP B-TREE" not in plan, plan


def test_metadata_and_assignees_are_looked_up_not_scanned(ledger: Ledger) -> None:
    for sql, want in (
        (f"{select._META} AND m.live = 1", "meta_value (key=? AND <expr>=? AND live=?)"),
        (
            f"SELECT b.id FROM beads b WHERE {select.where({'assignee': 'x', 'status': 'in_progress'})}",
            "beads_assignee",
        ),
        (f"SELECT b.id FROM beads b WHERE {select.where({'status': 'in_progress'})}", "beads_status"),
        (f"SELECT b.id FROM beads b WHERE {select.where({'parent': 'x'})}", "beads_id"),
        ("SELECT min(wake_at) FROM beads WHERE wake_at > 0 AND wake_at > ?", "beads_wake"),
    ):
        plan = " ".join(row[3] for row in ledger.store.rows(f"EXPLAIN QUERY PLAN {sql}", ("x",) * sql.count("?")))
        assert want in plan, (sql, plan)
