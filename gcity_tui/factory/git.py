"""git, asked without a shell: one deadline, one environment, no hooks and no prompts of the repository it looks at.

Runs in the caller's thread (the controller has one runner for git; the loop never comes here).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gcity_tui.model.errors import NotFound, Permanent, Temporary
from gcity_tui.model.text import one_line

DEADLINE = 60.0
"""Seconds for one call: a checkout of a large tree on a slow disk takes many of them."""
# A repository may carry settings that run programs; what we ask needs none of them.
_QUIET = (
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "gc.auto=0",
    "-c",
    "advice.detachedHead=false",
)
_DROP = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_COMMON_DIR",
    "GIT_PREFIX",
    "GIT_NAMESPACE",
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one call gave back; `out` and `err` are bytes as git wrote them."""

    code: int
    out: bytes
    err: bytes

    @property
    def text(self) -> str:
        return self.out.decode("utf-8", "replace").strip()

    @property
    def complaint(self) -> str:
        """The last line git said, made harmless."""
        lines = [line for line in self.err.decode("utf-8", "replace").splitlines() if line.strip()]
        return one_line(lines[-1], 300) if lines else f"git ended with {self.code}"


def environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The caller's variables without those that point git at another repository; English, no prompts, no paging."""
    use = {k: v for k, v in (os.environ if environ is None else environ).items() if k not in _DROP}
    return use | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_PAGER": "cat"}


def ask(where: Path | str, *words: str, deadline: float = DEADLINE, stdin: bytes = b"") -> Answer:
    """`git <words>` in `where`, whatever it exits with. Raises NotFound (no git, no folder) or Temporary (too slow)."""
    try:
        done = subprocess.run(
            ["git", *_QUIET, *words], cwd=where, env=environment(), input=stdin, capture_output=True, timeout=deadline,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as e:
        raise Temporary(f"git {words[0]} took over {deadline:.0f} s", where=str(where)) from e
    except FileNotFoundError as e:
        missing = "no such folder" if not Path(where).is_dir() else "git is not installed"
        raise NotFound(missing, cure="install git" if "git" in missing else "", where=str(where)) from e
    except OSError as e:
        raise Permanent(f"git could not be run: {e.strerror}", where=str(where)) from e
    return Answer(done.returncode, done.stdout, done.stderr)


def must(where: Path | str, *words: str, deadline: float = DEADLINE) -> str:
    """As `ask`, but a failure raises Permanent with what git said. Returns its text."""
    answer = ask(where, *words, deadline=deadline)
    if answer.code:
        raise Permanent(f"git {words[0]}: {answer.complaint}", where=str(where))
    return answer.text


def commit_of(where: Path | str, name: str) -> str:
    """The full id of the commit that `name` means, or "" when it means none."""
    if not name or name.startswith("-"):
        return ""
    answer = ask(where, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    return answer.text if answer.code == 0 else ""


def branch_of(where: Path | str) -> str:
    """The branch that is checked out there, or "" when HEAD is detached."""
    answer = ask(where, "symbolic-ref", "--quiet", "--short", "HEAD")
    return answer.text if answer.code == 0 else ""


def text_at(where: Path | str, commit: str, path: str) -> str | None:
    """The text of a file in a commit; None when it is not there or is not text."""
    answer = ask(where, "cat-file", "blob", f"{commit}:{path}")
    if answer.code or b"\0" in answer.out[:8000]:
        return None
    return answer.out.decode("utf-8", "replace")


def changed(where: Path | str, before: str, after: str) -> tuple[str, ...]:
    """Paths that differ between two commits (renames as one removal and one addition)."""
    answer = ask(where, "diff", "--name-only", "--no-renames", "-z", before, after, "--")
    if answer.code:
        raise Permanent(f"git diff: {answer.complaint}", where=str(where))
    return tuple(p for p in answer.out.decode("utf-8", "surrogateescape").split("\0") if p)


def is_ancestor(where: Path | str, older: str, newer: str) -> bool:
    return ask(where, "merge-base", "--is-ancestor", older, newer).code == 0
