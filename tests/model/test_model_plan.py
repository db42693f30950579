"""The plan as tables: what is seen → what is done, and above all what is not done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gcity_tui.model.actions import Action, Quarantine, Standing, Start, Task, View
from gcity_tui.model.declared import Agent, Daemon, DeclaredCity, Rig
from gcity_tui.model.plan import plan
from gcity_tui.model.resting import dependency_order
from gcity_tui.model.session import Phase

NOW = 10_000.0
EDDIE = Agent("eddie", "shop", max_active_sessions=3)
REVIEWER = Agent("rev", "shop", max_active_sessions=2, lifecycle="one_shot", wake_mode="fresh")

ONLY = Agent("rev", "shop", max_active_sessions=1, lifecycle="one_shot", wake_mode="fresh")


def city(*agents: Agent, **changes: object) -> DeclaredCity:
    base = DeclaredCity("c", Path("/c"), "c", agents=agents or (EDDIE, REVIEWER), rigs=(Rig("shop", Path("/r"), "sh"),))
    return replace(base, **changes)  # type: ignore[arg-type]


def eddie(slot: int = 1, **changes: object) -> Standing:
    return replace(Standing(f"shop/eddie-{slot}", "shop/eddie", since=NOW - 5), **changes)  # type: ignore[arg-type]


def rev(slot: int = 1, **changes: object) -> Standing:
    return replace(Standing(f"shop/rev-{slot}", "shop/rev", since=NOW - 5), **changes)  # type: ignore[arg-type]


def task(id: str = "t1", **changes: object) -> Task:
    return replace(Task(id, "shop/eddie"), **changes)  # type: ignore[arg-type]


def mine(id: str = "t1", status: str = "in_progress", who: str = "shop/eddie-1", **changes: object) -> Task:
    return replace(Task(id, "shop/eddie", who, status), **changes)  # type: ignore[arg-type]


def told(actions: tuple[Action, ...]) -> list[str]:
    """`start shop/eddie-1`, `assign t1→shop/eddie-1`, one per action, in order."""
    words = []
    for a in actions:
        instance = getattr(a, "instance", "")
        words.append(f"{type(a).__name__.lower()} {a.subject}" + (f"→{instance}" if instance else ""))
    return words


GONE = {"pane": "absent", "phase": Phase.STOPPED}
DEAD = {"pane": "dead", "phase": Phase.FAILED, "exit_code": 1}
ASLEEP = {"state": "asleep", **GONE}

ROWS: list[tuple[str, DeclaredCity, View, list[str]]] = [
    ("nothing to do", city(), View(NOW), []),
    ("ready work, no one there: lowest slot", city(), View(NOW, tasks=(task(),)),
     ["assign t1→shop/eddie-1", "start shop/eddie-1"]),
    ("one that is coming is not set out for again", city(replace(EDDIE, min_active_sessions=2)),
     View(NOW, coming=("shop/eddie-1",)), ["start shop/eddie-2"]),
    ("one that is coming takes a place", city(replace(EDDIE, max_active_sessions=1)),
     View(NOW, tasks=(task(),), coming=("shop/eddie-1",)), []),
    ("it was given without a word", city(), View(NOW, sessions=(eddie(),), tasks=(mine(status="open", quiet=True),)),
     []),
    ("and is reminded of it after a while", city(),
     View(NOW, sessions=(eddie(since=NOW - 200),), tasks=(mine(status="open", quiet=True),)), ["tell shop/eddie-1"]),
    ("its configuration was changed", city(), View(NOW, sessions=(eddie(drifted=True),)), ["restart shop/eddie-1"]),
    ("changed, but somebody is attached", city(), View(NOW, sessions=(eddie(drifted=True, attached=1),)), []),
    ("changed, but it is at work", city(), View(NOW, sessions=(eddie(drifted=True),), tasks=(mine(),)), []),
    ("changed, but its turn goes on", city(), View(NOW, sessions=(eddie(drifted=True, phase=Phase.BUSY),)), []),
    ("a text waits for it: it stays", city(), View(NOW, sessions=(rev(bead="t0", queued=1),)), []),
    ("drained, but a text waits for it", city(), View(NOW, sessions=(eddie(drain_acked=True, queued=1),)), []),
    ("an idle one takes it", city(), View(NOW, sessions=(eddie(2),), tasks=(task(),)), ["assign t1→shop/eddie-2"]),
    ("a sleeping one before a new one", city(), View(NOW, sessions=(eddie(2, **ASLEEP),), tasks=(task(),)),
     ["assign t1→shop/eddie-2", "start shop/eddie-2"]),
    ("a busy one gets no second bead while the pool may grow", city(),
     View(NOW, sessions=(eddie(phase=Phase.BUSY),), tasks=(mine(), task("t2"))),
     ["assign t2→shop/eddie-2", "start shop/eddie-2"]),
    ("the lowest free slot is used again", city(),
     View(NOW, sessions=(eddie(2, phase=Phase.BUSY),), tasks=(mine(who="shop/eddie-2"), task("t2"))),
     ["assign t2→shop/eddie-1", "start shop/eddie-1"]),
    ("the pool grows up to its limit", city(), View(NOW, tasks=tuple(task(f"t{i}") for i in range(5))),
     [w for i in range(3) for w in (f"assign t{i}→shop/eddie-{i + 1}", f"start shop/eddie-{i + 1}")]),
    ("the rig's limit", city(rigs=(Rig("shop", Path("/r"), "sh", max_active_sessions=1),)),
     View(NOW, tasks=(task("t1"), task("t2"))), ["assign t1→shop/eddie-1", "start shop/eddie-1"]),
    ("the city's limit", city(max_active_sessions=1), View(NOW, sessions=(rev(phase=Phase.BUSY),), tasks=(
        task(), mine("t9", who="shop/rev-1", route="shop/rev"))), []),
    ("no more wakes than allowed at a time", city(daemon=Daemon(max_wakes_per_tick=2)),
     View(NOW, tasks=tuple(task(f"t{i}") for i in range(3))),
     [w for i in range(2) for w in (f"assign t{i}→shop/eddie-{i + 1}", f"start shop/eddie-{i + 1}")]),
    ("work that is held back waits", city(), View(NOW, tasks=(task(ready=False),)), []),
    ("work for nobody we know waits", city(), View(NOW, tasks=(task(route="shop/nobody"),)), []),
    ("a suspended agent takes none", city(replace(EDDIE, suspended=True)), View(NOW, tasks=(task(),)), []),
    ("a suspended rig takes none", city(rigs=(Rig("shop", Path("/r"), "sh", suspended=True),)),
     View(NOW, tasks=(task(),)), []),
    ("a suspended agent is stopped when idle", city(replace(EDDIE, suspended=True)), View(NOW, sessions=(eddie(),)),
     ["stop shop/eddie-1"]),
    ("but not out of its work", city(replace(EDDIE, suspended=True)),
     View(NOW, sessions=(eddie(phase=Phase.BUSY),), tasks=(mine(),)), []),
    ("the same hands again, though they are busy", city(),
     View(NOW, sessions=(eddie(), eddie(2, phase=Phase.BUSY)),
          tasks=(mine("t0", who="shop/eddie-2"), task(prefers="shop/eddie-2"))),
     ["assign t1→shop/eddie-2"]),
    ("preferred hands in quarantine: others", city(),
     View(NOW, sessions=(eddie(), eddie(2, state="quarantined", quarantined_until=NOW + 9, **DEAD)),
          tasks=(task(prefers="shop/eddie-2"),)), ["assign t1→shop/eddie-1"]),
    ("a death with work is put on record first", city(), View(NOW, sessions=(eddie(**DEAD),), tasks=(mine(),)),
     ["crash shop/eddie-1"]),
    ("a death is not judged before it is known how", city(),
     View(NOW, sessions=(eddie(exit_owed=True, **DEAD),), tasks=(mine(),)), []),
    ("one that cannot even be started is left alone too", city(),
     View(NOW, sessions=(eddie(crash_noted=True, crashes=tuple(NOW - i for i in range(6)), **DEAD),), tasks=(mine(),)),
     ["quarantine shop/eddie-1"]),
    ("then it waits its time", city(),
     View(NOW, sessions=(eddie(crash_noted=True, not_before=NOW + 1, **DEAD),), tasks=(mine(),)), []),
    ("then the same bead goes on", city(),
     View(NOW, sessions=(eddie(crash_noted=True, not_before=NOW - 1, **DEAD),), tasks=(mine(),)),
     ["restart shop/eddie-1"]),
    ("a killed pane is a death too", city(), View(NOW, sessions=(eddie(**GONE),), tasks=(mine(),)),
     ["crash shop/eddie-1"]),
    ("a death without work is only cleared away", city(), View(NOW, sessions=(eddie(**DEAD),)), ["park shop/eddie-1"]),
    ("too many deaths: quarantine", city(),
     View(NOW, sessions=(eddie(crashes=tuple(NOW - i for i in range(5)), **DEAD),), tasks=(mine(),)),
     ["quarantine shop/eddie-1"]),
    ("old deaths do not count", city(),
     View(NOW, sessions=(eddie(crashes=tuple(NOW - 3700 - i for i in range(9)), **DEAD),), tasks=(mine(),)),
     ["crash shop/eddie-1"]),
    ("quarantine holds, and keeps its bead", city(),
     View(NOW, sessions=(eddie(state="quarantined", quarantined_until=NOW + 60, **DEAD),), tasks=(mine(),)), []),
    ("quarantine ends", city(),
     View(NOW, sessions=(eddie(state="quarantined", quarantined_until=NOW - 1, **DEAD),), tasks=(mine(),)),
     ["heal shop/eddie-1"]),
    ("one shot, done, still there", city(), View(NOW, sessions=(rev(bead="t0"),)), ["stop shop/rev-1"]),
    ("one shot, not begun", city(), View(NOW, sessions=(rev(),)), []),
    ("one shot, done, somebody is attached", city(), View(NOW, sessions=(rev(bead="t0", attached=1),)), []),
    ("one shot, used up, does not take more", city(),
     View(NOW, sessions=(rev(bead="t0"),), tasks=(task(route="shop/rev"),)),
     ["stop shop/rev-1", "assign t1→shop/rev-2", "start shop/rev-2"]),
    ("one shot, done, kept by a person, in the way of the last place's work", city(EDDIE, ONLY),
     View(NOW, sessions=(rev(bead="t0", pinned=True),), tasks=(task(route="shop/rev"),)), ["restart shop/rev-1"]),
    ("one shot, done, kept by a person who is there", city(EDDIE, ONLY),
     View(NOW, sessions=(rev(bead="t0", pinned=True, attached=1),), tasks=(task(route="shop/rev"),)), []),
    ("one shot, done, kept by a person, with another place", city(),
     View(NOW, sessions=(rev(bead="t0", pinned=True),), tasks=(task(route="shop/rev"),)),
     ["assign t1→shop/rev-2", "start shop/rev-2"]),
    ("one shot, woken by a person, takes work at once", city(EDDIE, ONLY),
     View(NOW, sessions=(rev(pinned=True),), tasks=(task(route="shop/rev"),)), ["assign t1→shop/rev-1"]),
    ("one shot, done and gone: no crash", city(), View(NOW, sessions=(rev(bead="t0", **DEAD),)), ["park shop/rev-1"]),
    ("one shot, gone with its work", city(),
     View(NOW, sessions=(rev(**DEAD),), tasks=(mine(who="shop/rev-1", route="shop/rev"),)), ["crash shop/rev-1"]),
    ("it acknowledged the drain", city(), View(NOW, sessions=(eddie(drain_acked=True, phase=Phase.BUSY),)),
     ["stop shop/eddie-1"]),
    ("it acknowledged the drain and holds work: not yet", city(),
     View(NOW, sessions=(eddie(drain_acked=True),), tasks=(mine(),)), []),
    ("it acknowledged the drain, but a later step is its own", city(),
     View(NOW, sessions=(eddie(drain_acked=True),), tasks=(mine(status="open", ready=False),)), []),
    ("a one-shot one goes all the same", city(),
     View(NOW, sessions=(rev(drain_acked=True),), tasks=(mine(status="open", ready=False, who="shop/rev-1"),)),
     ["stop shop/rev-1"]),
    ("it leaves the work open that it was started for: that counts as a crash", city(),
     View(NOW, sessions=(rev(drain_acked=True, bead="t1"),), tasks=(mine(status="open", who="shop/rev-1"),)),
     ["crash shop/rev-1", "stop shop/rev-1"]),
    ("it leaves, and other work waits for it", city(),
     View(NOW, sessions=(rev(drain_acked=True, bead="t0"),), tasks=(mine(status="open", who="shop/rev-1"),)),
     ["stop shop/rev-1"]),
    ("it went with its work open", city(),
     View(NOW, sessions=(rev(drain_acked=True, bead="t1", **DEAD),), tasks=(mine(status="open", who="shop/rev-1"),)),
     ["crash shop/rev-1"]),
    ("it left its work open a moment ago", city(),
     View(NOW, sessions=(rev(not_before=NOW + 1, **ASLEEP),), tasks=(mine(status="open", who="shop/rev-1"),)), []),
    ("it left its work open a while ago", city(),
     View(NOW, sessions=(rev(not_before=NOW - 1, **ASLEEP),), tasks=(mine(status="open", who="shop/rev-1"),)),
     ["start shop/rev-1"]),
    ("it leaves its work open again and again", city(),
     View(NOW, sessions=(rev(crashes=(NOW - 1,) * 6, **ASLEEP),), tasks=(mine(status="open", who="shop/rev-1"),)),
     ["quarantine shop/rev-1"]),
    ("a person starts it all the same", city(),
     View(NOW, sessions=(rev(crashes=(NOW - 1,) * 6, pinned=True, state="start-pending", **GONE),),
          tasks=(mine(status="open", who="shop/rev-1"),)), ["start shop/rev-1"]),
    ("it acknowledged the drain, but is kept active", city(replace(EDDIE, min_active_sessions=1)),
     View(NOW, sessions=(eddie(drain_acked=True),)), []),
    ("it acknowledged the drain, but a person wants it up", city(),
     View(NOW, sessions=(eddie(drain_acked=True, pinned=True),)), []),
    ("draining and idle", city(), View(NOW, sessions=(eddie(state="draining"),)), ["stop shop/eddie-1"]),
    ("draining takes no more work", city(replace(EDDIE, max_active_sessions=1)),
     View(NOW, sessions=(eddie(state="draining", phase=Phase.BUSY),), tasks=(task(),)), []),
    ("draining and gone with work: it comes back", city(),
     View(NOW, sessions=(eddie(state="draining", crash_noted=True, **DEAD),), tasks=(mine(),)),
     ["restart shop/eddie-1"]),
    ("the tmux server was lost: those with work come back, the rest sleep", city(),
     View(NOW, "absent", (eddie(lost_server=True, **GONE), eddie(2, lost_server=True, **GONE)), tasks=(mine(),)),
     ["restart shop/eddie-1", "park shop/eddie-2"]),
    ("tmux does not answer: nothing at all", city(replace(EDDIE, min_active_sessions=2)),
     View(NOW, "unknown", sessions=(eddie(pane="unknown", phase=Phase.UNKNOWN),), tasks=(mine(), task("t2"))), []),
    ("one pane could not be told", city(), View(NOW, sessions=(eddie(pane="unknown"),), tasks=(mine(),)), []),
    ("under way: nothing is planned twice", city(),
     View(NOW, sessions=(eddie(state="creating", moving="start", **GONE),), tasks=(mine(status="open"),)), []),
    ("alive though its record says asleep", city(), View(NOW, sessions=(eddie(state="asleep"),)),
     ["adopt shop/eddie-1"]),
    ("alive though it was suspended", city(), View(NOW, sessions=(eddie(state="suspended"),)), ["stop shop/eddie-1"]),
    ("asleep with work", city(), View(NOW, sessions=(eddie(**ASLEEP),), tasks=(mine(status="open"),)),
     ["start shop/eddie-1"]),
    ("suspended with work stays", city(),
     View(NOW, sessions=(eddie(state="suspended", **GONE),), tasks=(mine(status="open"),)), []),
    ("assigned to one that was never made", city(), View(NOW, tasks=(mine(status="open"),)), ["start shop/eddie-1"]),
    ("assigned beyond the limit", city(), View(NOW, tasks=(mine(status="open", who="shop/eddie-7"),)), ["release t1"]),
    ("assigned to a person", city(), View(NOW, tasks=(mine(status="open", who="alice"),)), []),
    ("an idle one is told of its bead", city(), View(NOW, sessions=(eddie(),), tasks=(mine(status="open"),)),
     ["tell shop/eddie-1"]),
    ("once", city(), View(NOW, sessions=(eddie(told="t1", told_at=NOW - 5),), tasks=(mine(status="open"),)), []),
    ("and again much later", city(),
     View(NOW, sessions=(eddie(told="t1", told_at=NOW - 500),), tasks=(mine(status="open"),)), ["tell shop/eddie-1"]),
    ("a busy one is not told", city(),
     View(NOW, sessions=(eddie(phase=Phase.BUSY),), tasks=(mine(status="open"),)), []),
    ("a waiting one is not told", city(),
     View(NOW, sessions=(eddie(phase=Phase.WAITING),), tasks=(mine(status="open"),)), []),
    ("a pause over its own bead is no idleness", city(), View(NOW, sessions=(eddie(),), tasks=(mine(),)), []),
    ("resumed after a crash it sits there until it is told", city(),
     View(NOW, sessions=(eddie(since=NOW - 20),), tasks=(mine(),)), ["tell shop/eddie-1"]),
    ("told once, a pause is no idleness again", city(),
     View(NOW, sessions=(eddie(since=NOW - 20, told="t0", told_at=NOW - 60),), tasks=(mine(),)), []),
    ("but a long one is", city(), View(NOW, sessions=(eddie(since=NOW - 500),), tasks=(mine(),)),
     ["tell shop/eddie-1"]),
    ("kept active", city(replace(EDDIE, min_active_sessions=2)), View(NOW, sessions=(eddie(),)),
     ["start shop/eddie-2"]),
    ("kept active, and it died", city(replace(EDDIE, min_active_sessions=1)),
     View(NOW, sessions=(eddie(crash_noted=True, **DEAD),)), ["restart shop/eddie-1"]),
    ("idle too long", city(replace(EDDIE, idle_timeout=60.0)), View(NOW, sessions=(eddie(since=NOW - 61),)),
     ["stop shop/eddie-1"]),
    ("idle too long, but kept active", city(replace(EDDIE, idle_timeout=60.0, min_active_sessions=1)),
     View(NOW, sessions=(eddie(since=NOW - 61),)), []),
    ("idle too long, but pinned", city(replace(EDDIE, idle_timeout=60.0)),
     View(NOW, sessions=(eddie(since=NOW - 61, pinned=True),)), []),
    ("restart was asked for", city(), View(NOW, sessions=(eddie(restart_requested=True, phase=Phase.BUSY),)),
     ["restart shop/eddie-1"]),
    ("what it depends on comes first", city(replace(EDDIE, depends_on=("rev",)), REVIEWER), View(NOW, tasks=(task(),)),
     ["start shop/rev-1"]),
    ("what it depends on is up", city(replace(EDDIE, depends_on=("rev",)), REVIEWER),
     View(NOW, sessions=(rev(),), tasks=(task(),)), ["assign t1→shop/eddie-1", "start shop/eddie-1"]),
    ("its agent is no longer declared", city(REVIEWER), View(NOW, sessions=(eddie(),)), ["stop shop/eddie-1"]),
    ("no longer declared, and gone", city(REVIEWER), View(NOW, sessions=(eddie(**GONE),)), ["park shop/eddie-1"]),
    ("a stray is reported, never ended", city(), View(NOW, strays=("shop--eddie-9",)), ["report shop--eddie-9"]),
]  # fmt: skip


@pytest.mark.parametrize(("what", "declared", "view", "expected"), ROWS, ids=[r[0] for r in ROWS])
def test_plan(what: str, declared: DeclaredCity, view: View, expected: list[str]) -> None:
    assert told(plan(declared, view)) == expected


def test_a_started_session_knows_its_bead_and_whether_it_begins_afresh() -> None:
    for route, fresh in (("shop/eddie", False), ("shop/rev", True)):
        start = plan(city(), View(NOW, tasks=(task(route=route),)))[-1]
        assert isinstance(start, Start)
        assert (start.bead, start.fresh, start.agent) == ("t1", fresh, route)


def test_backoff_grows_and_ends_in_quarantine() -> None:
    waits = []
    for deaths in range(6):
        crashes = tuple(NOW - i for i in range(deaths))
        (action,) = plan(city(), View(NOW, sessions=(eddie(crashes=crashes, **DEAD),), tasks=(mine(),)))
        waits.append((action.until if isinstance(action, Quarantine) else action.not_before) - NOW)  # type: ignore[attr-defined]
    assert waits == sorted(waits) and waits[-1] == 300.0


def test_a_plan_carried_out_is_not_planned_again() -> None:
    """What Assign and Start lead to is a view in which nothing more is to be done."""
    after = View(NOW, sessions=(eddie(state="creating", moving="start", **GONE),), tasks=(mine(status="open"),))
    assert plan(city(), after) == ()


def test_dependency_order_survives_a_cycle() -> None:
    a, b, c = Agent("a", depends_on=("b",)), Agent("b", depends_on=("a",)), Agent("c", depends_on=("a",))
    order = dependency_order((c, a, b))
    assert set(order) == {"a", "b", "c"} and order.index("a") < order.index("c")
