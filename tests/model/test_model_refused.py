"""Sessions whose model answers no more: a choice and a login need a person, one that only waits needs nobody."""

from __future__ import annotations

from gcity_tui.model.session import Pending, Phase
from gcity_tui.model.snapshot import CitySnapshot, SessionView, attention


def limited(name: str, **more: object) -> SessionView:
    return SessionView(name, "eddie", phase=Phase.LIMITED, since=50.0, **more)  # type: ignore[arg-type]


def test_a_choice_and_a_login_need_a_person() -> None:
    menu = Pending("r1", "limit", "You've hit your session limit", ("Stop and wait", "Upgrade"), "What now?", 60.0)
    asked = Pending("r2", "approval", "May I?", ("Yes",), "", 1.0)
    views = (
        limited("eddie-1", cure="log in with /login"), limited("eddie-2", pending=menu, limited_until=900.0),
        limited("eddie-3", limited_until=900.0),
        SessionView("eddie-4", "eddie", phase=Phase.WAITING, pending=asked),
        SessionView("eddie-5", "eddie", phase=Phase.READY, cure="of no use by now"),
    )  # fmt: skip
    found = attention(CitySnapshot("town", "/town", 100.0, sessions=views))
    assert [(a.kind, a.subject, a.since, a.shape, a.letter) for a in found] == [
        ("approval", "eddie-4", 1.0, "◐", "W"),
        ("limit", "eddie-2", 60.0, "◷", "L"),
        ("login", "eddie-1", 50.0, "◷", "L"),
    ]
    assert "What now?" in found[1].text and found[2].text == "log in with /login"
