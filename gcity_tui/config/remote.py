"""Packs that lie in git: how a source names them, what `packs.lock` says of them, and where they are kept.

The loader only looks: source → commit by the lock → the folder in the cache. `config.fetch` asks git.
A source is a URL (https, http, ssh, git@host:path, file) or `github.com/owner/repo`, then maybe `//folder in it`,
maybe `#ref`; or a GitHub address `…/tree/<ref>/<folder>`.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gcity_tui.config.source import Reading
from gcity_tui.model.errors import BadConfig, NotFound

LOCK = "packs.lock"
_SCHEMES = ("http://", "https://", "ssh://", "git@", "file://", "github.com/")
_TREE = re.compile(r"^(https?://github\.com/[^/]+/[^/]+?)(?:\.git)?/tree/([^/]+)(?:/(.+))?$")
_COMMIT = re.compile(r"^[0-9a-f]{40}(?:[0-9a-f]{24})?$")


@dataclass(frozen=True, slots=True)
class Remote:
    """A pack in git: the repository's `url`, the folder in it, and the `ref` that the source itself names."""

    text: str
    url: str
    folder: str = ""
    ref: str = ""


def is_remote(text: str) -> bool:
    return text.startswith(_SCHEMES)


def parse(text: str, where: str = "") -> Remote:
    """The source as written → its parts. Raises BadConfig when its folder would leave the repository."""
    tree = _TREE.match(text)
    if tree:
        remote = Remote(text, tree.group(1) + ".git", tree.group(3) or "", tree.group(2))
    else:
        whole, _, ref = text.partition("#")
        scheme, mark, rest = whole.partition("://")
        url, _, folder = (rest if mark else whole).partition("//")
        url = f"{scheme}://{url}" if mark else url
        url = f"https://{url}" if url.startswith("github.com/") else url
        remote = Remote(text, url, folder.strip("/"), ref)
    parts = Path(remote.folder).parts
    if ".." in parts or remote.folder.startswith("/") or remote.ref.startswith("-"):
        raise BadConfig(f"source {text!r} leaves its repository", cure="name a folder in it", where=where)
    return remote


@dataclass(frozen=True, slots=True)
class Locked:
    """An entry of packs.lock: what was asked for, the commit that answers it, when it was fetched (RFC 3339)."""

    source: str
    version: str
    commit: str
    fetched: str = ""


def read_lock(city: Path, reading: Reading) -> dict[str, Locked]:
    """`packs.lock` of the city: source → entry. None is an empty one. Raises BadConfig."""
    try:
        source = reading.toml(city / LOCK, "lock")
    except NotFound:
        return {}
    if source.table.get("schema", 1) != 1:
        raise BadConfig("this lock needs a newer program", where=source.where("schema"))
    table = source.table.get("packs", {})
    found = {}
    for name, entry in table.items() if isinstance(table, dict) else ():
        commit = entry.get("commit") if isinstance(entry, dict) else None
        if not isinstance(commit, str) or not _COMMIT.match(commit):
            raise BadConfig(
                f"the lock of {name!r} has no commit", cure="pack update", where=source.where("packs", name)
            )
        found[name] = Locked(name, str(entry.get("version", "")), commit, str(entry.get("fetched", "")))
    return found


def homes(city: Path, url: str, commit: str, environ: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """Where a repository at a commit is kept: in the city's own cache, then in Gas City's."""
    key = hashlib.sha256(f"{url}{commit}".encode()).hexdigest()
    theirs = Path(environ.get("GC_HOME") or Path(environ.get("HOME", "~")).expanduser() / ".gc")
    return city / ".gc" / "cache" / "repos" / key, theirs / "cache" / "repos" / key


def found(text: str, city: Path, reading: Reading, where: str) -> tuple[Path, Path] | str:
    """(pack folder, repository) of a remote source, or why it is not on this machine."""
    remote = parse(text, where)
    entry = read_lock(city, reading).get(text)
    if entry is None:
        return "not locked"
    for home in homes(city, remote.url, entry.commit):
        folder = (home / remote.folder).resolve()
        if not home.is_dir():
            continue
        if not folder.is_relative_to(home.resolve()):
            raise BadConfig(f"source {text!r} leaves its repository", where=where)
        if not (folder / "pack.toml").is_file():
            raise BadConfig(f"no pack.toml in {remote.folder or 'the top folder'} of {remote.url}", where=where)
        return folder, home.resolve()
    return f"commit {entry.commit[:12]} is not in the cache"


def commit_of(text: str, city: Path, reading: Reading) -> Locked | None:
    return read_lock(city, reading).get(text)


def lock_text(entries: Mapping[str, Locked], quoted: Any) -> str:
    """The lock's text, sources sorted."""
    lines = ["# Which commits the packs of this city are. Written by `gcity-tui pack`; keep it in version control.", ""]
    lines += ["schema = 1", ""]
    for name, entry in sorted(entries.items()):
        lines += [f"[packs.{quoted(name)}]", f"version = {quoted(entry.version)}", f"commit = {quoted(entry.commit)}"]
        lines += [f"fetched = {quoted(entry.fetched)}", ""]
    return "\n".join(lines)
