"""Any sequence of commands: kept counts are the counted ones, no cycle, and events alone reproduce the state."""

from __future__ import annotations

import itertools
import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gcity_tui.beads.dialect.answer import answer
from gcity_tui.beads.edges import first_cycle
from gcity_tui.beads.ledger import Ledger
from gcity_tui.beads.readiness import BLOCKERS, HELD
from gcity_tui.beads.schema import COLUMNS, KIND
from gcity_tui.model.bead import Event

N = 5
name = st.sampled_from([f"x-{i}" for i in range(N)])
other = st.sampled_from([f"x-{i}" for i in range(N + 1)])
statuses = st.sampled_from(["open", "in_progress", "blocked", "closed", "deferred", "pinned"])
kinds = st.sampled_from(["blocks", "conditional-blocks", "waits-for", "related", "parent-child"])


def words(*parts: Any) -> st.SearchStrategy[list[str]]:
    return st.tuples(*[p if isinstance(p, st.SearchStrategy) else st.just(p) for p in parts]).map(list)


command = st.one_of(
    words("create", "made", "--id", name, "-l", "a,b", "--set-metadata", "k=1"),
    words("create", "a child", "--parent", name, "--deps", other),
    words("create", "a wisp", "--ephemeral", "-p", st.sampled_from("01234")),
    words("update", name, "--status", statuses),
    words("update", name, "--claim"),
    words("update", name, "--add-label", st.sampled_from("abc"), "--remove-label", st.sampled_from("abc")),
    words("update", name, "--set-metadata", st.sampled_from(["k=v", "k=2", "j=x"]), "--unset-metadata", "j"),
    words("update", name, "--parent", st.one_of(other, st.just(""))),
    words("update", name, "--title", "new", "--notes", "n", "-t", st.sampled_from(["bug", "epic", "gate"])),
    words("update", name, "--defer", st.sampled_from(["+1h", "", "2020-01-01"])),
    words("close", name),
    words("close", name, "--force"),
    words("close", name, "-r", st.sampled_from(["it failed", "done"])),
    words("dep", "add", name, st.sampled_from(["external:x:api", "external:y:api"])),
    words("label", st.sampled_from(["add", "remove"]), name, "provides:api"),
    words("reopen", name),
    words("delete", name, "--force"),
    words("dep", "add", name, other, "-t", kinds),
    words("dep", "remove", name, other),
    words("supersede", name, "--with", other),
    words("comment", name, "a remark"),
    words("ready", "--claim"),
    words("set-state", name, st.sampled_from(["mode=a", "mode=b"])),
    words("swarm", "create", name, "--force"),
    words("mol", "bond", name, other, "--type", st.sampled_from(["sequential", "parallel", "conditional"])),
    words("mol", "burn", name, "--force"),
    words("rename", name, st.sampled_from(["x-4", "x-new"])),
    words("gate", "create", "--blocks", name, "--type", "human"),
    words("merge-slot", "create"),
    words("merge-slot", "acquire"),
    words("batch"),
    words("create", "--graph", "-"),
    words("import", "-"),
)
BATCH = b"create task 2 from a batch\nclose x-1 done\nupdate x-0 priority=0\n"
PLAN = json.dumps(
    {
        "nodes": [
            {"key": "r", "title": "root", "type": "epic"},
            {"key": "s", "title": "step", "parent_key": "r", "metadata_refs": {"gc.root_bead_id": "r"}},
            {"key": "t", "title": "next", "parent_key": "r", "labels": ["p"]},
        ],
        "edges": [
            {"from_key": "t", "to_key": "s"},
            {"from_key": "t", "to_key": "s", "type": "waits-for", "metadata": {"gate": "any-children"}},
            {"from_id": "x-0", "to_key": "t"},
        ],
    }
).encode()
LINES = b"".join(
    json.dumps(x).encode() + b"\n"
    for x in (
        {"id": "x-1", "title": "theirs", "created_at": "2026-01-01T00:00:00Z", "updated_at": "2999-01-01T00:00:00Z",
         "labels": ["q"], "dependencies": [{"depends_on_id": "x-0", "type": "blocks"}], "status": "in_progress",
         "comments": [{"author": "them", "text": "said there"}]},
        {"id": "x-0", "title": "merged", "updated_at": "2999-01-01T00:00:00Z", "labels": ["r"],
         "dependencies": [{"depends_on_id": "x-1", "type": "blocks"}, {"depends_on_id": "x-2"}]},
    )
)  # fmt: skip
STDIN = {"batch": BATCH, "import": LINES, "create": PLAN}


