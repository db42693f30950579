"""The plan as tables: named sessions, names from a pool, ages, sleep, a demand, a city that is suspended."""

# ruff: noqa: E501 (rows of a table)

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gcity_tui.model.actions import Action, Standing, Task, View
from gcity_tui.model.declared import COMMAND, Agent, DeclaredCity, NamedSession, Provider, Rig
from gcity_tui.model.plan import plan
from gcity_tui.model.session import Phase

NOW = 10_000.0
MAYOR = Agent("mayor", max_active_sessions=1, named=("mayor",))
POOL = Agent("crew", "shop", max_active_sessions=3, namepool=("ann", "bob"), named=("shop/lead",))
ALWAYS = (NamedSession("mayor", "mayor", mode="always"),)
ASLEEP = {"state": "asleep", "pane": "absent", "phase": Phase.STOPPED}


def city(*agents: Agent, **changes: object) -> DeclaredCity:
    base = DeclaredCity("c", Path("/c"), "c", agents=agents, rigs=(Rig("shop", Path("/r"), "sh"),))
    return replace(base, **changes)  # type: ignore[arg-type]


def one(name: str, agent: str = "mayor", **changes: object) -> Standing:
    return replace(Standing(name, agent, since=NOW - 100), **changes)  # type: ignore[arg-type]


def crew(name: str, **changes: object) -> Standing:
    return one(f"shop/{name}", "shop/crew", **changes)


def told(actions: tuple[Action, ...]) -> list[str]:
    words = []
    for a in actions:
        instance = getattr(a, "instance", "")
        words.append(f"{type(a).__name__.lower()} {a.subject}" + (f"→{instance}" if instance else ""))
    return words


ROWS: list[tuple[str, DeclaredCity, View, list[str]]] = [
    ("one that is always there", city(MAYOR, named_sessions=ALWAYS), View(NOW), ["start mayor"]),
    ("one on demand", city(MAYOR, named_sessions=(NamedSession("mayor", "mayor"),)), View(NOW), []),
    ("one on demand with work", city(MAYOR, named_sessions=(NamedSession("mayor", "mayor"),)),
     View(NOW, tasks=(Task("t", "mayor"),)), ["assign t→mayor", "start mayor"]),
    ("always: it comes back from its sleep", city(MAYOR, named_sessions=ALWAYS),
     View(NOW, sessions=(one("mayor", **ASLEEP),)), ["start mayor"]),
    ("always: stopped by hand it stays down", city(MAYOR, named_sessions=ALWAYS),
     View(NOW, sessions=(one("mayor", state="suspended", pane="absent"),)), []),
    ("always: it dies and is brought back", city(MAYOR, named_sessions=ALWAYS),
     View(NOW, sessions=(one("mayor", pane="dead", phase=Phase.FAILED, crash_noted=True),)), ["restart mayor"]),
    ("always: idle for long it begins anew", city(replace(MAYOR, idle_timeout=60), named_sessions=ALWAYS),
     View(NOW, sessions=(one("mayor"),)), ["restart mayor"]),
    ("on demand: idle for long it is stopped", city(replace(MAYOR, idle_timeout=60)), View(NOW, sessions=(one("mayor"),)),
     ["stop mayor"]),
    ("always: that it has nothing to do ends nothing", city(MAYOR, named_sessions=ALWAYS),
     View(NOW, sessions=(one("mayor", drain_acked=True),)), []),
    ("always: its agent is suspended", city(replace(MAYOR, suspended=True), named_sessions=ALWAYS), View(NOW), []),
    ("a pool takes names in order", city(POOL), View(NOW, tasks=tuple(Task(f"t{n}", "shop/crew") for n in range(4))),
     ["assign t0→shop/ann", "start shop/ann", "assign t1→shop/bob", "start shop/bob",
      "assign t2→shop/crew-3", "start shop/crew-3"]),
    ("a named session of a pool takes no pool work", city(POOL),
     View(NOW, sessions=(crew("lead"),), tasks=(Task("t", "shop/crew"),)), ["assign t→shop/ann", "start shop/ann"]),
    ("but what is given to it by name", city(POOL), View(NOW, tasks=(Task("t", "shop/crew", "shop/lead"),)),
     ["start shop/lead"]),
    ("and it counts for the agent's limit", city(replace(POOL, max_active_sessions=1, namepool=("ann",))),
     View(NOW, sessions=(crew("lead"),), tasks=(Task("t", "shop/crew"),)), []),
    ("asleep after idle", city(replace(POOL, sleep_after_idle=60)), View(NOW, sessions=(crew("ann"),)), ["stop shop/ann"]),
    ("the shorter of the two counts", city(replace(POOL, sleep_after_idle=60, idle_timeout=500)),
     View(NOW, sessions=(crew("ann"),)), ["stop shop/ann"]),
    ("not before", city(replace(POOL, sleep_after_idle=600)), View(NOW, sessions=(crew("ann"),)), []),
    ("its age is over", city(replace(POOL, max_session_age=500)), View(NOW, sessions=(crew("ann", woke_at=NOW - 501),)),
     ["restart shop/ann"]),
    ("its age is not over", city(replace(POOL, max_session_age=500)), View(NOW, sessions=(crew("ann", woke_at=NOW - 499),)), []),
    ("over, but it is at work", city(replace(POOL, max_session_age=500)),
     View(NOW, sessions=(crew("ann", woke_at=NOW - 501, phase=Phase.BUSY),)), []),
    ("over, but somebody is attached", city(replace(POOL, max_session_age=500)),
     View(NOW, sessions=(crew("ann", woke_at=NOW - 501, attached=1),)), []),
    ("with its random part it is not over for long",
     city(replace(POOL, max_session_age=500, max_session_age_jitter=1e9)),
     View(NOW, sessions=(crew("ann", woke_at=NOW - 501),)), []),
    ("a chat that nobody looks at", city(POOL, chat_idle=60.0), View(NOW, sessions=(crew("ann", pinned=True),)),
     ["stop shop/ann"]),
    ("a chat that somebody looks at", city(POOL, chat_idle=60.0),
     View(NOW, sessions=(crew("ann", pinned=True, attached=1),)), []),
    ("asked to leave, and busy", city(POOL), View(NOW, sessions=(crew("ann", leave_at=NOW - 10, phase=Phase.BUSY),)), []),
    ("asked to leave too long ago", city(replace(POOL, drain_timeout=5)),
     View(NOW, sessions=(crew("ann", leave_at=NOW - 10, phase=Phase.BUSY),)), ["stop shop/ann"]),
    ("a demand", city(POOL), View(NOW, demand={"shop/crew": 2}), ["start shop/ann", "start shop/bob"]),
    ("a demand over those at work", city(POOL),
     View(NOW, sessions=(crew("ann", phase=Phase.BUSY),),
          tasks=(Task("t", "shop/crew", "shop/ann", "in_progress"),),
          demand={"shop/crew": 1}), ["start shop/bob"]),
    ("a demand that idle ones meet", city(POOL), View(NOW, sessions=(crew("ann"), crew("bob")), demand={"shop/crew": 2}), []),
    ("a demand past the limit", city(POOL), View(NOW, demand={"shop/crew": 9}),
     ["start shop/ann", "start shop/bob", "start shop/crew-3"]),
    ("a suspended city starts nothing",
     city(replace(POOL, min_active_sessions=1), MAYOR, named_sessions=ALWAYS, suspended=True),
     View(NOW, tasks=(Task("t", "shop/crew"),), demand={"shop/crew": 1}), []),
]  # fmt: skip


