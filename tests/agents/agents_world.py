"""A city of real agent programs that speak to a model stub, all in one folder: home, stub, tools, city, rig."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import presets

from gcity_tui.city import City
from gcity_tui.config.write import add_rig, init_city
from gcity_tui.model.errors import CityError
from gcity_tui.model.snapshot import SessionView
from gcity_tui.tmux.processes import environment

HERE = Path(__file__).resolve().parent
REAL_CACHE = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
AGENTS = Path(os.environ.get("GCITY_AGENTS") or Path(REAL_CACHE) / "gcity-tui" / "agents")
"""Where install.sh put the programs; read before a test is given a home of its own."""
WORLDS = Path(REAL_CACHE) / "gcity-tui" / "worlds"


def installed(program: str) -> bool:
    return os.access(AGENTS / "bin" / program, os.X_OK)


class Stub:
    """The model stub as a process; `rows` is what reached it so far."""

    def __init__(self, folder: Path) -> None:
        self.log, ready = folder / "stub.jsonl", folder / "stub.ready"
        self.log.touch()
        self._rows: list[dict[str, Any]] = []
        self._texts: dict[int, str] = {}
        self._read, self._lock = 0, threading.Lock()
        words = [sys.executable, str(HERE / "model_stub.py"), "--log", str(self.log), "--ready", str(ready)]
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL)
        until(lambda: ready.exists() and ready.read_text() != "", 20.0, "the stub listens")
        self.url = f"http://{ready.read_text()}"

    def rows(self) -> list[dict[str, Any]]:
        """Requests and their ends, in order; `said` and `parts` are texts again."""
        with self._lock, self.log.open("rb") as f:
            f.seek(self._read)
            data = f.read()
            whole = data.rpartition(b"\n")[0]
            self._read += len(whole) + 1 if whole else 0
            for line in whole.splitlines():
                row = json.loads(line)
                if "number" in row:
                    self._texts[row["number"]] = row["text"]
                    continue
                for key in ("said", "parts"):
                    if key in row:
                        row[key] = [self._texts[n] for n in row[key]]
                self._rows.append(row)
            return list(self._rows)

    def asked(self) -> list[dict[str, Any]]:
        """Requests of agents themselves: no titles, no routers."""
        return [r for r in self.rows() if r.get("main")]

    def aborted(self) -> int:
        return sum(1 for r in self.rows() if r.get("aborted"))

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(10)


class World:
    """`agents` maps names to providers. Without `rig` the city has agents of its own, which wait for words."""

    def __init__(
        self, folder: Path, agents: Mapping[str, str], *, rig: Path | None = None, trust: bool = True, extra: str = "",
        plan: bool = False,
    ) -> None:  # fmt: skip
        self.folder, self.home, self.stub = folder, folder / "home", Stub(folder)
        self.path, self.rig, self._began = folder / "town", rig, 0
        try:
            trusted = [self.path, *([rig] if rig else [])] if trust else []
            presets.write_home(self.home, self.stub.url, trusted, key_known=trust and not plan, plan=plan)
            self._city(agents, extra)
        except BaseException:
            self.stub.close()
            raise
        environ = {k: v for k, v in os.environ.items() if not k.startswith("XDG_") or k == "XDG_RUNTIME_DIR"}
        keys = {k: v for k, v in presets.KEYS.items() if not (plan and k == "ANTHROPIC_API_KEY")}
        path = os.pathsep.join([str(self._tools()), str(AGENTS / "bin"), environ.get("PATH", "/usr/bin:/bin")])
        self.city = City.open(self.path, environ={**environ, **keys, "HOME": str(self.home), "PATH": path})

    def _city(self, agents: Mapping[str, str], extra: str) -> None:
        if self.rig is not None:
            add_rig(init_city(self.path, "town", "review", "claude", agents), self.rig)
        else:
            for name, provider in agents.items():
                folder = self.path / "agents" / name
                folder.mkdir(parents=True)
                (folder / "agent.toml").write_text(f'provider = "{provider}"\nmax_active_sessions = 1\n')
                (folder / "prompt.template.md").write_text(f"You are {name}. You wait for what you are told.\n")
            init_city(self.path, "town", "", "claude")
        toml = self.path / "city.toml"
        toml.write_text(toml.read_text() + presets.provider_tables(self.stub.url, self.folder) + extra)

    def _tools(self) -> Path:
        """What a scripted model knows to call for its reviewing and mending, on PATH as a user's own tools are."""
        folder = self.folder / "tools"
        folder.mkdir()
        for name, words in {
            "rehearsal-check": "-P -m gcity_tui.rehearsal.check",
            "rehearsal-fix": f"'{HERE / 'mend.py'}'",
        }.items():
            path = folder / name
            path.write_text(f"#!/bin/sh\nPYTHONDONTWRITEBYTECODE=1 exec '{sys.executable}' {words} \"$@\"\n")
            path.chmod(0o755)
        return folder

    def session(self, name: str) -> SessionView:
        return self.city.resolve(name)

    def screens(self) -> str:
        """What every pane shows, for a test that fails."""
        shown = []
        for s in self.city.sessions():
            try:
                text = self.city.peek(s.instance, 40)
            except CityError as e:
                text = str(e)
            shown.append(f"--- {s.instance} {s.phase.word} ({s.why}) {s.state} {s.reason}\n{text.rstrip()}")
        return "\n".join(shown)

    def server(self) -> int:
        """The process of the city's tmux server; 0 when none answers."""
        try:
            return int(self.city.site.hands.ask("display-message -p '#{pid}'")[0])
        except (CityError, ValueError, IndexError):
            return 0

    def up(self, *names: str) -> None:
        """The controller, and sessions of these names, ready."""
        self.city.up()
        for name in names:
            awaken(self, name)
        self._began = self.server()

    def close(self) -> tuple[bool, list[str]]:
        """Take everything down: whether the tmux server was the same all along; processes that are left."""
        try:
            alive = not self._began or self._began == self.server()
            self.city.down()
        finally:
            self.city.close()
            self.stub.close()
        return alive, left_over(self.folder)


