"""What GitHub says of the workflow runs and pull requests that gates wait for: asked of its own program, `gh`.

Never inside a transaction: a question takes seconds. Format: `gh run view|list --json`, `gh pr view --json` (gh 2.x).
"""

import _thread

from gcity_tui.model.errors import Busy, NotFound, Temporary, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

TIMEOUT = 20.0
"""Seconds one question may take."""
EARLY = 1800
"""Seconds before its gate that a workflow's run may have begun: bd's own --max-age."""
MOST = 200_000
_asking = _thread.allocate_lock()
_FINE = ("success", "neutral", "skipped")


def ask(kind: str, name: str, since: int, cwd: str, env: "Mapping[str, str]") -> tuple[str, str]:
    """How it stands with what a gate waits for: ("met" | "failed" | "waiting", why).

    `kind` is gh:run or gh:pr; `name` a run's number, a workflow's name, a pull request's number, branch or URL; `since`
    (microseconds) when the gate was made. Raises NotFound (no `gh`), Temporary (it did not answer), Usage (no name).
    """
    if not name or name.startswith("-"):
        raise Usage(f"a {kind} gate needs the id of what it waits for", cure="bd gate create --await-id ID")
    if kind == "gh:pr":
        said = _gh(["pr", "view", name, "--json", "state"], cwd, env)
        state = str(_field(said, "state")).upper()
        return {"MERGED": "met", "CLOSED": "failed"}.get(state, "waiting"), f"pull request {name} is {state.lower()}"
    number = name if name.isdecimal() else found(name, since, cwd, env)
    if not number:
        return "waiting", f"no run of {name} yet"
    said = _gh(["run", "view", number, "--json", "status,conclusion"], cwd, env)
    status, end = str(_field(said, "status")), str(_field(said, "conclusion"))
    if status != "completed":
        return "waiting", f"run {number} is {status}"
    return "met" if end in _FINE else "failed", f"run {number} ended with {end}"


def found(workflow: str, since: int, cwd: str, env: "Mapping[str, str]") -> str:
    """The number of the newest run of a workflow that began at most half an hour before the gate, or ""."""
    from gcity_tui.beads.dialect import values

    words = ["run", "list", "--workflow", workflow, "--limit", "20", "--json", "databaseId,createdAt"]
    runs = _gh(words, cwd, env)
    fresh = [
        (when, str(run.get("databaseId") or ""))
        for run in (runs if isinstance(runs, list) else [])
        if isinstance(run, dict) and (when := values.iso(str(run.get("createdAt")))) >= since - EARLY * values.SECOND
    ]
    return max(fresh)[1] if fresh else ""


def _field(said: "Any", key: str) -> "Any":
    if not isinstance(said, dict) or key not in said:
        raise Temporary(f"gh did not say its {key}")
    return said[key] or ""


def _gh(words: list[str], cwd: str, env: "Mapping[str, str]") -> "Any":
    """What `gh` answers, from JSON. One question at a time: a controller's few workers must not all stand here."""
    if not _asking.acquire(False):
        raise Busy("somebody else is asking GitHub", cure="check again in a moment")
    try:
        return _run(words, cwd, env)
    finally:
        _asking.release()


def _run(words: list[str], cwd: str, env: "Mapping[str, str]") -> "Any":
    import json
    import shutil
    import subprocess

    program = shutil.which("gh", path=env.get("PATH"))
    if not program:
        raise NotFound("gh is not on PATH", cure="install GitHub's gh and log in, or bd gate resolve by hand")
    quiet = {**env, "GH_PROMPT_DISABLED": "1", "NO_COLOR": "1", "GH_PAGER": ""}
    try:
        done = subprocess.run(
            [program, *words], cwd=cwd, env=quiet, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as e:
        raise Temporary(f"gh did not answer within {TIMEOUT:.0f} s") from e
    except OSError as e:
        raise Temporary(f"gh cannot be run: {e.strerror}", where=program) from e
    if done.returncode:
        lines = done.stderr[:MOST].decode("utf-8", "replace").strip().splitlines()
        raise Temporary(f"gh: {lines[-1][:300] if lines else f'exit {done.returncode}'}")
    try:
        return json.loads(done.stdout[:MOST])
    except (ValueError, RecursionError) as e:
        raise Temporary("gh did not answer in JSON") from e
