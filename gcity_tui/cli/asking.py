"""One call of the gc dialect from the command line: the controller answers, or this process when there is none."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from gcity_tui.config.discover import discover
from gcity_tui.factory import client, process
from gcity_tui.factory.gc_dialect import answer_gc
from gcity_tui.model.paths import socket_path


def ask(argv: list[str], environ: Mapping[str, str], cwd: Path) -> tuple[int, bytes, bytes]:
    """(exit code, output, errors). Raises NotFound, Ambiguous when no city is meant."""
    city = discover(None, environ, cwd, lambda p: bool(process.alive(p, environ)))
    if process.alive(city, environ):
        env = "\0".join(f"{k}={v}" for k, v in environ.items()).encode("utf-8", "surrogateescape")
        words = [w.encode("utf-8", "surrogateescape") for w in argv]
        path = socket_path(str(city), dict(environ))
        code, out, err = client.request(path, [b"gc", os.fsencode(cwd), env, b"", *words])[:3]
        return int(code), out, err
    return answer_gc(str(city), argv, environ, b"", str(cwd))
