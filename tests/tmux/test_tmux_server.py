"""The city's server: apart from the user's, known to be ours, honest about what it could not tell."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gcity_tui.model.errors import Permanent, Refused, RuntimeUnavailable, Usage
from gcity_tui.tmux.environment import inherited
from gcity_tui.tmux.hands import Hands, Program
from gcity_tui.tmux.server import HOLDER, Server, clear_socket

pytestmark = pytest.mark.tmux
Make = Callable[..., Server]


def _program(folder: Path, body: str) -> str:
    program = folder / "tmux"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize("said", ["tmux 3.1c", "tmux 2.9a", "tmux 1.8"])
def test_a_tmux_older_than_3_2_is_refused_by_its_version(tmp_path: Path, said: str) -> None:
    server = Server("gcity-test-never", city="/c", tmux=_program(tmp_path, f"echo '{said}'"))
    with pytest.raises(Permanent) as e:
        server.ensure({})
    assert said.split()[1] in e.value.message and "3.2" in e.value.message and "apt install tmux" in e.value.cure


@pytest.mark.parametrize(
    "said", ["tmux 3.2", "tmux 3.3a", "tmux next-3.6", "tmux 10.0", "tmux master", "tmux openbsd-7.1"]
)
def test_a_newer_tmux_is_taken(tmp_path: Path, said: str) -> None:
    assert Server("x", tmux=_program(tmp_path, f"echo '{said}'")).version() == said.removeprefix("tmux ")


def test_a_missing_tmux_says_how_to_get_it(tmp_path: Path) -> None:
    server = Server("gcity-test-never", city="/c", tmux=str(tmp_path / "none"))
    for ask in (server.version, server.client, lambda: server.run("has-session"), lambda: server.ensure({})):
        with pytest.raises(Permanent) as e:
            ask()
        assert "apt install tmux" in e.value.cure


def test_no_server_is_known_and_a_silent_one_is_not(make_server: Make) -> None:
    server = make_server(started=False)
    assert server.alive() is False and server.kill() is False
    with pytest.raises(RuntimeUnavailable):
        server.client()
    assert server.alive() is False, "asking starts no server"
    server.ensure({})
    assert server.alive() is True
    pid = int(server.run("display-message", "-p", "#{pid}"))
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(RuntimeUnavailable):
            server.run("has-session", timeout=0.3)
        with pytest.raises(RuntimeUnavailable):
            server.client(timeout=0.3)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert server.alive() is True


def test_nobody_else_s_socket_is_used_or_ended(make_server: Make) -> None:
    first = make_server("/city/one")
    second = make_server("/city/two", started=False, socket=first.socket)
    for act in (lambda: second.ensure({}), second.kill, Server(first.socket).kill):
        with pytest.raises(Refused) as e:
            act()
        assert "/city/one" in e.value.message and "socket" in e.value.cure
    assert first.alive()
    with pytest.raises(Usage):
        Server("gcity-test-never").ensure({})


def test_a_tmux_that_is_no_city_s_is_left_alone(make_server: Make) -> None:
    server = make_server(started=False)
    argv = ["tmux", "-L", server.socket, "-f", "/dev/null", "new-session", "-d", "-s", "mine", "cat"]
    subprocess.run(argv, check=True)
    for act in (lambda: server.ensure({}), server.kill):
        with pytest.raises(Refused):
            act()
    assert server.run("list-sessions", "-F", "#{session_name}") == "mine"


def test_opened_at_once_by_many(make_server: Make) -> None:
    import threading

    server, errors = make_server("/c,}#;", started=False), []

    def open_it() -> None:
        try:
            Server(server.socket, city=server.city).ensure({})
        except Exception as e:
            errors.append(e)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert errors == [] and server.run("list-sessions", "-F", "#{session_name}") == HOLDER
    assert server.owner() == "/c,}#;"


def test_the_user_s_configuration_and_environment_stay_out(
    make_server: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".tmux.conf").write_text("set -g @mine 1\nset -g status on\nset -g history-limit 7\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "no")
    server = make_server(started=False)
    server.ensure(inherited(os.environ))
    shown = server.run("show-options", "-g")
    assert "@mine" not in shown and "status off" in shown and "history-limit 2000" in shown
    assert "AWS" not in server.run("show-environment", "-g")
    assert "remain-on-exit on" in server.run("show-options", "-wg")


def test_a_lost_holder_comes_back_beside_the_agents(server: Server, hands: Hands, tmp_path: Path) -> None:
    hands.start("a", Program(["cat"], tmp_path))
    server.run("kill-session", "-t", f"={HOLDER}")
    server.ensure({})
    assert set(server.run("list-sessions", "-F", "#{session_name}").split()) == {"a", HOLDER}


def test_kill_ends_every_process(server: Server, hands: Hands, tmp_path: Path, until: Callable[..., object]) -> None:
    pid = hands.start("a", Program(["sleep", "1000"], tmp_path)).pid
    assert server.kill() is True
    assert server.alive() is False
    until(lambda: not Path(f"/proc/{pid}").exists())


def test_window_size_is_never_manual_for_all(server: Server, hands: Hands, tmp_path: Path) -> None:
    """`set -g window-size manual` makes the next detached new-session end a 3.3a server."""
    assert server.run("show-options", "-gv", "window-size") == "latest"
    spellings = ("set-option -g window-size manual", '"set" "-g" "window-size" "manual"', "setw -g window-size manual")
    for deadly in spellings:
        with pytest.raises(Refused):
            hands.ask(deadly)
    for n in range(3):
        hands.start(f"a-{n}", Program(["cat"], tmp_path))
    assert server.alive()


@pytest.mark.parametrize("layout", ["", "%%%bad"])
def test_no_unchecked_layout_reaches_the_server(hands: Hands, server: Server, layout: str) -> None:
    with pytest.raises(Refused):
        hands.ask(f'select-layout -t "=_holder:" "{layout}"')
    assert server.alive()


def test_an_ended_server_leaves_no_socket_file(make_server: Callable[..., Server]) -> None:
    server = make_server()
    assert not clear_socket(server.path) and server.alive(), "one that answers is let be"
    with server.client() as client:
        assert list(server.path.parent.glob(f"{server.socket}.door")), "it was let in by the doorway"
        assert server.kill()
    assert not client.alive, "it leaves when nobody is there any more"
    with server.door.coming():
        pass  # nor does one who comes when nobody is there
    assert not list(server.path.parent.glob(f"{server.socket}*"))
    server.ensure(inherited(os.environ))
    assert server.alive(), "it can be started again at once"
    pid = int(server.run("display-message", "-p", "#{pid}"))
    os.kill(pid, signal.SIGKILL)
    select.select([os.pidfd_open(pid)], [], [], 5.0)
    assert server.path.exists() and clear_socket(server.path) and not server.path.exists()
