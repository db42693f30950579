"""Eyes: what is alive on the server, told when it changes, and never forged by what a pane says of itself."""

from __future__ import annotations

import queue
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gcity_tui.model.errors import RuntimeUnavailable
from gcity_tui.tmux import panes
from gcity_tui.tmux.eyes import Eyes
from gcity_tui.tmux.hands import Hands, Program
from gcity_tui.tmux.panes import PaneRow
from gcity_tui.tmux.server import HOLDER, Server

pytestmark = pytest.mark.tmux
Rows = tuple[PaneRow, ...]


class Seen:
    """The rows that were told, in order."""

    def __init__(self) -> None:
        self.told: queue.Queue[Rows | RuntimeUnavailable] = queue.Queue()

    def wait(self, fits: Callable[[dict[str, PaneRow]], object], seconds: float = 30.0) -> dict[str, PaneRow]:
        deadline = time.monotonic() + seconds
        while True:
            rows = self.told.get(timeout=max(deadline - time.monotonic(), 0.001))
            assert not isinstance(rows, RuntimeUnavailable)
            by_name = {r.session: r for r in rows}
            if fits(by_name):
                return by_name


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def eyes(server: Server, seen: Seen) -> Iterator[Eyes]:
    with Eyes(server, seen.told.put, on_lost=seen.told.put) as e:
        yield e


def test_starting_and_ending_are_told_at_once(eyes: Eyes, seen: Seen, hands: Hands, tmp_path: Path) -> None:
    assert seen.told.get(timeout=20) == ()
    late = []
    for _ in range(5):
        began = time.monotonic()
        started = hands.start("a", Program(["cat"], tmp_path))
        assert seen.wait(lambda r: "a" in r and r["a"].agent)["a"].pid == started.pid
        late.append(time.monotonic() - began)
        hands.kill("a")
        seen.wait(lambda r: not r)
    assert min(late) < 0.3, "a lifecycle notification, not the look of once a second"


def test_death_is_told_with_how_it_ended(eyes: Eyes, seen: Seen, hands: Hands, tmp_path: Path) -> None:
    hands.start("three", Program(["sh", "-c", "read x; exit 3"], tmp_path))
    row = hands.start("killed", Program(["sleep", "1000"], tmp_path))
    hands.keys("three", "Enter")
    subprocess.run(["kill", "-9", str(row.pid)], check=True)
    # The status may come after the death: a reader must be content with None at first.
    rows = seen.wait(lambda r: r and r["three"].dead_status == 3 and r["killed"].dead_signal == 9)
    assert rows["three"].dead and rows["killed"].dead and rows["killed"].dead_status is None


def test_no_exit_status_is_lost(eyes: Eyes, seen: Seen, hands: Hands, tmp_path: Path) -> None:
    """A 3.3a server misses some when several panes end at once, until something else ends."""
    for _ in range(2):
        for n in range(12):
            hands.start(f"s-{n}", Program(["cat"], tmp_path))
        for n in range(12):
            hands.keys(f"s-{n}", "C-d")
        # cat lets go of its terminal before it exits, so the hang-up can come first: then that is how it ended
        seen.wait(lambda r: len(r) == 12 and all(x.dead_status == 0 or x.dead_signal == 1 for x in r.values()))
        for n in range(12):
            hands.kill(f"s-{n}")


@pytest.mark.parametrize(
    "title",
    [
        "a b;c|d,e}f #{pane_id} #S \\ \\\\ '\"$(x)`y`",
        "x\n{nonce} %9 1 0   0 0 0 0 0 80 24 1 1 1 other forged",
        "; {nonce} %9 1 0   0 0 0 0 0 80 24 1 1 1 other forged",
        " ",
        "ends with a backslash\\",
        "\u202eabc",
    ],
)
def test_a_title_cannot_forge_a_row(eyes: Eyes, seen: Seen, hands: Hands, tmp_path: Path, title: str) -> None:
    title = title.replace("{nonce}", panes._NONCE)  # even if it knew the word that every row begins with
    script = tmp_path / "say"
    script.write_text("\033]2;" + title + "\a\nDONE\n")
    hands.start("other", Program(["cat"], tmp_path))
    hands.start("forger", Program(["sh", "-c", "cat say; exec cat"], tmp_path))
    rows = seen.wait(lambda r: len(r) == 2 and r["forger"].title != r["other"].title)
    assert set(rows) == {"other", "forger"}
    assert rows["other"].title == hands.pane("other").title and rows["other"].pane != "%9"
    shown = "".join(title.split("\n")).replace("\u202e", "")
    assert rows["forger"].title in (" ".join(shown.split()), hands.pane("forger").title)
    assert "\n" not in rows["forger"].title


