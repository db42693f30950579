"""Sessions that are started together: in one breath, each with its own row or its own error."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gcity_tui.model.errors import CityError, Refused
from gcity_tui.tmux import departures as waiting
from gcity_tui.tmux.departures import Departures
from gcity_tui.tmux.hands import Hands, Program
from gcity_tui.tmux.panes import PaneRow
from gcity_tui.tmux.server import Server

pytestmark = pytest.mark.tmux


def row(session: str) -> PaneRow:
    return PaneRow(session, "%1", 1, False, None, None, "", 0, False, False, (0, 0), 0, (1, 1), 0, 0, True)


class Sent:
    """What would go down the pipe."""

    def __init__(self) -> None:
        self.breaths: list[list[str]] = []

    def __call__(self, starts: list[tuple[str, str]]) -> list[PaneRow | CityError]:
        self.breaths.append([session for session, _ in starts])
        return [Refused("no") if session == "bad" else row(session) for session, _ in starts]


def test_one_alone_does_not_wait() -> None:
    sent = Sent()
    gone = Departures(sent).go("a", "")
    assert sent.breaths == [["a"]] and gone.done() and gone.result().session == "a"


def test_those_who_are_expected_go_together_and_one_that_does_not_come_is_not_waited_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waiting, "APART", 1.0)  # on a busy machine this thread may rest between two of its words
    sent = Sent()
    departures = Departures(sent)
    for name in ("a", "b", "c", "late"):
        departures.expect(name)
    futures = [departures.go(name, "") for name in ("a", "b", "c")]
    assert not sent.breaths
    assert [f.result(20).session for f in futures] == ["a", "b", "c"] and sent.breaths == [["a", "b", "c"]]
    departures.expect("d")
    waits = departures.go("e", "")
    departures.forget("late")
    departures.forget("d")
    assert waits.result(20).session == "e"


def test_an_error_is_its_own() -> None:
    departures = Departures(Sent())
    departures.expect("bad")
    good = departures.go("good", "")
    bad = departures.go("bad", "")
    assert good.result(20).session == "good"
    with pytest.raises(Refused):
        bad.result(20)


@pytest.fixture
def hands(tmp_path: Path, private_tmux: Path) -> Iterator[Hands]:
    server = Server(f"gcity-test-depart-{id(tmp_path)}", city=str(tmp_path))
    server.ensure({"PATH": "/usr/bin:/bin"})
    with Hands(server) as made:
        yield made
    server.kill()


def test_sixty_real_ones_with_one_that_exists_already(hands: Hands, tmp_path: Path) -> None:
    """More than one line holds; the one that fails stops its chain, and those behind it come all the same."""
    hands.start("s7", Program(["/bin/cat"], tmp_path))
    names = [f"s{n}" for n in range(60)]
    for name in names:
        hands.departures.expect(name)
    futures = {}
    threads = [
        threading.Thread(
            target=lambda n=name: futures.update({n: hands.start_with_others(n, Program(["/bin/cat"], tmp_path))})
        )
        for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with pytest.raises(Refused, match="it runs already"):
        futures.pop("s7").result(30)
    rows = {name: future.result(30) for name, future in futures.items()}
    assert all(r.session == name and r.pid and not r.dead and r.agent for name, r in rows.items())
    assert len({r.pane for r in rows.values()}) == 59
