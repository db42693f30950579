"""The controller's socket under friendly and unfriendly clients."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gcity_tui.factory import client, service
from gcity_tui.factory.client import NoController, Watch
from gcity_tui.factory.service import Service, answers, failure
from gcity_tui.model import wire
from gcity_tui.model.errors import Ambiguous, BadConfig, Busy, CityError, NotFound, Refused, Temporary


def echo(fields: list[bytes]) -> list[bytes]:
    """Answers a call with what it was asked, an error for the verb `fail`, and slowly for `slow`."""
    if fields[0] != b"call":
        raise ValueError("not a request")
    asked = json.loads(fields[1])
    if asked["verb"] == "slow":
        SLOW.wait(20.0)
    if asked["verb"] == "fail":
        return [json.dumps({"error": failure(Refused("no", cure="try", where="here"))}).encode()]
    return [json.dumps({"ok": asked}).encode()]


SLOW = threading.Event()


@pytest.fixture
def place(private_tmux: Path) -> Path:
    return private_tmux / f"s{os.getpid()}" / "c.sock"


@pytest.fixture
def served(place: Path) -> Iterator[Service]:
    SLOW.clear()
    made = Service(str(place), echo, (str(place.parent / "other.sock"),))
    yield made
    SLOW.set()
    made.close()
    assert not place.exists() and not (place.parent / "other.sock").is_symlink()


def test_a_call_and_its_error(served: Service) -> None:
    assert client.call(str(served.path), "hello", text="ü") == {"verb": "hello", "text": "ü"}
    with pytest.raises(Refused) as e:
        client.call(str(served.path), "fail")
    assert (e.value.message, e.value.cure, e.value.where) == ("no", "try", "here")


def test_it_is_found_by_its_other_name(served: Service) -> None:
    assert client.call(str(served.path.parent / "other.sock"), "hello")


def test_only_the_user_may_come_in(served: Service) -> None:
    assert served.path.stat().st_mode & 0o777 == 0o600
    assert served.path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("junk", [b"\xff\xff\xff\xff", wire.pack([b"what"]), b"\x00\x00\x00\x04\x00\x00\xff\xff"])
def test_junk_ends_the_connection_and_nothing_else(served: Service, junk: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(5.0)
        s.connect(str(served.path))
        s.sendall(junk)
        assert s.recv(1) == b""
    assert client.call(str(served.path), "still")


def test_a_slow_answer_delays_nobody(served: Service) -> None:
    slow = [threading.Thread(target=client.call, args=(str(served.path), "slow")) for _ in range(3)]
    for t in slow:
        t.start()
    began = time.monotonic()
    assert client.call(str(served.path), "quick")
    assert time.monotonic() - began < 5.0
    SLOW.set()
    for t in slow:
        t.join(10.0)


def test_one_connection_asks_many_times(served: Service) -> None:
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(5.0)
        s.connect(str(served.path))
        for n in range(20):
            s.sendall(wire.pack([b"call", json.dumps({"verb": "v", "n": n}).encode()]))
            got = wire.read(s.recv)
            assert got is not None and json.loads(got[0])["ok"]["n"] == n


def test_watchers_see_every_state_and_only_what_changed(served: Service) -> None:
    seen: list[object] = []
    ready, done = threading.Event(), threading.Event()

    def follow() -> None:
        for value in Watch(str(served.path)).values():
            seen.append(dict(value))
            ready.set()
            if value.get("n") == 3:
                done.set()
                return

    threading.Thread(target=follow, daemon=True).start()
    served.publish({"n": 1, "big": "x" * 1000, "same": True})
    assert ready.wait(5.0)
    served.publish({"n": 2, "big": "x" * 1000, "same": True})
    served.publish({"n": 2, "big": "x" * 1000, "same": True})
    served.publish({"n": 3, "big": "y", "same": True})
    assert done.wait(30.0)
    assert [v["n"] for v in seen] == [1, 2, 3] and seen[-1] == {"n": 3, "big": "y", "same": True}  # type: ignore[index]


def test_a_watcher_that_does_not_read_is_dropped(served: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "BACKLOG", 1 << 20)
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(served.path))
        s.sendall(wire.pack([b"watch", b"{}"]))
        deadline = time.monotonic() + 30.0
        while not served.watchers and time.monotonic() < deadline:
            time.sleep(0.01)
        assert served.watchers == 1
        n = 0
        while served.watchers and time.monotonic() < deadline:
            served.publish({"n": n, "text": "x" * 200_000 + str(n)})
            n += 1
            time.sleep(0.005)
        assert not served.watchers
    assert client.call(str(served.path), "still")


def test_a_watcher_that_is_killed_while_it_is_told_takes_nobody_along(served: Service) -> None:
    """Its end and the news for it come up in one breath: the news fail first, then its end is looked at."""
    held, gate = threading.Event(), threading.Event()
    inlet, outlet = os.pipe()

    def hold(_fd: int, _events: int) -> None:
        os.read(inlet, 1)
        held.set()
        gate.wait(5.0)

    served.publish({"n": 1})
    watcher = client.connect(str(served.path), 5.0)
    watcher.sendall(wire.pack([b"watch", b"{}"]))
    assert wire.read(watcher.recv)
    served._selector.register(inlet, 1, hold)
    os.write(outlet, b"x")
    assert held.wait(5.0)
    served.publish({"n": 2})
    watcher.close()
    gate.set()
    assert client.call(str(served.path), "hello", timeout=5.0) == {"verb": "hello"}
    assert served.watchers == 0
    served._selector.unregister(inlet)
    os.close(inlet)
    os.close(outlet)


def test_a_watch_comes_back_after_the_controller(place: Path) -> None:
    got: list[object] = []
    first, away, second = threading.Event(), threading.Event(), threading.Event()
    watch = Watch(str(place))

    def without() -> dict[str, object]:
        away.set()
        return {"n": 0}

    def follow() -> None:
        for value in watch.values(without, pause=0.05):
            got.append(value["n"])
            {1: first, 2: second}.get(value["n"], away).set()

    one = Service(str(place), echo)
    one.publish({"n": 1})
    follower = threading.Thread(target=follow, daemon=True)
    follower.start()
    assert first.wait(5.0)
    one.close()
    assert away.wait(5.0)
    two = Service(str(place), echo)
    two.publish({"n": 2})
    assert second.wait(5.0)
    watch.close()
    follower.join(5.0)
    assert not follower.is_alive()
    two.close()


def test_a_stale_socket_is_replaced_and_a_living_one_is_not(place: Path, served: Service) -> None:
    with pytest.raises(Busy):
        Service(str(place), echo)
    dead = place.with_name("dead.sock")
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(dead))
    assert dead.exists() and not answers(str(dead))
    Service(str(dead), echo).close()


def test_nobody_there(place: Path) -> None:
    with pytest.raises(NoController):
        client.call(str(place), "hello")


@pytest.mark.parametrize("error", [
    BadConfig("b", cure="c", where="f:1: k"), NotFound("n"), Temporary("t"), Busy("held"),
    Ambiguous("x", ("a/x", "b/x")),
])  # fmt: skip
def test_an_error_keeps_its_kind_on_the_way(error: CityError) -> None:
    back = client.revived(json.loads(json.dumps(failure(error))))
    assert type(back) is type(error) and back.exit_code == error.exit_code
    assert getattr(back, "candidates", ()) == getattr(error, "candidates", ())


def test_an_error_that_is_not_ours_says_what_it_is() -> None:
    assert "ZeroDivisionError" in str(client.revived(failure(ZeroDivisionError("by zero"))))
