"""Packs fetched with git: a version resolved to a commit, the repository put into the cache, the lock written.

Only `pack add` and `pack update` come here; the loader reads what they left. Versions: `^1.2`, `~1.2.3`, `>=1, <3`,
`=1.2.3`, `1.2.3`, `sha:<commit>`, or none: the source's own ref, else the default branch. `^0.x` keeps to the minor.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from gcity_tui.config.register import quoted, replace_file
from gcity_tui.config.remote import LOCK, Locked, Remote, homes, lock_text, parse, read_lock
from gcity_tui.config.source import Reading
from gcity_tui.model.errors import BadConfig, NotFound, Temporary, Usage

Version = tuple[int, int, int]
_TAG = re.compile(r"^v?(\d+)\.(\d+)(?:\.(\d+))?$")
_PART = re.compile(r"^(\^|~|>=|<=|>|<|=)?\s*v?(\d+)(?:\.(\d+))?(?:\.(\d+))?$")
_SHA = re.compile(r"^[0-9a-f]{7,64}$")
_SECONDS = 180


def matches(version: Version, wanted: str) -> bool:
    """True when `version` fits every comparator of `wanted` (comma = and). Raises Usage when it cannot be read."""
    for part in wanted.split(","):
        match = _PART.match(part.strip())
        if not match:
            raise Usage(f"cannot read the version {wanted!r}", cure="^1.2, ~1.2.3, >=1.0, <2, 1.2.3 or sha:<commit>")
        given = [int(n) for n in match.groups()[1:] if n is not None]
        major, minor, patch = [*given, 0, 0][:3]
        low: Version = (major, minor, patch)
        if not _holds(version, match.group(1) or "", low, len(given)):
            return False
    return True


def _holds(version: Version, operator: str, low: Version, given: int) -> bool:
    if operator == "^":
        return version >= low and version[: 2 if low[0] == 0 else 1] == low[: 2 if low[0] == 0 else 1]
    if operator == "~":
        return version >= low and version[: min(given, 2)] == low[: min(given, 2)]
    if operator in ("", "="):
        return version[:given] == low[:given]
    return {">=": version >= low, "<=": version <= low, ">": version > low, "<": version < low}[operator]


def refs(remote: Remote) -> dict[str, str]:
    """Ref → commit, tags peeled: what the repository offers. Raises NotFound, Temporary."""
    found: dict[str, str] = {}
    for line in git("ls-remote", "--", remote.url).splitlines():
        commit, _, name = line.partition("\t")
        found[name.removesuffix("^{}")] = commit
    return found


def resolve(remote: Remote, wanted: str) -> tuple[str, str]:
    """(version, commit) of `wanted`; with none, the source's ref, else the default branch, pinned by its commit."""
    if wanted.startswith("sha:"):
        commit = wanted[4:]
        if not _SHA.match(commit):
            raise Usage(f"{wanted!r} names no commit", cure="sha:<hexadecimal digits>")
        return wanted, commit
    offered = refs(remote)
    if wanted:
        tags = sorted((v, name) for name, v in _tags(offered).items() if matches(v, wanted))
        if not tags:
            have = ", ".join(n for n, _ in sorted(_tags(offered).items(), key=lambda t: t[1])[-8:]) or "no tags"
            raise NotFound(f"no version {wanted!r} in {remote.url}", cure=f"it has {have}")
        return wanted, offered[f"refs/tags/{tags[-1][1]}"]
    names = [f"refs/tags/{remote.ref}", f"refs/heads/{remote.ref}"] if remote.ref else ["HEAD"]
    for name in names:
        if name in offered:
            return f"sha:{offered[name]}", offered[name]
    if remote.ref and _SHA.match(remote.ref):
        return f"sha:{remote.ref}", remote.ref
    raise NotFound(f"no ref {remote.ref or 'HEAD'!r} in {remote.url}")


def default_version(remote: Remote) -> str:
    """What `pack add` pins when nobody says: `^major.minor` of the newest tag, else the commit."""
    newest = max(_tags(refs(remote)).values(), default=None)
    if newest and not remote.ref:
        return f"^{newest[0]}.{newest[1]}"
    return resolve(remote, "")[0]


