"""Which file holds a session's conversation: by its key. Two that could be meant are none: nothing is guessed."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from gcity_tui.model.declared import Provider
from gcity_tui.transcripts.claude import slugs
from gcity_tui.transcripts.lines import parse
from gcity_tui.transcripts.shape import child, seconds, word

_SAFE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")


def root_of(provider: Provider, environ: Mapping[str, str], home: Path | None = None) -> Path:
    """The folder under which this provider keeps its conversations, as its process sees it (`environ`: the pane's)."""
    at_home = home or Path(environ.get("HOME") or Path.home())
    if provider.rehearsal:
        named = environ.get("GC_TRANSCRIPT_ROOT", "")
        return Path(named) if named else at_home / ".gcity-rehearsal"
    variable, folder = {
        "claude": ("CLAUDE_CONFIG_DIR", ".claude"),
        "codex": ("CODEX_HOME", ".codex"),
        "gemini": ("", ".gemini"),
    }.get(provider.transcript, ("", ""))
    named = environ.get(variable, "") if variable else ""
    return Path(named) if named else at_home / folder


def find(provider: Provider, work_dir: str, session_key: str, root: Path) -> Path | None:
    """The transcript of the session `session_key`, or None when there is none or more than one file could be it."""
    if not session_key or not _SAFE.match(session_key):
        return None
    if provider.transcript == "claude":
        return _claude(work_dir, session_key, root)
    if provider.transcript == "codex":
        return _only(sorted(root.glob(f"sessions/*/*/*/rollout-*-{session_key}.jsonl")))
    if provider.transcript == "gemini":
        return _only([p for p in _gemini_chats(root, work_dir) if _gemini_id(p) == session_key])
    return None


def discover(provider: Provider, work_dir: str, root: Path, since: float) -> tuple[str, Path] | None:
    """(key, file) of the one conversation that began in `work_dir` since `since` (unix seconds); None unless just one.

    For programs that choose their session id themselves (codex, gemini): the caller keeps the key from then on.
    """
    if provider.transcript == "codex":
        fits = [(key, p) for p in _recent(root.glob("sessions/*/*/*/rollout-*.jsonl"), since)
                if (key := _codex_key(p, work_dir, since))]  # fmt: skip
    elif provider.transcript == "gemini":
        fits = [(key, p) for p in _recent(iter(_gemini_chats(root, work_dir)), since) if (key := _gemini_id(p))]
    elif provider.transcript == "claude":
        paths = (p for s in slugs(work_dir) for p in (root / "projects" / s).glob("*.jsonl"))
        fits = [(p.stem, p) for p in _recent(paths, since)]
    else:
        return None
    keys = {key for key, _ in fits}
    return fits[0] if len(keys) == 1 else None


def _recent(paths: Iterator[Path], since: float) -> list[Path]:
    """Files whose last change is not older than `since`; a second of grace for coarse clocks."""
    found = []
    for path in paths:
        try:
            if path.stat().st_mtime >= since - 1.0:
                found.append(path)
        except OSError:
            continue
    return sorted(found)


def _claude(work_dir: str, key: str, root: Path) -> Path | None:
    for slug in slugs(work_dir) if work_dir else ():
        path = root / "projects" / slug / f"{key}.jsonl"
        if path.is_file():
            return path
    # The key is unique, so a folder that was named by another rule will do; two of them would be a copy.
    return _only(sorted((root / "projects").glob(f"*/{key}.jsonl")))


def _only(paths: list[Path]) -> Path | None:
    return paths[0] if len(paths) == 1 else None


def _codex_key(path: Path, work_dir: str, since: float) -> str:
    record = _first(path)
    meta = child(record, "payload")
    began = seconds(word(meta, "timestamp") or word(record, "timestamp"))
    same = os.path.realpath(word(meta, "cwd")) == os.path.realpath(work_dir)
    return (
        word(meta, "id", "session_id")
        if word(record, "type") == "session_meta" and same and began >= since - 1.0
        else ""
    )


def _first(path: Path) -> Mapping[str, object]:
    try:
        with path.open("rb") as f:
            records, _ = parse(f.readline(4 << 20))
    except OSError:
        return {}
    return records[0] if records else {}


def _gemini_id(path: Path) -> str:
    if path.suffix == ".jsonl":
        return word(_first(path), "sessionId")
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return ""
    return word(value, "sessionId") if isinstance(value, dict) else ""


def _gemini_chats(root: Path, work_dir: str) -> list[Path]:
    """Chats of the projects whose folder is `work_dir`: by `projects.json`, else by each project's `.project_root`."""
    real = os.path.realpath(work_dir)
    names: set[str] = set()
    try:
        listed = json.loads((root / "projects.json").read_bytes())
        names |= {str(n) for d, n in listed["projects"].items() if os.path.realpath(d) == real}
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        pass
    for marker in sorted(root.glob("tmp/*/.project_root")):
        try:
            if os.path.realpath(marker.read_text(encoding="utf-8").strip()) == real:
                names.add(marker.parent.name)
        except (OSError, UnicodeDecodeError):
            continue
    return [
        p for n in sorted(names) if _SAFE.match(n) for p in sorted((root / "tmp" / n / "chats").glob("session-*.json*"))
    ]
