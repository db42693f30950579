"""Check scripts: where one may lie, what it is told, and how it is run without anybody waiting for it.

The contract is Gas City's (`internal/convergence/condition.go`): exit 0 passes; a non-zero exit, a script that cannot
be run and a timeout do not; output is kept up to 4096 bytes a stream.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG

from gcity_tui.factory.findings import seconds_of
from gcity_tui.factory.run import Run, number
from gcity_tui.model.bead import Bead, Meta
from gcity_tui.model.declared import DeclaredCity, Rig
from gcity_tui.model.errors import Permanent
from gcity_tui.model.names import seconds
from gcity_tui.model.text import one_line

DEFAULT_TIMEOUT = 300.0
KEPT = 4096
PASSED = ("XDG_RUNTIME_DIR",)
"""What a script's `bd` and `gc` find the controller by, when it is set."""
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Script:
    """One run to be made. `key` is the same for the same check of the same round."""

    key: str
    path: Path
    cwd: Path
    timeout: float = DEFAULT_TIMEOUT
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it. `exit` is -1 when it could not be run or took too long; `note` says so."""

    exit: int
    out: str = ""
    err: str = ""
    note: str = ""
    late: bool = False
    """It took too long."""

    @property
    def passed(self) -> bool:
        return self.exit == 0

    @property
    def reason(self) -> str:
        return one_line(self.note or self.err or self.out or f"exit {self.exit}", 500)


Runner = Callable[[Script], "Result | None"]
"""Gives the result of a script, or None while it runs; called again with the same script later."""


def rig_of(declared: DeclaredCity, bead: Bead) -> Rig | None:
    """The rig whose prefix a bead's id has; longest prefix first, so that `ab-c` is not taken for `ab`."""
    rigs = sorted(declared.rigs, key=lambda r: -len(r.prefix))
    return next((r for r in rigs if bead.id.startswith(f"{r.prefix}-")), None)


def script_of(declared: DeclaredCity, run: Run, control: Bead, attempt: Bead) -> Script:
    """The check of `attempt`, as its control names it. Raises Permanent when the path is none that may be run."""
    meta = control.metadata
    work = meta.get(Meta.WORK_DIR) or meta.get("work_dir") or ""
    cwd = Path(work) if work and Path(work).is_dir() else declared.path
    n, rig = number(attempt), rig_of(declared, control)
    env = {
        **_city_env(declared, rig),
        "GC_BEAD_ID": attempt.id,
        "GC_CONTROL_ID": control.id,
        "GC_WORKFLOW_ID": run.root.id,
        "GC_WISP_ID": run.root.id,
        "GC_ITERATION": str(n),
        "GC_ITERATION_DURATION_MS": _milliseconds(attempt.started_at or attempt.created_at, attempt.closed_at),
        "GC_CUMULATIVE_DURATION_MS": _milliseconds(control.created_at, attempt.closed_at),
        "GC_MAX_ITERATIONS": meta.get(Meta.MAX_ATTEMPTS, ""),
        "GC_AGENT_VERDICT": attempt.metadata.get(Meta.VERDICT, ""),
        "GC_WORK_DIR": str(cwd),
    }
    path = allowed(declared, meta.get("gc.check_path", ""), cwd)
    limit = seconds(meta.get("gc.check_timeout", "")) or DEFAULT_TIMEOUT
    return Script(f"{control.id}:check:{n}", path, cwd, limit, env)


def _milliseconds(began: str, ended: str) -> str:
    first, last = seconds_of(began), seconds_of(ended)
    return str(round(max(last - first, 0.0) * 1000)) if first and last else "0"


def gate_script(declared: DeclaredCity, key: str, named: str, limit: str, more: Mapping[str, str], rig: str) -> Script:
    """A convergence gate's condition. Raises Permanent when the path is none that may be run."""
    about = declared.rig(rig) if rig else None
    cwd = about.path if about else declared.path
    env = {**_city_env(declared, about), **more, "GC_WORK_DIR": str(cwd)}
    return Script(key, allowed(declared, named, cwd), cwd, seconds(limit) or DEFAULT_TIMEOUT, env)


