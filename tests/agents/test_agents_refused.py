"""A model that answers no more: what it asks is answered by label, a login that is over is told, no text is lost."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from agents_table import AGENTS, SHOWS_LIMIT
from agents_world import World, until

from gcity_tui.model.errors import NoInteraction
from gcity_tui.model.receipt import Delivery

pytestmark = [pytest.mark.agents, pytest.mark.timeout(240)]
Note = Callable[[str, str], None]
STOPS = {"claude": "Stop and wait", "gemini": "Stop"}
"""Those that ask what to do, and the answer that ends it."""
NAMES = ("claude", "codex", "gemini", "opencode", "qwen", "pi", "copilot", "grok", "omp")
LOGS_IN = tuple(a for a in AGENTS if a in NAMES)


def reached(w: World, text: str) -> int:
    """How often one request holds `text`: typed, or handed over by a hook with what somebody typed."""
    return max((sum(part.count(text) for part in r["parts"]) for r in w.stub.asked()), default=0)


def held(w: World, text: str) -> str:
    """Queue `text` for alice-1; its receipt's id, when it is said why it waits."""
    later = w.city.nudge("alice-1", text)
    until(lambda: w.city.receipt(later.id).note != "", 10, "it says why it waits", w.screens)
    assert w.city.receipt(later.id).state is Delivery.QUEUED
    return later.id


@pytest.mark.parametrize("program", SHOWS_LIMIT)
def test_a_used_up_allowance(program: str, world: Callable[..., World], note: Note) -> None:
    w = world({"alice": program}, plan=True)
    w.up("alice-1")
    w.city.nudge("alice-1", "%limit", wait=10.0)
    until(lambda: w.session("alice-1").phase.word == "limited", 20, "it is limited", w.screens)
    if program != "gemini":  # it does not say until when
        assert 0 < w.session("alice-1").limited_until - time.time() <= 2 * 3600 + 60
        assert "until " in w.session("alice-1").why
    if program in STOPS:
        until(lambda: w.session("alice-1").pending is not None, 10, "it asks", w.screens)
    later, asked = held(w, "later on"), w.session("alice-1").pending
    if program in STOPS:
        assert asked is not None and asked.kind == "limit" and len(asked.options) == 2, asked
        assert [a.kind for a in w.city.snapshot().attention] == ["limit"]
        if program == "gemini":
            before = len(w.stub.rows())
            assert w.city.respond("alice-1", "Keep trying", request_id=asked.request_id) == "Keep trying"
            until(lambda: len(w.stub.rows()) > before, 20, "it tries once more", w.screens)
            # By a look of its own: a snapshot may show the question that was answered for a moment more.
            until(lambda: w.city.pending("alice-1") is not None, 30, "it asks again", w.screens)
            asked = w.city.pending("alice-1")
            assert asked is not None
        picked = w.city.respond("alice-1", STOPS[program], request_id=asked.request_id)
        assert picked.startswith(STOPS[program])
        until(lambda: w.session("alice-1").pending is None, 10, "it asks no more", w.screens)
        with pytest.raises(NoInteraction):
            w.city.respond("alice-1", STOPS[program], request_id=asked.request_id)
        note("limit", f"✓ answered: {picked}")
    else:
        assert asked is None
        note("limit", "✓ told")
    time.sleep(2.0)
    assert w.session("alice-1").phase.word == "limited", w.screens()
    assert w.city.receipt(later).state is Delivery.QUEUED and not reached(w, "later on")


@pytest.mark.parametrize("program", [a for a in AGENTS if a in ("claude", "qwen", "grok", "omp")])
def test_a_used_up_allowance_of_a_key(program: str, world: Callable[..., World], note: Note) -> None:
    """qwen draws nothing of it while it tries again, and its chat's file tells; claude says so in a line."""
    w = world({"alice": program})
    w.up("alice-1")
    before = w.session("alice-1")
    w.city.nudge("alice-1", "%limit", wait=10.0)
    until(lambda: w.session("alice-1").phase.word == "limited", 45, "it is limited", w.screens)
    session = w.session("alice-1")
    assert session.pid == before.pid and not session.restarts
    evidence = [e for e in session.evidence if e.claim.word == "limited"]
    assert evidence and any(w in evidence[0].detail for w in ("quota", "429", "Retry failed")), session.evidence
    later = held(w, "later on")
    assert w.city.receipt(later).state is Delivery.QUEUED and not reached(w, "later on")
    if program == "qwen":
        assert w.city.interrupt("alice-1") == "interrupted", w.screens()
        until(lambda: w.city.receipt(later).state is Delivery.TAKEN_UP, 60, "the text came after", w.screens)
    note("limit", f"✓ {evidence[0].source}")


@pytest.mark.parametrize("program", LOGS_IN)
@pytest.mark.parametrize("plan", [False, True])
def test_a_login_that_is_over(program: str, plan: bool, world: Callable[..., World], note: Note) -> None:
    """The model says that it does not know the key. The next text waits until somebody was there."""
    if plan and program != "claude":
        pytest.skip("a plan is claude's")
    w = world({"alice": program}, plan=plan)
    w.up("alice-1")
    before = w.session("alice-1")
    w.city.nudge("alice-1", "%status 401", wait=10.0)
    until(lambda: w.session("alice-1").phase.word == "limited", 40, "it is limited", w.screens)
    session = w.session("alice-1")
    assert session.cure and session.cure in session.why and session.pid == before.pid and not session.restarts
    assert [(a.kind, a.text) for a in w.city.snapshot().attention] == [("login", session.cure)]
    later = held(w, "later on")
    w.city.site.hands.paste(w.city.site.record("alice-1").name, "here again")  # as a person who has logged in
    time.sleep(1.0)
    w.city.site.hands.keys(w.city.site.record("alice-1").name, "Enter")
    until(lambda: w.city.receipt(later).state is Delivery.TAKEN_UP, 60, "the text came after", w.screens)
    until(lambda: reached(w, "later on") == 1, 10, "once", w.screens)
    note("login", "✓ limited")
