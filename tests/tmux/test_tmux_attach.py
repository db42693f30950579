"""A person at a terminal (a pane of another private server) attaches from a shell, another tmux, or the same one."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gcity_tui.model.errors import NotFound, Usage
from gcity_tui.tmux.attach import AttachPlan, attach_plan, outer_socket, own_client, switch
from gcity_tui.tmux.hands import Hands, Program
from gcity_tui.tmux.server import Server

pytestmark = pytest.mark.tmux
Until = Callable[..., object]


@pytest.fixture
def outer(make_server: Callable[..., Server]) -> Iterator[Hands]:
    """Another tmux server, whose panes are the person's terminals."""
    with Hands(make_server("/outer")) as h:
        yield h


def _press(terminal: Hands, session: str, *keys: str) -> None:
    """As a finger does: keys within a millisecond of each other are a paste to tmux, and no bindings."""
    for key in keys:
        time.sleep(0.01)
        terminal.keys(session, key)


def _command(plan: AttachPlan) -> str:
    """The plan as a shell line that has exactly the plan's TMUX."""
    unset = [x for name in ("TMUX", "TMUX_PANE") if name not in plan.env for x in ("-u", name)]
    given = [f"{name}={plan.env[name]}" for name in ("TMUX", "TMUX_PANE") if name in plan.env]
    return shlex.join(["env", *unset, *given, *plan.argv])


@pytest.fixture
def agent(hands: Hands, tmp_path: Path, until: Until) -> str:
    hands.start("rig--eddie-1", Program(["sh", "-c", "echo I am eddie; exec cat"], tmp_path))
    until(lambda: "eddie" in hands.text("rig--eddie-1"))
    return "rig--eddie-1"


def test_from_a_plain_shell_and_back_with_ctrl_q(
    server: Server, hands: Hands, outer: Hands, agent: str, tmp_path: Path, until: Until
) -> None:
    plan = attach_plan(server, agent, {"PATH": os.environ["PATH"], "TERM": "tmux-256color"})
    assert plan.kind == "attach" and "TMUX" not in plan.env and "Ctrl+Q" in plan.note
    outer.start("term", Program(["sh", "-c", f"{_command(plan)}; echo BACK; exec cat"], tmp_path))
    until(lambda: hands.pane(agent).humans == 1)
    until(lambda: "I am eddie" in outer.text("term"))
    outer.paste("term", "from the person")
    outer.keys("term", "Enter")
    until(lambda: hands.text(agent).count("from the person") == 2)
    _press(outer, "term", "C-q")
    until(lambda: "BACK" in outer.text("term"))
    assert hands.pane(agent).humans == 0 and not hands.pane(agent).dead
    assert "\x11" not in hands.text(agent)


def test_from_inside_another_tmux_and_back_with_prefix_d(
    server: Server, hands: Hands, outer: Hands, agent: str, tmp_path: Path, until: Until
) -> None:
    pid = outer.ask("display-message -p '#{pid}'")[0]
    inside = {**os.environ, "TMUX": f"{outer.server.path},{pid},0", "TMUX_PANE": "%1"}
    plan = attach_plan(server, agent, inside)
    assert plan.kind == "nested" and "TMUX" not in plan.env and "TMUX_PANE" not in plan.env
    outer.start("term", Program(["sh", "-c", f"{_command(plan)}; echo BACK; exec cat"], tmp_path))
    until(lambda: hands.pane(agent).humans == 1)
    _press(outer, "term", "C-b", "d")
    until(lambda: "BACK" in outer.text("term"))


def test_inside_the_city_s_own_server(
    server: Server, hands: Hands, outer: Hands, agent: str, tmp_path: Path, until: Until
) -> None:
    """The dashboard runs in a session of the city's server; its terminal goes to the agent and comes back."""
    server.run("new-session", "-d", "-s", "dash", "-c", str(tmp_path), "sh", "-c", "echo DASHBOARD; exec cat")
    pid = server.run("display-message", "-p", "#{pid}")
    pane = server.run("display-message", "-p", "-t", "=dash:", "#{pane_id}")
    inside = {**os.environ, "TMUX": f"{server.path},{pid},1", "TMUX_PANE": pane}
    with pytest.raises(NotFound):
        own_client(hands, inside)
    terminal = attach_plan(server, "dash", {"PATH": os.environ["PATH"]})
    outer.start("term", Program(["sh", "-c", _command(terminal)], tmp_path))
    until(lambda: "DASHBOARD" in outer.text("term"))

    plan = attach_plan(server, agent, inside)
    assert plan.kind == "switch" and plan.env["TMUX"] == inside["TMUX"]
    client = own_client(hands, inside)
    for _ in range(2):
        switch(hands, client, agent)
        until(lambda: "I am eddie" in outer.text("term"))
        _press(outer, "term", "C-q")
        until(lambda: "DASHBOARD" in outer.text("term"))
    # the same by the plan's own command, from within the dashboard's pane
    server.run("respawn-pane", "-k", "-t", "=dash:", "sh", "-c", f"echo DASHBOARD; {_command(plan)}; exec cat")
    until(lambda: "I am eddie" in outer.text("term"))
    _press(outer, "term", "C-q")
    until(lambda: "DASHBOARD" in outer.text("term"))
    with pytest.raises(NotFound):
        switch(hands, client, "rig--eddie")
    # an agent that is ended under the person's eyes takes nobody's terminal with it
    switch(hands, client, agent)
    until(lambda: "I am eddie" in outer.text("term"))
    hands.kill(agent)
    until(lambda: "DASHBOARD" in outer.text("term"))