def _city_env(declared: DeclaredCity, rig: Rig | None) -> dict[str, str]:
    return {
        "PATH": f"{declared.path}/.gc/bin:{os.environ.get('PATH') or SYSTEM_PATH}",
        "HOME": str(declared.path),
        "TMPDIR": os.environ.get("TMPDIR", "/tmp"),
        "LANG": os.environ.get("LANG", "C.UTF-8"),
        **{name: os.environ[name] for name in PASSED if name in os.environ},
        "GC_CITY": str(declared.path),
        "GC_CITY_PATH": str(declared.path),
        "GC_CITY_NAME": declared.name,
        "GC_RIG": rig.name if rig else "",
        "GC_STORE_PATH": str(rig.path if rig else declared.path),
    }


def allowed(declared: DeclaredCity, named: str, cwd: Path) -> Path:
    """The real file that a check's path means: executable, and inside the city, a rig, a pack or a formula folder."""
    if not named or ".." in Path(named).parts:
        raise Permanent(f"check script {named!r}: not a path that may be run", cure="name it without '..'")
    tried = [Path(named)] if Path(named).is_absolute() else [cwd / named, declared.path / named]
    roots = [declared.path, *(r.path for r in declared.rigs), *declared.pack_dirs, *declared.formula_layers, cwd]
    # A formula's `../assets` lies beside its folder of formulas.
    roots += [layer.parent for layer in declared.formula_layers]
    for r in declared.rigs:
        roots += [p for layer in r.formula_layers for p in (layer, layer.parent)]
    for path in tried:
        try:
            real = path.resolve(strict=True)
        except OSError:
            continue
        if not any(real.is_relative_to(root.resolve()) for root in roots):
            raise Permanent(f"check script {named!r} leads out of the city and its packs", where=str(real))
        if not S_ISREG(real.stat().st_mode) or not os.access(real, os.X_OK):
            raise Permanent(f"check script {named!r} cannot be executed", cure="chmod +x it", where=str(real))
        return real
    raise Permanent(f"check script {named!r} is not there", where=str(tried[0]))


def run(script: Script) -> Result:
    """Run it here and now. Its whole process group ends with it or with its time."""
    try:
        process = subprocess.Popen(
            [str(script.path)], cwd=script.cwd, env=dict(script.env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
    except OSError as e:
        return Result(-1, note=f"could not be run: {e.strerror}")
    try:
        out, err = process.communicate(timeout=script.timeout)
    except subprocess.TimeoutExpired:
        _end(process)
        return Result(-1, note=f"took over {script.timeout:.0f} s", late=True)
    finally:
        _end(process)
    said, complained = (b[:KEPT].decode("utf-8", "replace") for b in (out, err))
    return Result(process.returncode, said, complained)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the group, a child that kept the pipes open included."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    for pipe in (process.stdout, process.stderr):
        if pipe:
            pipe.close()
    process.wait()


class Background:
    """A Runner with one thread of its own. A result is handed out once; `done` is called when one has come."""

    def __init__(self, done: Callable[[], None] = lambda: None, one: Callable[[Script], Result] = run) -> None:
        self._done, self._one = done, one
        self._turn = threading.Condition()
        self._waiting: deque[Script] = deque()
        self._known: set[str] = set()
        self._results: dict[str, Result] = {}
        self._shut = False
        self._thread: threading.Thread | None = None

    def __call__(self, script: Script) -> Result | None:
        with self._turn:
            if script.key in self._results:
                self._known.discard(script.key)
                return self._results.pop(script.key)
            if script.key not in self._known and not self._shut:
                self._known.add(script.key)
                self._waiting.append(script)
                if self._thread is None:
                    self._thread = threading.Thread(target=self._work, name="check scripts", daemon=True)
                    self._thread.start()
                self._turn.notify()
            return None

    def shut(self) -> None:
        """Begin no more; the thread ends after the script it is at."""
        with self._turn:
            self._shut = True
            self._waiting.clear()
            self._turn.notify()

    def _work(self) -> None:
        while True:
            with self._turn:
                while not self._waiting and not self._shut:
                    self._turn.wait()
                if self._shut:
                    return
                script = self._waiting.popleft()
            result = self._one(script)
            with self._turn:
                self._results[script.key] = result
            self._done()