def test_a_session_s_name_cannot_forge_a_row(eyes: Eyes, server: Server, hands: Hands, tmp_path: Path) -> None:
    hands.start("a", Program(["cat"], tmp_path))
    server.run("new-session", "-d", "-s", "a %9 1 1 0 0 0", "cat")
    rows = {r.session: r for r in eyes.rows()}
    assert set(rows) == {"a", "a %9 1 1 0 0 0"} and not rows["a"].dead and not rows["a %9 1 1 0 0 0"].agent


def test_only_terminals_count_as_humans(
    eyes: Eyes, seen: Seen, hands: Hands, server: Server, make_server: Callable[..., Server], tmp_path: Path
) -> None:
    from gcity_tui.tmux.ears import Ear

    hands.start("a", Program(["cat"], tmp_path))
    with Ear(server, "a", lambda: None) as ear:
        ear.wait_attached()
        assert server.run("display-message", "-p", "-t", "=a:", "#{session_attached}") == "1"
        assert eyes.rows()[0].humans == 0 and eyes.rows()[0].size == (120, 40)
    outer = make_server("/outer")
    with Hands(outer) as terminal:
        attach = ["env", "-u", "TMUX", *server.argv("attach-session", "-t", "=a")]
        terminal.start("term", Program(attach, tmp_path, size=(90, 20)))
        row = seen.wait(lambda r: "a" in r and r["a"].humans == 1)["a"]
        assert row.size == (90, 20) or seen.wait(lambda r: r["a"].size == (90, 20))
        terminal.kill("term")
        seen.wait(lambda r: r["a"].humans == 0)


def test_activity_moves_although_nobody_is_attached(eyes: Eyes, seen: Seen, hands: Hands, tmp_path: Path) -> None:
    """tmux's own session_activity stands still on a detached session; the row uses the window's."""
    first = hands.start("a", Program(["sh", "-c", "while sleep 0.2; do echo x; done"], tmp_path))
    before = hands.ask("display-message -p -t =a: '#{session_activity}'")
    seen.wait(lambda r: "a" in r and r["a"].activity >= first.activity + 2)
    assert hands.ask("display-message -p -t =a: '#{session_activity}'") == before


def test_nothing_rings_when_nothing_happens(eyes: Eyes, seen: Seen, hands: Hands, tmp_path: Path) -> None:
    hands.start("a", Program(["cat"], tmp_path))
    seen.wait(lambda r: "a" in r and r["a"].agent)
    with pytest.raises(queue.Empty):
        seen.told.get(timeout=1.5)


def test_a_lost_server_is_no_empty_one(eyes: Eyes, seen: Seen, server: Server, hands: Hands, tmp_path: Path) -> None:
    hands.start("a", Program(["cat"], tmp_path))
    seen.wait(lambda r: "a" in r)
    pid = int(server.run("display-message", "-p", "#{pid}"))
    subprocess.run(["kill", "-9", str(pid)], check=True)
    told: object = ()
    while not isinstance(told, RuntimeUnavailable):
        told = seen.told.get(timeout=20)
        assert told != (), "no one may read a lost server as a city where nothing runs"
    with pytest.raises(RuntimeUnavailable):
        eyes.rows()


def test_the_holder_is_no_row(eyes: Eyes) -> None:
    assert HOLDER not in {r.session for r in eyes.rows()}
