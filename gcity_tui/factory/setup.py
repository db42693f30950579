"""Around a session's start: files copied into its work folder, commands before and after its program comes up.

As Gas City's: overlays of the packs, then of the agent, with `per-provider/<program>/` only for that program; what is
there already is kept. `pre_start` must succeed; faults of the others are told and nothing stops for them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gcity_tui.config.expand import command, expand, for_path, for_session
from gcity_tui.factory import records
from gcity_tui.model.declared import Agent, Provider
from gcity_tui.model.errors import CityError, Permanent, Refused, Temporary
from gcity_tui.model.session import SessionRecord
from gcity_tui.model.text import one_line

if TYPE_CHECKING:
    from gcity_tui.factory.crew import Crew
    from gcity_tui.factory.site import Site

LIVE = "live_hash"
"""On a session's bead: the commands of `session_live` that were last run for it."""
_MOST = 5000
"""Files that the overlays of one agent may have."""
_PROVIDERS = "per-provider"


def work_dir(site: Site, agent: Agent, instance: str) -> str:
    """The declared work folder of an instance, its template filled in; empty when it has none."""
    return expand(agent.work_dir, for_path(site.declared, agent, instance)) if agent.work_dir else ""


def stage(overlays: tuple[str, ...], provider: Provider | None, target: Path) -> tuple[str, ...]:
    """Copy the overlays' files that are not there yet; which were. Raises Permanent when it cannot be done."""
    names = tuple(dict.fromkeys(n for n in ((provider.name, provider.base) if provider else ()) if n))
    files: dict[str, Path] = {}
    for overlay in overlays:
        files |= _plain(Path(overlay))
        for name in reversed(names):
            files |= _plain(Path(overlay) / _PROVIDERS / name)
        if len(files) > _MOST:
            raise Permanent(f"more than {_MOST} files to copy", where=overlay, cure="make the overlay smaller")
    done = []
    home = target.resolve()
    for name, path in sorted(files.items()):
        place = home / name
        if os.path.lexists(place):
            continue
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            if not place.parent.resolve().is_relative_to(home):
                raise Permanent(f"{name} would lead out of {home}", where=str(path))
            shutil.copy2(path, place)
        except OSError as e:
            raise Permanent(f"cannot copy {name} into {home}: {e.strerror or e}", where=str(path)) from e
        done.append(name)
    return tuple(done)


def _plain(folder: Path) -> dict[str, Path]:
    """Relative name → file of a folder, what is there for single programs left out. Links are not followed."""
    return {str(p.relative_to(folder)): p for p in _files(folder)} if folder.is_dir() else {}


def _files(folder: Path) -> Iterator[Path]:
    for here, folders, names in os.walk(folder):
        folders[:] = [f for f in folders if not (Path(here) == folder and f == _PROVIDERS)]
        yield from (p for n in names if not (p := Path(here, n)).is_symlink() and p.is_file())


def before(site: Site, crew: Crew, record: SessionRecord, agent: Agent) -> None:
    """`pre_start`. Raises Refused, Temporary: without it the program is not started."""
    said = _values(site, agent, record)
    env = _environment(site, crew, record)
    for line in agent.pre_start:
        limit = site.declared.daemon.setup_max_timeout
        code, out = run(command(line, said), Path(record.work_dir), env, limit)
        if code is None:
            raise Temporary(f"pre_start took over {limit:g} s: {one_line(line, 200)}", where=record.agent)
        if code:
            raise Refused(f"pre_start failed ({code}): {_last(out) or one_line(line, 200)}", where=record.agent)


def after(site: Site, crew: Crew, record: SessionRecord, agent: Agent) -> None:
    """`mouse_mode`, `session_setup`, `session_setup_script`, then `session_live`. Faults are told."""
    made = agent.setup
    if made.mouse:
        try:
            site.hands.set_option(record.name, "mouse", made.mouse)
        except CityError as e:
            site.log.write("mouse_mode", "warning", session=record.instance, error=str(e))
    lines = [*made.commands, *([f"exec {shlex.quote(made.script)}"] if made.script else [])]
    _run_all(site, crew, record, agent, "session_setup", lines)
    freshen(site, crew, record, agent)


def freshen(site: Site, crew: Crew, record: SessionRecord, agent: Agent, *, known: str = "") -> bool:
    """Run `session_live`, unless these very commands were `known` to have been run. True: they were run now."""
    print_ = live_print(agent)
    if print_ == known:
        return False
    _run_all(site, crew, record, agent, "session_live", list(agent.setup.live))
    records.note(site.ledger, record, {LIVE: print_})
    return True


def live_print(agent: Agent) -> str:
    """What `session_live` says, as a hash; empty when it says nothing."""
    lines = agent.setup.live
    return hashlib.sha256("\0".join(lines).encode()).hexdigest()[:16] if lines else ""


def _run_all(site: Site, crew: Crew, record: SessionRecord, agent: Agent, what: str, lines: list[str]) -> None:
    if not lines:
        return
    said, env = _values(site, agent, record), _environment(site, crew, record)
    folder = Path(record.work_dir or site.path)
    for line in lines:
        limit = site.declared.daemon.setup_timeout
        code, out = run(command(line, said), folder, env, limit)
        if code:
            told = f"exit code {code}: {_last(out)}"
        elif code is None:
            told = f"took over {limit:g} s"
        else:
            continue
        site.log.write(what, "warning", session=record.instance, command=one_line(line, 200), error=told)


def run(line: str, folder: Path, env: Mapping[str, str], limit: float) -> tuple[int | None, str]:
    """(exit code, what it printed); None when it took over `limit` seconds. It and all that it started are ended."""
    with tempfile.TemporaryFile() as kept:
        try:
            made = subprocess.Popen(
                ["/bin/sh", "-c", line], cwd=folder, env=dict(env), stdin=subprocess.DEVNULL, stdout=kept,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        except OSError as e:
            return 127, e.strerror or str(e)
        try:
            code: int | None = made.wait(limit)
        except subprocess.TimeoutExpired:
            code = None
            with contextlib.suppress(OSError):
                os.killpg(made.pid, signal.SIGKILL)
            made.wait()
        size = kept.seek(0, os.SEEK_END)
        kept.seek(max(size - 4096, 0))
        return code, kept.read().decode("utf-8", "replace")


def _values(site: Site, agent: Agent, record: SessionRecord) -> dict[str, str]:
    return for_session(site.declared, agent, record.instance, record.name, record.work_dir)


def _environment(site: Site, crew: Crew, record: SessionRecord) -> dict[str, str]:
    more = {"GC_SESSION": record.name, "GC_TMUX_SOCKET": site.server.socket}
    return {**crew.script_environment(record), **more}


def _last(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return one_line(lines[-1], 300) if lines else ""
