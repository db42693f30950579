"""A session's own hooks: files in its scratch folder that its program is pointed at, and what they report of its state.

The user's own settings are never touched: the program reads these beside them, as its provider's data says.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from gcity_tui.model.errors import Refused
from gcity_tui.model.session import Evidence, Phase

STATE = "state"
"""The file's name in the scratch folder. A hook writes one word into it, by `echo busy > "$GC_SCRATCH/state"`."""
_WORDS = {"idle": Phase.READY, "busy": Phase.BUSY, "waiting": Phase.WAITING}


def install(scratch: Path, files: Mapping[str, str]) -> None:
    """Make the folder and write the files, for the user only; an old report is taken away. Raises Refused."""
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        (scratch / STATE).unlink(missing_ok=True)
        for name, text in files.items():
            path = _inside(scratch, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)  # not through a link that somebody put there
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(fd, "w", encoding="utf-8") as f:
                f.write(text)
    except OSError as e:
        raise Refused(f"cannot write the session's hooks in {scratch}: {e.strerror}") from e


def remove(scratch: Path, files: Iterable[str]) -> None:
    """Take the files away again, with the report and folders that are empty then."""
    for name in (*files, STATE):
        path = _inside(scratch, name)
        try:
            path.unlink(missing_ok=True)
            while path.parent != scratch:
                path = path.parent
                path.rmdir()
        except OSError:
            continue


def _inside(scratch: Path, name: str) -> Path:
    path = scratch / name
    if Path(name).is_absolute() or ".." in Path(name).parts or not name:
        raise Refused(f"a hook's file {name!r} is outside of the session's folder")
    return path


class Report:
    """The last word of a session's hooks, read again only when it was written."""

    def __init__(self, scratch: Path) -> None:
        self.path = scratch / STATE
        self._stamp = (0, 0)
        self._told: Evidence | None = None

    def read(self) -> Evidence | None:
        """The claim, as old as the file; None while there is none or it is just being written."""
        try:
            s = self.path.stat()
            stamp = (s.st_mtime_ns, s.st_ino)
            if stamp != self._stamp:
                words = self.path.read_bytes()[:200].decode("ascii", "replace").split()
                if not words or words[0] not in _WORDS:
                    return self._told
                said = " ".join(words[1:]) or words[0]
                self._told = Evidence("hook", s.st_mtime, _WORDS[words[0]], f"its hook said {said}")
                self._stamp = stamp
        except OSError:
            self._stamp, self._told = (0, 0), None
        return self._told