def test_ctrl_q_is_an_ordinary_key_where_no_agent_is(
    server: Server, outer: Hands, agent: str, tmp_path: Path, until: Until
) -> None:
    out = tmp_path / "got"
    script = "import os,sys,tty; tty.setraw(0); print('RAW', flush=True); open(sys.argv[1],'wb').write(os.read(0,9))"
    server.run("new-session", "-d", "-s", "dash", sys.executable, "-c", script, str(out))
    plan = attach_plan(server, "dash", {"PATH": os.environ["PATH"]})
    outer.start("term", Program(["sh", "-c", _command(plan)], tmp_path))
    until(lambda: "RAW" in outer.text("term"))
    _press(outer, "term", "C-q")
    until(lambda: out.exists() and out.read_bytes())
    assert out.read_bytes() == b"\x11"


def test_read_only(server: Server, hands: Hands, outer: Hands, agent: str, tmp_path: Path, until: Until) -> None:
    plan = attach_plan(server, agent, {"PATH": os.environ["PATH"]}, read_only=True)
    outer.start("term", Program(["sh", "-c", f"{_command(plan)}; echo BACK; exec cat"], tmp_path))
    until(lambda: hands.pane(agent).humans == 1 and "I am eddie" in outer.text("term"))
    assert "prefix d" in plan.note and "Ctrl+Q" not in plan.note
    _press(outer, "term", "x", "y", "z", "C-b", "d")
    until(lambda: "BACK" in outer.text("term"))
    assert "xyz" not in hands.text(agent)

    pid = server.run("display-message", "-p", "#{pid}")
    server.run("new-session", "-d", "-s", "dash", "cat")
    inside = {**os.environ, "TMUX": f"{server.path},{pid},1"}
    popup = attach_plan(server, agent, inside, read_only=True)
    assert popup.kind == "popup"
    terminal = attach_plan(server, "dash", {"PATH": os.environ["PATH"]})
    outer.start("term2", Program(["sh", "-c", _command(terminal)], tmp_path))
    until(lambda: server.run("list-clients", "-t", "=dash", "-F", "here") == "here")
    server.run("respawn-pane", "-k", "-t", "=dash:", "sh", "-c", f"{_command(popup)}; echo CLOSED; exec cat")
    until(lambda: "I am eddie" in outer.text("term2"))
    _press(outer, "term2", "q", "C-b", "d")
    until(lambda: "CLOSED" in server.run("capture-pane", "-p", "-t", "=dash:"))


def test_tmux_of_a_dead_server_is_no_place_to_be(server: Server, tmp_path: Path) -> None:
    socket = tmp_path / "socket"
    assert outer_socket({}) is None and outer_socket({"TMUX": ""}) is None and outer_socket({"TMUX": "junk"}) is None
    assert outer_socket({"TMUX": f"{socket},{os.getpid()},0"}) is None
    socket.touch()
    assert outer_socket({"TMUX": f"{socket},{os.getpid()},0"}) == socket
    assert outer_socket({"TMUX": f"{socket},4194999,0"}) is None
    assert attach_plan(server, "a", {"TMUX": f"{socket},4194999,0"}).kind == "attach"
    with pytest.raises(Usage):
        attach_plan(server, "a; kill-server", {})


def test_a_socket_folder_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMUX_TMPDIR", str(tmp_path))
    server = Server("gcity-test-folder", city="/c")
    assert server.path == tmp_path / f"tmux-{os.getuid()}" / "gcity-test-folder"
    server.ensure({})
    try:
        assert server.path.is_socket() and server.run("display-message", "-p", "#{socket_path}") == str(server.path)
    finally:
        server.kill()
