"""Which file holds a session's conversation: by its key. Two that could be meant are none: nothing is guessed."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from gcity_tui.model.declared import Provider
from gcity_tui.transcripts import aider, kimi_wire, store
from gcity_tui.transcripts.claude import slugs
from gcity_tui.transcripts.lines import parse
from gcity_tui.transcripts.shape import child, seconds, word

OPENING = 4 << 20
"""Bytes of a gemini chat in which its first message is looked for."""
_SAFE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")


def root_of(provider: Provider, environ: Mapping[str, str], home: Path | None = None) -> Path:
    """The folder under which this provider keeps its conversations, as its process sees it (`environ`: the pane's)."""
    at_home = home or Path(environ.get("HOME") or Path.home())
    if provider.rehearsal:
        named = environ.get("GC_TRANSCRIPT_ROOT", "")
        return Path(named) if named else at_home / ".gcity-rehearsal"
    return _expanded(provider.transcript_root, environ, at_home) if provider.transcript_root else at_home


def _expanded(text: str, environ: Mapping[str, str], home: Path) -> Path:
    """`${VARIABLE:-~/folder}/more`: the variable's value where it has one, else what stands after `:-`."""

    def value(match: re.Match[str]) -> str:
        return environ.get(match[1], "") or match[2] or ""

    found = re.sub(r"\$\{(\w+)(?::-([^}]*))?\}", value, text)
    return home / found[2:] if found.startswith("~/") else home / found


def find(provider: Provider, work_dir: str, session_key: str, root: Path) -> Path | None:
    """The transcript of the session `session_key`, or None when there is none or more than one file could be it.

    Where its program went on in another file, the newest.
    """
    found = parts_of(provider, work_dir, session_key, root)
    return found[-1] if found else None


def parts_of(provider: Provider, work_dir: str, session_key: str, root: Path) -> tuple[Path, ...]:
    """The files of one conversation, oldest first: one, but where its program goes on in a new one."""
    if not session_key or not _SAFE.match(session_key):
        return ()
    family = provider.transcript
    if family == "claude":
        found = _claude(provider, work_dir, session_key, root)
        return (found,) if found else ()
    if family == "codex":
        # After a rewind it goes on in a file that names both: the conversation's and its own.
        return tuple(sorted({*root.glob(f"sessions/*/*/*/rollout-*-{session_key}.jsonl"),
                             *root.glob(f"sessions/*/*/*/rollout-*-{session_key}_*.jsonl")}))  # fmt: skip
    if family == "gemini":
        return _begun(tuple(p for p in _gemini_chats(root, work_dir) if _gemini_id(p) == session_key))
    if family == "opencode":
        path = root / "opencode.db" / session_key
        return (path,) if store.exists(path) else ()
    if family == "aider" and "{key}" not in provider.transcript_glob:
        path = Path(work_dir) / aider.NAME
        return (path,) if work_dir and session_key in dict(_aider_chats(path)) else ()
    return _by_pattern(provider, session_key, root)


def _by_pattern(provider: Provider, session_key: str, root: Path) -> tuple[Path, ...]:
    """By the provider's own `transcript_glob`; two files that fit are none."""
    if "{key}" not in provider.transcript_glob:
        return ()
    if provider.transcript_glob.startswith("/") or ".." in provider.transcript_glob:
        return ()
    found = _only(sorted(root.glob(provider.transcript_glob.replace("{key}", session_key))))
    return (found,) if found else ()


HOLDING = ("codex",)
"""Families whose program holds its conversation's file open as long as it lives (seen on codex 0.169.0)."""


def discover(
    provider: Provider,
    work_dir: str,
    root: Path,
    since: float,
    held: Callable[[], Collection[Path]] | None = None,
    taken: Collection[str] = (),
) -> tuple[str, Path] | None:
    """(key, file) of the one conversation that began in `work_dir` since `since` (unix seconds); None unless just one.

    For programs that choose their session id themselves (codex, gemini): the caller keeps the key from then on. `held`
    tells which files the session's own processes have open: where its program holds its file, no other is meant, were
    it the only one there. `taken` are keys of other sessions' conversations.
    """
    family = provider.transcript
    if family == "codex":
        fits = [(key, p) for p in _recent(root.glob("sessions/*/*/*/rollout-*.jsonl"), since)
                if (key := _codex_key(p, work_dir, since))]  # fmt: skip
    elif family == "gemini":
        fits = [(key, p) for p in _recent(iter(_gemini_chats(root, work_dir)), since) if (key := _gemini_id(p))]
    elif family == "claude":
        paths = (p for s in slugs(work_dir) for p in (root / "projects" / s).glob("*.jsonl"))
        fits = [(p.stem, p) for p in _recent(paths, since)]
    elif family == "opencode":
        db = root / "opencode.db"
        fits = [(key, db / key) for key in store.sessions(db, directory=work_dir, since=since)]
    elif family == "aider":
        path = Path(work_dir) / aider.NAME
        fits = [(key, path) for key, began in _aider_chats(path) if began >= since - 1.0]
    elif family == "grok":
        chats = (root / "sessions" / quote(work_dir, safe="")).glob("*/updates.jsonl")
        fits = [(p.parent.name, p) for p in _recent(chats, since)]
    elif family == "kimi":
        folder = hashlib.md5(str(Path(work_dir)).encode(), usedforsecurity=False).hexdigest()
        fits = [(p.parent.name, p) for p in _recent(root.glob(f"sessions/{folder}/*/context.jsonl"), since)]
        fits += [(key, p) for key, p in kimi_wire.journals(root, work_dir)
                 if seconds(_first(p).get("created_at")) >= since - 1.0]  # fmt: skip
    elif "{key}" in provider.transcript_glob:
        paths = root.glob(provider.transcript_glob.replace("{key}", "*"))
        fits = [(key, p) for p in _recent(paths, since) if (key := _headed(provider.transcript, p, work_dir, since))]
    else:
        return None
    if fits and held is not None and family in HOLDING:
        mine = held()
        fits = [(key, p) for key, p in fits if p.resolve() in mine]
    fits = [(key, p) for key, p in fits if key not in taken]
    keys = {key for key, _ in fits}
    return fits[-1] if len(keys) == 1 else None


def _headed(family: str, path: Path, work_dir: str, since: float) -> str:
    """The session id in a file's first records, where they name that folder and a time since then."""
    from gcity_tui.transcripts.reading import FORMATS

    if family not in FORMATS:
        return ""
    key, same, began = "", False, 0.0
    for record in _head(path):
        data = child(record, "data")
        cwd = word(record, "cwd") or word(child(data, "context"), "cwd") or word(child(record, "payload"), "cwd")
        same = same or bool(cwd and os.path.realpath(cwd) == os.path.realpath(work_dir))
        began = began or seconds(record.get("timestamp"))
        key = key or FORMATS[family].session(record)
    return key if same and began >= since - 1.0 else ""


def _head(path: Path) -> list[Mapping[str, object]]:
    try:
        with path.open("rb") as f:
            records, _ = parse(b"".join(f.readline(4 << 20) for _ in range(5)), False)
    except OSError:
        return []
    return list(records)


def _aider_chats(path: Path) -> list[tuple[str, float]]:
    """(key, unix seconds of its start) of every chat in a history file."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return []
    heads = [line.removeprefix("# aider chat started at ").strip() for line in lines if line.startswith("# aider chat")]
    return [(aider.key(h), aider.started(h)) for h in heads]


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


def _claude(provider: Provider, work_dir: str, key: str, root: Path) -> Path | None:
    for slug in slugs(work_dir) if work_dir else ():
        path = root / "projects" / slug / f"{key}.jsonl"
        if path.is_file():
            return path
    # The key is unique, so a folder that was named by another rule will do; two of them would be a copy.
    found = _only(sorted((root / "projects").glob(f"*/{key}.jsonl")))
    if found is None and provider.transcript_glob and not (root / "projects").is_dir():
        return next(iter(_by_pattern(provider, key, root)), None)
    return found


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


def _begun(chats: tuple[Path, ...]) -> tuple[Path, ...]:
    """Without the mere openings: gone on with in a later minute, gemini 0.61 begins a file of that minute with its own
    context, then loads the conversation's file and appends to that one."""
    return tuple(p for p in chats if _has_message(p)) or chats if len(chats) > 1 else chats


def _has_message(chat: Path) -> bool:
    if chat.suffix != ".jsonl":
        return True
    try:
        with chat.open("rb") as f:
            for line in f:
                if f.tell() > OPENING:
                    return True
                if any(word(r, "type") for r in parse(line)[0]):
                    return True
    except OSError:
        pass
    return False


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