class Replay:
    """Beads rebuilt from events alone: columns but `updated_at`, labels, metadata as text, edges, comments."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.cells: dict[str, dict[str, Any]] = {}
        self.labels: dict[str, set[str]] = {}
        self.meta: dict[str, dict[str, str]] = {}
        self.edges: set[tuple[str, str, str]] = set()
        self.said: dict[str, list[tuple[str, str]]] = {}
        for event in events:
            getattr(self, event.type.removeprefix("bead.").replace(".", "_"), lambda e: None)(event)

    def created(self, e: Event) -> None:
        new = dict(e.payload.get("new") or {})
        labels, meta, links = new.pop("labels", []), new.pop("metadata", {}), new.pop("dependencies", [])
        if "event_actor" in new:
            new["actor"] = new.pop("event_actor")
        base = {"status": "open", "issue_type": "task", "priority": 2, "created_by": e.actor, "title": e.message}
        self.cells[e.subject] = {**base, **new}
        self.labels[e.subject], self.meta[e.subject], self.said[e.subject] = set(labels), dict(meta), []
        self.edges |= {(e.subject, link[0], link[1] if len(link) > 1 else "blocks") for link in links}

    def updated(self, e: Event) -> None:
        new = dict(e.payload.get("new") or {})
        for key, text in (new.pop("metadata", None) or {}).items():
            self.meta[e.subject][key] = text
            if text is None:
                del self.meta[e.subject][key]
        self.cells[e.subject].update(new)

    closed = reopened = claimed = imported = updated

    def dependency_added(self, e: Event) -> None:
        kind, _, target = e.message.partition(" ")
        self.edges.add((e.subject, target, kind))

    def dependency_removed(self, e: Event) -> None:
        kind, _, target = e.message.partition(" ")
        self.edges.discard((e.subject, target, kind))

    def label_added(self, e: Event) -> None:
        self.labels[e.subject].add(e.message)

    def label_removed(self, e: Event) -> None:
        self.labels[e.subject].discard(e.message)

    def commented(self, e: Event) -> None:
        self.said[e.subject].append((e.actor, e.message))

    def deleted(self, e: Event) -> None:
        for table in (self.cells, self.labels, self.meta, self.said):
            table.pop(e.subject, None)
        self.edges = {x for x in self.edges if e.subject not in x[:2]}

    def renamed(self, e: Event) -> None:
        old = e.message
        for table in (self.cells, self.labels, self.meta, self.said):
            table[e.subject] = table.pop(old)
        swap = {old: e.subject}
        self.edges = {(swap.get(a, a), swap.get(b, b), k) for a, b, k in self.edges}
        for pairs in self.meta.values():
            pairs.update({k: e.subject for k, v in pairs.items() if v == old})


TIMES = {n for n, k in KIND.items() if k == "t"} - {"defer_until", "due_at"}
"""When a thing happened is told by the event's own time, not in what it changed."""


def check(ledger: Ledger) -> None:
    rows = ledger.store.rows
    assert rows(f"SELECT id FROM beads WHERE blockers <> {BLOCKERS} OR held <> {HELD}") == []
    for some in ("('blocks', 'conditional-blocks')", "('parent-child')"):
        assert first_cycle(rows(f"SELECT issue_id, depends_on_id FROM deps WHERE type IN {some}")) == []
    told = Replay(ledger.events())
    kept = [c for c in COLUMNS if c not in TIMES and c not in ("id", "pinned", "closed_by_session")]
    for row in rows(f"SELECT id, {', '.join(kept)} FROM beads"):
        is_ = {k: v for k, v in zip(kept, row[1:], strict=True) if v not in ("", None, 0) or k == "priority"}
        was = {k: v for k, v in told.cells[row[0]].items() if k in kept and (v not in ("", None, 0) or k == "priority")}
        if is_["status"] != "closed":
            was.pop("close_reason", None)
        assert was == is_, row[0]
    ids = {r[0] for r in rows("SELECT id FROM beads")}
    assert set(told.cells) == ids and told.edges == set(rows("SELECT issue_id, depends_on_id, type FROM deps"))
    assert {(b, x) for b in ids for x in told.labels[b]} == set(rows("SELECT bead, label FROM labels"))
    assert {(b, k, v) for b in ids for k, v in told.meta[b].items()} == set(
        rows("SELECT bead, key, value FROM bead_meta")
    )
    said = rows("SELECT bead, author, text FROM comments ORDER BY seq")
    assert {b: [(a, t) for x, a, t in said if x == b] for b in ids} == {b: told.said[b] for b in ids}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(command, max_size=25))
def test_any_commands_keep_the_ledger_right(history: list[list[str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        tick = itertools.count(1_790_000_000_000_000, 250_000)
        ledger = Ledger.open(Path(folder) / "l.db", create=True, clock=lambda: next(tick) / 1e6)
        ledger.set_config("issue_prefix", "x")
        for i in range(N):
            ledger.create(f"b{i}", id=f"x-{i}", actor="me")
        for argv in history:
            answer(ledger, argv, {"BEADS_ACTOR": "me"}, STDIN.get(argv[0], b""), folder)
        check(ledger)
        there = Ledger.open(Path(folder) / "there.db", create=True, clock=lambda: next(tick) / 1e6)
        for _ in range(2):
            out = answer(ledger, ["export", "--all"], {}, b"", folder)[1]
            answer(there, ["import", "-"], {"BEADS_ACTOR": "me"}, out, folder)
        assert answer(there, ["export", "--all"], {}, b"", folder)[1] == out
        check(there)
        there.shut()
        ledger.shut()
