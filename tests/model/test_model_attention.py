"""What needs a person, derived from a snapshot: which things, in which order, in which words."""

from __future__ import annotations

from dataclasses import replace

from gcity_tui.model.receipt import Delivery, Receipt
from gcity_tui.model.session import Pending, Phase
from gcity_tui.model.snapshot import CitySnapshot, SessionView, attention


def of(*sessions: SessionView, **more: object):
    return attention(CitySnapshot("town", "/town", 100.0, sessions=sessions, **more))  # type: ignore[arg-type]


def test_a_question_says_what_it_is_about_first() -> None:
    asked = Pending("q", "approval", "Do you want to proceed?", ("Yes", "No"), "rm -rf build/\ncleans", 7.0)
    (found,) = of(SessionView("eddie-1", "eddie", phase=Phase.WAITING, pending=asked))
    assert (found.kind, found.text, found.since) == ("approval", "rm -rf build/ cleans Do you want to proceed?", 7.0)


def test_what_a_dialog_repeats_is_said_once() -> None:
    asked = Pending("q", "approval", "Allow it?", ("Yes",), "? Shell  touch a\ntouch a\n")
    assert asked.told == "? Shell touch a Allow it?"


def test_a_draft_is_quoted() -> None:
    (found,) = of(SessionView("eddie-1", "eddie", phase=Phase.READY, draft="go on"))
    assert found.text == "draft stranded: go on"


def test_texts_that_did_not_arrive_are_one_row_for_a_session_and_stand_before_the_dead() -> None:
    lost = (
        Receipt("n3", "eddie-1", Delivery.UNKNOWN, "why", 30.0, "third"),
        Receipt("n2", "eddie-1", Delivery.UNDELIVERED, "why", 20.0, "second"),
        Receipt("n1", "eddie-2", Delivery.UNDELIVERED, "why", 10.0, "first"),
    )
    found = of(SessionView("eddie-2", "eddie", phase=Phase.FAILED, reason="exit 3", bead="sh-1"), lost=lost)
    assert [(a.kind, a.subject, a.text) for a in found] == [
        ("nudge", "eddie-2", "undelivered: first"),
        ("nudge", "eddie-1", "may have been typed and 1 more: third"),
        ("dead", "eddie-2", "holds sh-1: exit 3"),
    ]


def test_a_text_for_one_that_will_not_come_back_by_itself_needs_somebody() -> None:
    stopped = SessionView(
        "eddie-1", "eddie", phase=Phase.STOPPED, state="asleep", reason="quarantine is over", queued=1
    )
    (found,) = of(stopped)
    assert (found.kind, found.text) == ("nudge", "1 text waits, it is stopped: quarantine is over")
    assert of(replace(stopped, queued=0)) == () == of(replace(stopped, phase=Phase.STARTING))