class Person(threading.Thread):
    """Answers what agents ask, by what `choose` says of the question's options, until `stop`."""

    def __init__(self, world: World, choose: Callable[[tuple[str, ...]], str] = lambda options: options[0]) -> None:
        super().__init__(daemon=True)
        self.world, self.choose = world, choose
        self.answered: list[tuple[str, str, str]] = []
        """(session, what was asked, the option picked)"""
        self.trouble: list[str] = []
        self._over = threading.Event()

    def run(self) -> None:
        for snap in self.world.city.watch():
            if self._over.is_set():
                return
            for s in snap.sessions:
                if s.pending is not None and s.pending.options:
                    self._answer(s)

    def _answer(self, s: SessionView) -> None:
        assert s.pending is not None
        option = self.choose(s.pending.options)
        try:
            self.world.city.respond(s.instance, option, request_id=s.pending.request_id)
        except CityError as e:  # it went, or was answered meanwhile: what is still asked comes again
            self.trouble.append(f"{s.instance}: {e}")
            return
        self.answered.append((s.instance, s.pending.detail, option))

    def stop(self) -> None:
        self._over.set()


def until(fits: Callable[[], object], seconds: float, what: str, told: Callable[[], str] = lambda: "") -> None:
    """Wait for another process; fails with `what` and what `told` says."""
    deadline = time.monotonic() + seconds
    while not fits():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}\n{told()}"
        time.sleep(0.1)


def awaken(world: World, name: str) -> None:
    world.city.start(name)
    until(lambda: any(s.instance == name and s.phase.word == "ready" for s in world.city.sessions()), 120,
          f"{name} is ready", world.screens)  # fmt: skip


def heard(world: World, text: str) -> int:
    """How often the newest conversation that holds `text` holds it as a person's words."""
    rows = [r for r in world.stub.asked() if text in r["said"]]
    return rows[-1]["said"].count(text) if rows else 0


def left_over(folder: Path, session: str = "") -> list[str]:
    """Processes that belong to the world in `folder`, or to the session with that record: by their environment, by
    where they stand, by what their command line names. Some programs clear the environment of what they start."""
    found = []
    for name in os.listdir("/proc"):  # noqa: PTH208 - names only
        if not name.isdecimal() or int(name) == os.getpid():
            continue
        proc = Path("/proc") / name
        try:
            env = environment(int(name))
            words = (proc / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            where = str((proc / "cwd").readlink())
        except OSError:
            continue
        if session:
            ours = f"GC_SESSION_ID={session}".encode() in env
        else:
            ours = os.fsencode(folder) in b"\0".join(env) or str(folder) in words or where.startswith(str(folder))
        if ours and "model_stub.py" not in words:
            found.append(f"{name} {words}")
    return found


def missing(providers: Iterable[str]) -> list[str]:
    """Those of `providers` that are not installed."""
    return sorted({p for p in providers if not installed(p)})