@pytest.mark.parametrize(("declared", "view", "wanted"), [r[1:] for r in ROWS], ids=[r[0] for r in ROWS])
def test_plan(declared: DeclaredCity, view: View, wanted: list[str]) -> None:
    assert told(plan(declared, view)) == wanted


@pytest.mark.parametrize(
    ("instance", "slot"),
    [("shop/ann", 1), ("shop/bob", 2), ("shop/crew-3", 3), ("shop/lead", 0), ("ann", 0), ("shop/crew-x", 0),
     ("shop/crew-٣", 0), ("shop/other-1", 0)],
)  # fmt: skip
def test_slots_and_names_agree(instance: str, slot: int) -> None:
    assert POOL.slot(instance) == slot and (not slot or POOL.instance(slot) == instance)


def test_who_an_instance_is_of() -> None:
    declared = city(MAYOR, POOL, Agent("eddie", "shop", "b"))
    found = {n: a.qualified if (a := declared.agent_of(n)) else None for n in
             ("mayor", "shop/lead", "shop/ann", "shop/eddie-7", "shop/b.eddie", "mayor-1", "shop/nobody-1")}  # fmt: skip
    assert found == {
        "mayor": "mayor", "shop/lead": "shop/crew", "shop/ann": "shop/crew", "shop/eddie-7": "shop/b.eddie",
        "shop/b.eddie": "shop/b.eddie", "mayor-1": "mayor", "shop/nobody-1": None,
    }  # fmt: skip


def test_which_program_an_agent_runs() -> None:
    claude = Provider("claude", prompt_mode="arg")
    declared = city(providers={"claude": claude}, default_provider="claude")
    own = Agent("a", start_command="./run.sh")
    assert declared.provider_of(Agent("a")) is claude and declared.provider_of(own) is COMMAND
    assert declared.provider_of(replace(own, provider="claude")) is claude
    changed = declared.provider_of(Agent("a", driven={"prompt_mode": "none", "ready_delay_ms": 5}))
    assert changed == replace(claude, prompt_mode="none", ready_delay_ms=5)
