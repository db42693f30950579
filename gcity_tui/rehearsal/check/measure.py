"""The child that runs one entry point: once under the profiler, or once counting how often given lines are executed.

Run as a script by file name, so that the program under test finds nothing of ours on its import path. Its argument is
a JSON file: {"argv": [...], "module": bool, "root": folder, "mode": "time"|"count", "lines": {file: [line, …]},
"calls": {file: [line of def, …]}, "enough": n, "limit": seconds, "result": file}. It appends one JSON line per fact to
`result` at once, so that a program which hangs or dies later has still told what was seen:
{"hot": [file, line, count]} and {"time": [file, line, function, calls, milliseconds]}.
"""

from __future__ import annotations

import cProfile
import json
import os
import pstats
import runpy
import signal
import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any


def main(spec_file: str) -> None:
    """Run what the specification says."""
    with open(spec_file, encoding="utf-8") as file:
        spec: dict[str, Any] = json.load(file)
    result = os.open(spec["result"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    sys.argv = list(spec["argv"])
    sys.path[0] = spec["root"]
    signal.signal(signal.SIGALRM, _out_of_time)
    if spec["mode"] == "count":
        counter = _Counter(spec, result)
        sys.settrace(counter.enter)
        try:
            _run(spec)
        finally:
            sys.settrace(None)
            counter.flush()
    else:
        profile = cProfile.Profile()
        try:
            profile.runcall(_run, spec)
        finally:
            _times(profile, spec["root"], result)


def _out_of_time(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(124)


def _run(spec: dict[str, Any]) -> None:
    signal.setitimer(signal.ITIMER_REAL, float(spec["limit"]))
    try:
        if spec["module"]:
            runpy.run_module(spec["argv"][0], run_name="__main__", alter_sys=True)
        else:
            # By its full name, so that its code objects bear the name that the counter looks for.
            sys.argv[0] = os.path.join(spec["root"], spec["argv"][0])  # noqa: PTH118
            runpy.run_path(sys.argv[0], run_name="__main__")
    except BaseException:  # the program under test may end in any way; what was counted until then is the result
        pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


class _Counter:
    """A tracer that follows only the functions that hold a line in question."""

    def __init__(self, spec: dict[str, Any], result: int) -> None:
        self._enough, self._result = int(spec["enough"]), result
        self._lines = {name: set(lines) for name, lines in spec["lines"].items()}
        self._calls = {name: set(lines) for name, lines in spec["calls"].items()}
        self._counts: dict[tuple[str, int], int] = {}
        self._wanted: dict[CodeType, frozenset[int]] = {}

    def enter(self, frame: FrameType, _event: str, _given: object) -> Callable[..., Any] | None:
        code = frame.f_code
        name = code.co_filename
        if name not in self._lines and name not in self._calls:
            return None
        if code.co_firstlineno in self._calls.get(name, ()):
            self._add(name, code.co_firstlineno)
        wanted = self._wanted.get(code)
        if wanted is None:
            own = {line for _, _, line in code.co_lines() if line is not None}
            wanted = self._wanted[code] = frozenset(own & self._lines.get(name, set()))
        return self._follow if wanted else None

    def _follow(self, frame: FrameType, event: str, _given: object) -> Callable[..., Any] | None:
        if event == "line" and frame.f_lineno in self._wanted[frame.f_code]:
            self._add(frame.f_code.co_filename, frame.f_lineno)
        return self._follow

    def _add(self, name: str, line: int) -> None:
        count = self._counts[name, line] = self._counts.get((name, line), 0) + 1
        if count == self._enough:
            self._tell(name, line, count)

    def _tell(self, name: str, line: int, count: int) -> None:
        os.write(self._result, json.dumps({"hot": [name, line, count]}).encode() + b"\n")

    def flush(self) -> None:
        """The full counts of what was hot."""
        for (name, line), count in self._counts.items():
            if count > self._enough:
                self._tell(name, line, count)


def _times(profile: cProfile.Profile, root: str, result: int) -> None:
    stats: dict[tuple[str, int, str], tuple[int, int, float, float, Any]] = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    for (name, line, function), (_, calls, _, seconds, _) in stats.items():
        if name.startswith(root):
            row = json.dumps({"time": [name, line, function, calls, round(seconds * 1000, 1)]})
            os.write(result, row.encode() + b"\n")


if __name__ == "__main__":
    main(sys.argv[1])
    # The program's threads and exit handlers have nothing to add.
    os._exit(0)
