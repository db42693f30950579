"""What a person does by hand in an agent's tmux session: more panes, other names. Nothing is typed into theirs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gcity_tui.model.errors import NotFound
from gcity_tui.tmux.eyes import Eyes
from gcity_tui.tmux.hands import Hands, Program
from gcity_tui.tmux.server import Server

pytestmark = pytest.mark.tmux


def theirs(server: Server, session: str) -> str:
    """What all panes of a session show, by tmux itself."""
    panes = server.run("list-panes", "-s", "-t", f"={session}:", "-F", "#{pane_id}").split()
    return "\n".join(server.run("capture-pane", "-p", "-t", p) for p in panes)


@pytest.mark.parametrize("how", [
    ("new-window", "-t", "=a:"), ("split-window", "-b", "-t", "=a:^.0"), ("new-window", "-b", "-t", "=a:^"),
])  # fmt: skip
def test_a_pane_that_a_person_opened_is_not_the_agents(
    server: Server, hands: Hands, tmp_path: Path, until: Callable[..., object], how: tuple[str, ...]
) -> None:
    """In front of the agent's or behind it: the agent is told by the mark of its pane."""
    mine = hands.start("a", Program(["cat"], tmp_path))
    server.run(*how, "cat")
    fresh = Hands(server)  # another process, that has seen nothing yet
    for each in (hands, fresh):
        assert each.pane("a").pid == mine.pid and each.pane("a").agent
        each.paste("a", "for the agent")
        each.keys("a", "Enter")
    until(lambda: hands.text("a").count("for the agent") == 4)  # echoed as it is typed, and said by cat
    assert theirs(server, "a").count("for the agent") == 4, "nowhere else"
    fresh.close()
    with Eyes(server, lambda rows: None) as eyes:
        (row,) = eyes.rows()
    assert (row.session, row.pid, row.agent, row.made) == ("a", mine.pid, True, "a")


def test_when_only_a_persons_pane_is_left_nothing_is_typed_there(server: Server, hands: Hands, tmp_path: Path) -> None:
    """A nudge would be run there as a command."""
    mine = hands.start("a", Program(["cat"], tmp_path))
    server.run("new-window", "-t", "=a:", "cat")
    server.run("kill-pane", "-t", mine.pane)
    fresh = Hands(server)
    for each in (hands, fresh):
        acts: list[Callable[[], object]] = [
            lambda h=each: h.paste("a", "rm -r"), lambda h=each: h.keys("a", "Enter"), lambda h=each: h.pane("a"),
            lambda h=each: h.capture("a"), lambda h=each: h.respawn("a", Program(["cat"], tmp_path)),
            lambda h=each: h.set_title("a", "x"),
        ]  # fmt: skip
        for act in acts:
            with pytest.raises(NotFound):
                act()
    fresh.close()
    assert "rm" not in theirs(server, "a")
    with Eyes(server, lambda rows: None) as eyes:
        assert eyes.rows() == ()
    assert hands.kill("a") == (), "it is not ours to end"
    other = hands.make_room("a")
    again = hands.start("a", Program(["cat"], tmp_path))
    assert hands.pane("a").pid == again.pid != mine.pid
    assert server.run("list-panes", "-t", f"={other}:", "-F", "#{pane_current_command}") == "cat", "theirs goes on"
    assert hands.make_room("a") == "" and hands.make_room("nobody") == ""


def test_a_foreign_session_of_an_agents_name_is_never_taken_for_it(
    server: Server, hands: Hands, tmp_path: Path
) -> None:
    server.run("new-session", "-d", "-s", "a", "cat")
    for act in (lambda: hands.paste("a", "x"), lambda: hands.pane("a"), lambda: hands.capture("a")):
        with pytest.raises(NotFound):
            act()
    assert hands.make_room("a") == "a-by-hand-1"
    server.run("new-session", "-d", "-s", "a", "cat")
    assert hands.make_room("a") == "a-by-hand-2", "each is kept"
    row = hands.start("a", Program(["cat"], tmp_path))
    server.run("new-session", "-d", "-t", "=a", "-s", "group")  # shares its windows, and not its mark
    with Eyes(server, lambda rows: None) as eyes:
        found = {r.session: r.agent for r in eyes.rows()}
    assert found == {"a": True, "group": False, "a-by-hand-1": False, "a-by-hand-2": False}
    assert hands.pane("a").pid == row.pid


def test_a_renamed_session_is_known_and_gets_its_name_back(
    server: Server, hands: Hands, tmp_path: Path, until: Callable[..., object]
) -> None:
    mine = hands.start("a", Program(["cat"], tmp_path))
    server.run("rename-session", "-t", "=a", "mine")
    server.run("new-session", "-d", "-s", "a", "cat")
    with Eyes(server, lambda rows: None) as eyes:
        row = next(r for r in eyes.rows() if r.agent)
    assert (row.session, row.made, row.pid) == ("mine", "a", mine.pid)
    hands.paste("a", "to whom it was meant")
    until(lambda: "meant" in server.run("capture-pane", "-p", "-t", mine.pane))
    assert "meant" not in theirs(server, "a"), "and not to who has the name now"
    hands.give_back(row)
    assert hands.pane("a").pid == mine.pid
    assert sorted(server.run("list-sessions", "-F", "#{session_name}").split()) == ["_holder", "a", "a-by-hand-1"]
