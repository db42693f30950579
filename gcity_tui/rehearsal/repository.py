"""The agent's hands in a git work tree: edits that can be repeated, and one commit per act, found by its trailer."""

from __future__ import annotations

import os
import time
from pathlib import Path

from gcity_tui.rehearsal.programs import Outcome, Programs

_STALE_LOCK = 2.0  # seconds after which the lock of a killed git is taken for dead; only this agent works in the tree


class RepositoryError(Exception):
    """An edit or a commit that cannot be made."""


class Repository:
    """Git in `folder`, and the files below it."""

    def __init__(self, folder: Path, programs: Programs, who: str, since: float) -> None:
        self.folder, self._programs, self._who = folder.resolve(), programs, who
        self._since = since  # the bead's birth: an older commit with its trailer is of another city's bead of that id
        self.touched: dict[str, None] = {}

    def git(self, *words: str) -> Outcome:
        """One git command."""
        return self._programs.run(["git", *words], self.folder, 120.0)

    def head(self) -> str:
        """The commit that is checked out; empty outside a repository."""
        outcome = self.git("rev-parse", "HEAD")
        return outcome.out.strip() if outcome.code == 0 else ""

    def inside(self, name: str) -> Path:
        """The file `name`, which must lie in the work tree and not in git's own folder."""
        path = (self.folder / name).resolve()
        if not path.is_relative_to(self.folder) or ".git" in path.relative_to(self.folder).parts:
            raise RepositoryError(f"{name}: outside of the work tree")
        return path

    def read(self, name: str) -> str:
        """The text of a file, line ends as they are."""
        try:
            return self.inside(name).read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise RepositoryError(f"{name}: {error}") from error

    def write(self, name: str, text: str) -> None:
        """Replace a file whole: a kill leaves the old text or the new one."""
        path = self.inside(name)
        self.touched[name] = None
        try:
            if path.exists() and path.read_bytes() == text.encode():
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f".{path.name}.rehearsal")
            fresh.write_bytes(text.encode())
            if path.exists():
                fresh.chmod(path.stat().st_mode & 0o777)
            fresh.replace(path)
        except OSError as error:
            raise RepositoryError(f"{name}: {error}") from error

    def replace(self, name: str, find: str, new: str) -> str:
        """Replace `find` by `new`, once; done already is done. The text after."""
        text = self.read(name)
        self.touched[name] = None
        if new and new in text and (find not in text or find in new):
            return text
        if text.count(find) != 1:
            raise RepositoryError(f"{name}: the text to replace is there {text.count(find)} times, not once")
        self.write(name, text.replace(find, new))
        return text.replace(find, new)

    def commit(self, message: str, bead: str, act: int) -> str:
        """Commit what was touched, unless this act of this bead has its commit already; the commit's hash."""
        trailers = f"Bead: {bead}\nRehearsal-Act: {act}"
        for _ in range(5):
            own = self.own_commit(bead, act)
            if own:
                return own
            paths = [name for name in self.touched if self.git("status", "--porcelain", "--", name).out.strip()]
            if not paths:
                return self.head()
            outcome = self.git("add", "--", *paths)
            if outcome.code == 0:
                # --no-verify: the repository's own hooks may want the network or its owner's tools.
                outcome = self.git(
                    *self._identity(), "-c", "commit.gpgsign=false", "commit", "--quiet", "--no-verify",
                    "-m", message, "-m", trailers, "--", *paths,
                )  # fmt: skip
            if outcome.code == 0:
                return self.head()
            if "nothing to commit" in outcome.text or "no changes added" in outcome.text:
                continue  # a git that outlived a killed agent was faster
            if "index.lock" not in outcome.err and "HEAD.lock" not in outcome.err:
                raise RepositoryError(f"git commit: {outcome.text}")
            self._wait_for_lock()
        raise RepositoryError("git commit: the work tree stays locked")

    def _identity(self) -> list[str]:
        """An identity where the machine has none."""
        if os.environ.get("GIT_AUTHOR_EMAIL") or self.git("config", "user.email").out.strip():
            return []
        return ["-c", f"user.name={self._who}", "-c", "user.email=rehearsal@localhost"]

    def own_commit(self, bead: str, act: int | None = None) -> str:
        """The commit that carries the bead's trailer (and that act's), made before a kill; empty when there is none."""
        keys = [f"%(trailers:key={key},valueonly,separator=%x2C)" for key in ("Bead", "Rehearsal-Act")]
        form = "%x1f".join(["%H", "%ct", *keys])
        for line in self.git("log", "-n", "200", f"--format={form}").out.splitlines():
            fields = [field.strip() for field in line.split("\x1f")]
            is_mine = len(fields) == 4 and fields[2] == bead and float(fields[1]) >= self._since - 1
            if is_mine and (act is None or fields[3] == str(act)):
                return fields[0]
        return ""

    def _wait_for_lock(self) -> None:
        self._programs.pause(0.5)
        for name in ("index.lock", "HEAD.lock"):
            lock = self.folder / self.git("rev-parse", "--git-path", name).out.strip()
            try:
                if lock.is_file() and time.time() - lock.stat().st_mtime > _STALE_LOCK:
                    lock.unlink()
            except OSError:
                continue
