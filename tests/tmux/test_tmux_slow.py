"""A server that does not answer for a while: whoever asked gives up, and the server and all on it go on."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from gcity_tui.model.errors import RuntimeUnavailable
from gcity_tui.tmux import rare
from gcity_tui.tmux.ears import Ear
from gcity_tui.tmux.environment import inherited
from gcity_tui.tmux.hands import Hands, Program
from gcity_tui.tmux.server import HOLDER, Server

pytestmark = pytest.mark.tmux


@contextlib.contextmanager
def silent(server: Server) -> Iterator[None]:
    """The server takes connections and answers nobody."""
    pid = int(server.run("display-message", "-p", "#{pid}"))
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def gone(server: Server, before: int) -> bool:
    deadline = time.monotonic() + 30
    while len(server.run("list-clients").splitlines()) > before:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_clients_that_gave_up_do_not_take_the_server_with_them(server: Server) -> None:
    """Three that are killed before a 3.3a server has come to them end it: it looks after one that is gone."""
    with Hands(server) as hands:
        agent = hands.start("agent", Program(("cat",), cwd="/"))
        before = len(server.run("list-clients").splitlines())
        with silent(server):
            for _ in range(4):
                with pytest.raises(RuntimeUnavailable, match="did not answer"):
                    server.client(timeout=0.2)
                assert server.listens()
            ear = Ear(server, "agent", lambda: None)
            with pytest.raises(RuntimeUnavailable, match="did not answer"):
                ear.wait_attached(0.2)
            ear.close()
        assert hands.pane("agent").pid == agent.pid
        assert gone(server, before)


def test_a_server_is_gone_only_when_that_is_certain(server: Server) -> None:
    assert server.listens()
    with silent(server):
        assert server.listens()
    server.kill()
    assert not server.listens()


def test_whose_door_file_is_taken_away_takes_the_next_one(server: Server) -> None:
    """Who ends a server takes the file away that others wait for: they must not hold it while others hold the next."""
    door, path = server.door, server.path.with_name(f"{server.socket}.door")
    with door.coming():
        held = threading.Event()
        over = threading.Event()

        def wait() -> None:
            with door.coming():
                held.set()
                over.wait(60)

        waiter = threading.Thread(target=wait)
        waiter.start()
        path.unlink()
    try:
        assert held.wait(20)
        with path.open() as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    finally:
        over.set()
        waiter.join(5)


def renamed(server: Server, hands: Hands) -> None:
    for old, new in (("agent", "other"), ("other", "agent")):
        rare.rename(server, old, new)


def given_back(server: Server, hands: Hands) -> None:
    row = hands.pane("agent")
    with server.door.others():  # as a person cannot
        server.run("rename-session", "-t", row.pane, "by-hand")
    hands.give_back(row)


def typed_to_who_reads_back(server: Server, hands: Hands) -> None:
    with server.door.others():
        hands.ask("copy-mode -t =agent:")
    hands.keys("agent", "y")


def holder_made_anew(server: Server, hands: Hands) -> None:
    hands.close()
    with server.door.others():
        server.run("kill-session", "-t", f"={HOLDER}")
    server.ensure(inherited(os.environ))


def ended_while_it_is_looked_at(server: Server, hands: Hands) -> None:
    hands.start("short", Program(("cat",), cwd="/"))
    ears = [Ear(server, "short", lambda: None) for _ in range(3)]
    hands.kill("short", grace=0.0)
    for ear in ears:
        ear.close()


@pytest.mark.parametrize(
    "act", [ended_while_it_is_looked_at, renamed, given_back, typed_to_who_reads_back, holder_made_anew]
)
def test_what_all_clients_are_told_of_waits_for_who_comes(
    server: Server, hands: Hands, act: Callable[[Server, Hands], None]
) -> None:
    """Each of these ended a 3.3a server within a hundred clients before it took the doorway."""
    over = threading.Event()
    faults: list[BaseException] = []
    for name in ("agent", "watched"):
        hands.start(name, Program(("cat",), cwd="/"))

    def again() -> None:
        try:
            while not over.is_set():
                act(server, hands)
        except BaseException as e:
            faults.append(e)
            over.set()

    thread = threading.Thread(target=again)
    thread.start()
    for _ in range(100):
        if over.is_set():
            break
        Ear(server, "watched", lambda: None).close()
    over.set()
    thread.join(20)
    assert not faults, faults
    assert not hands.pane("watched").dead


def test_clients_come_and_go_while_sessions_are_made_and_ended(server: Server) -> None:
    """A 3.3a server tells all control clients of who left and of each session, even one that it is letting in: then it
    ends. Without the doorway it did within a hundred of these.
    """
    over = threading.Event()
    faults: list[BaseException] = []

    def again(act: Callable[[], None]) -> None:
        try:
            while not over.is_set():
                act()
        except BaseException as e:
            faults.append(e)
            over.set()

    def comes() -> None:
        server.client().close()
        opened.append(1)

    def listens() -> None:
        Ear(server, "agent", lambda: None).close()
        opened.append(1)

    opened: list[int] = []
    names = itertools.count()
    with Hands(server) as hands:

        def lives() -> None:
            name = f"short-{next(names)}"
            hands.start(name, Program(("cat",), cwd="/"))
            hands.kill(name, grace=0.0)

        hands.start("agent", Program(("cat",), cwd="/"))
        threads = [threading.Thread(target=again, args=(act,)) for act in (comes, comes, listens, lives)]
        for thread in threads:
            thread.start()
        while len(opened) < 300 and not over.is_set():
            over.wait(0.05)
        over.set()
        for thread in threads:
            thread.join(20)
        assert not faults, faults
        assert not hands.pane("agent").dead


def test_a_server_is_not_started_while_a_client_is_let_in() -> None:
    """A client that comes while the first session is made ends a 3.3a server before it was of any use."""
    server = Server(f"gcity-test-{os.getpid()}-born", city="/some/where")
    starting = threading.Thread(target=server.ensure, args=(inherited(os.environ),))
    try:
        with server.door.coming():
            starting.start()
            starting.join(0.5)
            assert starting.is_alive() and not server.listens()
        starting.join(20)
        assert server.listens()
    finally:
        starting.join(20)
        server.kill()
    assert not server.path.with_name(f"{server.socket}.door").exists()
