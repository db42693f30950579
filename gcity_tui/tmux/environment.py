"""What a pane may know: an allow-list of the user's environment; secrets by a private file that is read and removed."""

from __future__ import annotations

import os
import re
import secrets as _random
import shlex
import time
from collections.abc import Mapping
from pathlib import Path

from gcity_tui.model.errors import RuntimeUnavailable, Usage

_ALLOWED = frozenset({
    "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "SHELL", "PATH", "SSH_AUTH_SOCK", "TMPDIR", "COLORTERM",
    "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "TERM",
})  # fmt: skip
_FAMILIES = ("LC_", "GC_", "GT_", "BEADS_", "GCITY_", "GIT_AUTHOR_", "GIT_COMMITTER_")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_STALE = 60.0  # seconds after which a launch file that no pane read is swept


def allowed(name: str) -> bool:
    """Whether a variable may stand openly in a pane's environment (anyone on the server can list it)."""
    return name in _ALLOWED or (name.startswith(_FAMILIES) and bool(_NAME.match(name)))


def inherited(environ: Mapping[str, str]) -> dict[str, str]:
    """The part of the user's environment that the city's server, and so every pane, starts with."""
    return {k: v for k, v in environ.items() if allowed(k) and not k.startswith(("GC_", "GT_", "BEADS_", "GCITY_"))}


def checked(env: Mapping[str, str], *, secret: bool = False) -> Mapping[str, str]:
    """`env`, or Usage for a name that is no name, a value with a NUL, or (unless `secret`) a name not on the list."""
    for name, value in env.items():
        if not _NAME.match(name) or "\x00" in value:
            raise Usage(f"not an environment variable: {name!r}")
        if not secret and not allowed(name):
            raise Usage(f"{name} does not go openly into a pane", cure="pass it as a secret")
    return env


def write_launch(folder: Path, secrets: Mapping[str, str]) -> Path:
    """A 0600 script in `folder` (made 0700) that removes itself, sets `secrets`, and becomes its arguments.

    Run it as `/bin/sh FILE program args…`. If it cannot remove itself it stops: a secret must not stay on the disk.
    """
    checked(secrets, secret=True)
    exports = (f"export {k}={shlex.quote(v)}" for k, v in secrets.items())
    lines = ['rm -f -- "$0" || exit 126', *exports, 'exec "$@"', ""]
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"launch-{_random.token_hex(8)}"
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8", errors="surrogateescape") as f:
            f.write("\n".join(lines))
    except OSError as e:
        raise RuntimeUnavailable(f"cannot write a launch file: {e.strerror}", where=str(folder)) from e
    return path


def sweep(folder: Path) -> int:
    """Remove launch files that no pane came to read (its server died first); how many."""
    count = 0
    for path in folder.glob("launch-*") if folder.is_dir() else ():
        try:
            if time.time() - path.lstat().st_mtime > _STALE:
                path.unlink()
                count += 1
        except OSError:
            continue
    return count