def tagged(remote: Remote, commit: str) -> bool:
    """Whether any tag of the repository is at this commit. Asks the network."""
    return any(c == commit for name, c in refs(remote).items() if name.startswith("refs/tags/"))


def _tags(offered: dict[str, str]) -> dict[str, Version]:
    found: dict[str, Version] = {}
    for name in offered:
        match = _TAG.match(name.removeprefix("refs/tags/")) if name.startswith("refs/tags/") else None
        if match:
            found[name.removeprefix("refs/tags/")] = (int(match[1]), int(match[2]), int(match[3] or 0))
    return found


def fetch(city: Path, source: str, version: str) -> Locked:
    """The pack of `source` at `version` into the city's cache; its entry for the lock. Asks the network.

    Raises NotFound (no such repository, version or pack in it), Temporary (git could not reach it), Usage.
    """
    remote = parse(source)
    asked, commit = resolve(remote, version)
    whole = _cached(city, remote, commit)
    folder = homes(city, remote.url, whole)[0] / remote.folder
    if not (folder / "pack.toml").is_file():
        raise NotFound(f"no pack.toml in {remote.folder or 'the top folder'} of {remote.url} at {whole[:12]}")
    return Locked(source, asked, whole, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))


def _cached(city: Path, remote: Remote, commit: str) -> str:
    """The full commit, whose files are in the cache when this returns."""
    if len(commit) >= 40 and homes(city, remote.url, commit)[0].is_dir():
        return commit
    cache = homes(city, remote.url, commit)[0].parent
    cache.mkdir(parents=True, exist_ok=True)
    room = Path(tempfile.mkdtemp(prefix=".fetch-", dir=cache))
    try:
        git("clone", "--quiet", "--no-checkout", "--", remote.url, str(room))
        whole = git("-C", str(room), "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}").strip()
        git("-C", str(room), "checkout", "--quiet", "--detach", whole)
        shutil.rmtree(room / ".git", ignore_errors=True)
        target = homes(city, remote.url, whole)[0]
        if not target.is_dir():
            room.chmod(0o755)
            room.rename(target)
        return whole
    except OSError as exc:
        raise BadConfig(f"cannot keep the pack: {exc.strerror or exc}", where=str(cache)) from exc
    finally:
        shutil.rmtree(room, ignore_errors=True)


def write_lock(city: Path, changed: list[Locked], gone: list[str] | None = None) -> None:
    """`packs.lock` with these entries put in (and those sources taken out)."""
    entries = {n: e for n, e in read_lock(city, Reading()).items() if n not in (gone or ())}
    entries.update({e.source: e for e in changed})
    try:
        replace_file(city / LOCK, lock_text(entries, quoted))
    except OSError as exc:
        raise BadConfig(f"cannot be written: {exc.strerror or exc}", where=str(city / LOCK)) from exc


def git(*words: str) -> str:
    """What git prints. It asks nobody for a password, runs no hook, and speaks no transport that runs programs."""
    safe = ["-c", "protocol.ext.allow=never", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"]
    env = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": "ssh -oBatchMode=yes", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", *safe, *words],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            env=env,
            check=False,
        )
    except FileNotFoundError as exc:
        raise NotFound("git is not installed", cure="apt-get install git") from exc
    except subprocess.TimeoutExpired as exc:
        raise Temporary(f"git did not answer within {_SECONDS} seconds", cure="try again") from exc
    if done.returncode == 0:
        return done.stdout
    lines = done.stderr.strip().splitlines() or ["git failed"]
    said = next((line.partition(":")[2].strip() for line in lines if line.startswith(("fatal:", "error:"))), lines[-1])
    if re.search(r"resolve host|timed out|connect|early EOF|remote end hung up", done.stderr, re.IGNORECASE):
        raise Temporary(f"git: {said}", cure="look at the network, and try again")
    raise NotFound(f"git: {said}", cure="check the address and the version")
