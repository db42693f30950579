"""Reading what `bd import` is given: lines of an export, a `.beads/` folder, or the per-table dump in its `backup/`."""

from gcity_tui.beads import schema
from gcity_tui.beads.dialect import values
from gcity_tui.model.errors import BadData, CityError, NotFound, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gcity_tui.beads.dialect.call import Call

MOST = 64 << 20
"""Characters in one line, as bd has it."""
_BESIDE = {"labels", "dependencies", "comments", "metadata", "_type", "parent", "wisp", "timeout_ns", "deleted_at"}
_DERIVED = {"dependency_count", "dependent_count", "comment_count", "content_hash"}
_KNOWN = ({*schema.COLUMNS} - {"extra"}) | _BESIDE | _DERIVED


class Found:
    """What a source holds: checked records, memories and settings as (key, value), tombstones counted."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.memories: list[tuple[str, str]] = []
        self.settings: list[tuple[str, str]] = []
        self.tombstones = 0
        self.warnings: list[str] = []


def read(call: "Call", source: str, *, backup: bool = False) -> Found:
    """Everything of `source`: a file, `-`, or a folder. Raises BadData naming the line; NotFound."""
    from pathlib import Path

    full = source if source.startswith("/") else f"{call.cwd.rstrip('/')}/{source}"
    found = Found()
    if source != "-" and Path(full).is_dir():
        folder = full.rstrip("/")
        if Path(folder, ".beads").is_dir():
            folder += "/.beads"
        if Path(folder, "issues.jsonl").is_file() and not backup and not _dump(folder):
            _records(call, found, _lines(call, f"{folder}/issues.jsonl"), f"{source}/issues.jsonl")
            return found
        dump = folder if _dump(folder) else f"{folder}/backup"
        if not Path(dump, "issues.jsonl").is_file():
            raise NotFound(f"no issues.jsonl and no backup/ in {source}", cure="run `bd export` or `bd backup` there")
        _tables(call, found, dump, source)
        return found
    _records(call, found, _lines(call, source), source)
    return found


def _dump(folder: str) -> bool:
    """Is it a per-table dump? (An export keeps edges and labels inside its issues.)"""
    from pathlib import Path

    return any(Path(f"{folder}/{t}.jsonl").is_file() for t in ("dependencies", "labels", "comments"))


def _lines(call: "Call", source: str) -> "list[tuple[int, dict[str, Any]]]":
    import json

    found = []
    for n, text in enumerate(call.text(source).split("\n"), 1):
        if not text.strip():
            continue
        if len(text) > MOST:
            raise BadData(f"line {n} is longer than {MOST >> 20} MB", where=source)
        try:
            raw = json.loads(text)
        except ValueError as e:
            raise BadData(f"line {n} is not JSON: {e}", where=source) from e
        except RecursionError as e:
            raise BadData(f"line {n} is nested too deep", where=source) from e
        if not isinstance(raw, dict):
            raise BadData(f"line {n} is no object", where=source)
        found.append((n, raw))
    return found


def _records(call: "Call", found: Found, lines: "list[tuple[int, dict[str, Any]]]", source: str) -> None:
    strange: set[str] = set()
    for n, raw in lines:
        kind = raw.get("_type")
        if kind == "memory":
            found.memories.append((f"kv.memory.{raw.get('key', '')}", str(raw.get("value", ""))))
        elif kind not in (None, "issue"):
            strange.add(f"lines of type {kind!r}")
        elif raw.get("status") == "tombstone" or raw.get("deleted_at"):
            found.tombstones += 1
        else:
            found.records.append(_checked(call, raw, n, source))
    if strange:
        found.warnings.append(f"not kept, because nothing here holds it: {', '.join(sorted(strange))}")


def _tables(call: "Call", found: Found, dump: str, source: str) -> None:
    """The per-table dump: rows with all columns, 0 and 1 for flags, metadata as JSON text, no nesting."""
    from pathlib import Path

    def rows(name: str) -> "list[tuple[int, dict[str, Any]]]":
        return _lines(call, f"{dump}/{name}.jsonl") if Path(dump, f"{name}.jsonl").is_file() else []

    by: dict[str, dict[str, Any]] = {}
    lines: list[tuple[int, dict[str, Any]]] = []
    for table in ("issues", "wisps"):
        for n, raw in rows(table):
            for name in [k for k, v in raw.items() if k not in _KNOWN and v in (None, "", False, 0)]:
                del raw[name]  # a dump has every column, also where there is nothing in it
            raw["labels"], raw["dependencies"], raw["comments"] = [], [], []
            if raw.get("timeout_ns") and not raw.get("timeout"):
                raw["timeout"] = raw["timeout_ns"]
            by[str(raw.get("id", ""))] = raw
            lines.append((n, raw))
    for head in ("", "wisp_"):
        for _, raw in rows(f"{head}labels"):
            if str(raw.get("issue_id")) in by:
                by[str(raw["issue_id"])]["labels"].append(str(raw.get("label", "")))
        for part in ("dependencies", "comments"):
            for _, raw in rows(f"{head}{part}"):
                if str(raw.get("issue_id")) in by:
                    by[str(raw["issue_id"])][part].append(raw)
    _records(call, found, lines, f"{source}/issues.jsonl")
    for _, raw in rows("config"):
        key, value = str(raw.get("key", "")), str(raw.get("value", ""))
        if key.startswith("kv."):
            found.memories.append((key, value))
        elif key in ("types.custom", "status.custom"):
            found.settings.append((key, value))


def _checked(call: "Call", raw: "dict[str, Any]", n: int, source: str) -> "dict[str, Any]":
    """A record with its defaults filled in and its times in microseconds, or BadData naming the line."""
    try:
        title = str(raw.get("title") or "")
        if not title.strip():
            raise Usage("title is required")
        if len(title.encode("utf-8", "replace")) > 500:
            raise Usage("title must be 500 characters or less")
        raw["status"] = _word(raw, "status", "open")
        raw["issue_type"] = _word(raw, "issue_type", "task")
        raw["issue_type"] = schema.TYPE_ALIASES.get(raw["issue_type"], raw["issue_type"])
        raw["priority"] = int(raw.get("priority") or 0)
        if not 0 <= raw["priority"] <= 4:
            raise Usage(f"priority must be between 0 and 4 (got {raw['priority']})")
        if raw["status"] != "closed" and raw.get("closed_at"):
            raise Usage("non-closed issues cannot have closed_at timestamp")
        for key, kind in schema.FIELDS:
            if kind == "t" and raw.get(key):
                raw[key] = values.iso(str(raw[key]))
        raw["metadata"] = _metadata(raw.get("metadata"))
        raw["extra"] = {k: v for k, v in raw.items() if k not in _KNOWN} or None
    except (CityError, ValueError, TypeError, OverflowError) as e:
        raise BadData(f"line {n}: {getattr(e, 'message', e)}", where=source) from e
    return raw


def _word(raw: "dict[str, Any]", key: str, default: str) -> str:
    """A status or type: any well-formed word is taken as it is, so that what another city made survives."""
    word = str(raw.get(key) or default)
    if not (word[0].isalpha() and word.isascii() and word.replace("-", "").replace("_", "").isalnum()):
        raise Usage(f"validation failed for issue {raw.get('id', '')}: invalid {key.replace('_', ' ')}: {word}")
    return word


def _metadata(found: "Any") -> "dict[str, Any]":
    import json

    if isinstance(found, str):
        found = json.loads(found or "{}")
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Usage("metadata must be an object")
    return {str(k): values.loose(v) for k, v in found.items()}
