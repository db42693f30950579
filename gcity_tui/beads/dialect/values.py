"""Values on the command line: priorities, types, statuses, times, durations, metadata, dependency lists."""

from gcity_tui.beads import jsonout, schema
from gcity_tui.model.errors import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gcity_tui.beads.dialect.call import Call

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
_KEY = _LETTERS | frozenset("0123456789.-")
SECOND = 1_000_000
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def csv(words: "list[str] | None") -> list[str]:
    """Repeated and comma-separated values in one list, in order, without blanks."""
    return [part for word in words or () for part in (p.strip() for p in word.split(",")) if part]


def priority(text: str) -> int:
    digit = text[1:] if text[:1] in "Pp" else text
    if digit in ("0", "1", "2", "3", "4"):
        return int(digit)
    raise Usage(f'invalid priority "{text}" (expected 0-4 or P0-P4, not words like high/medium/low)')


def issue_type(call: "Call", text: str, of: str = "") -> str:
    """A type by its name or alias.

    One that is neither known nor registered is taken with a warning when well-formed.
    """
    name = schema.TYPE_ALIASES.get(text, text)
    if name in schema.CORE_TYPES or name in schema.GAS_CITY_TYPES or name in custom(call, "types.custom"):
        return name
    if (
        name[:1].isalpha()
        and name.replace("-", "").replace("_", "").isalnum()
        and name.isascii()
        and name == name.lower()
    ):
        call.warn(f"Warning: issue type {name!r} is not registered (bd config set types.custom {name})")
        return name
    raise Usage((f"validation failed for issue {of}: " if of else "") + f"invalid issue type: {text}")


def custom(call: "Call", key: str, categories: "tuple[str, ...]" = ()) -> list[str]:
    """Names registered under `types.custom` or `status.custom` (CSV, or a JSON array; `:category` is left out).

    With `categories` only those of them: active (which is also what has none), wip, done, frozen.
    """
    found = call.ledger.config(key)
    for c in '[]"':
        found = found.replace(c, "")
    words = [w.strip().partition(":") for w in found.split(",") if w.strip()]
    return [name for name, _, kind in words if not categories or (kind.strip() or "active") in categories]


def status(call: "Call", text: str) -> str:
    name = text.replace("-", "_") if text.replace("-", "_") in schema.STATUSES else text
    if name in (*schema.STATUSES, *schema.PROMPTED) or name in custom(call, "status.custom"):
        return name
    raise Usage(
        f'invalid status "{text}" (built-in: open, in_progress, blocked, deferred, closed, pinned, hooked;'
        " or configure custom statuses via 'bd config set status.custom')"
    )


def number(text: str) -> bool:
    """Is it a number as JSON writes one? (`007` and `1.` are not.)"""
    whole, dot, rest = text.removeprefix("-").partition(".")
    mantissa, e, exponent = (rest if dot else whole).replace("E", "e").partition("e")
    if not dot:
        whole, e, exponent = whole.replace("E", "e").partition("e")
    if not whole.isascii() or not whole.isdecimal() or (len(whole) > 1 and whole[0] == "0"):
        return False
    if dot and not (mantissa.isascii() and mantissa.isdecimal()):
        return False
    return not e or (exponent.lstrip("+-").isdecimal() and len(exponent) - len(exponent.lstrip("+-")) <= 1)


def meta_pairs(words: "list[str] | None", flag: str = "--set-metadata") -> "dict[str, Any]":
    """`k=v` words → values; `true`, `false`, `null` and numbers keep their JSON type, the rest are strings."""
    pairs: dict[str, Any] = {}
    for word in words or ():
        key, eq, value = word.partition("=")
        if not eq or not key:
            raise Usage(f'invalid {flag}: expected key=value, got "{word}"')
        pairs[meta_key(key, flag)] = (
            jsonout.Raw(value) if value in ("true", "false", "null") or number(value) else value
        )
    return pairs


def meta_key(key: str, flag: str) -> str:
    if key[:1] not in _LETTERS or not set(key) <= _KEY:
        raise Usage(f'invalid {flag}: metadata key "{key}" must match [a-zA-Z_][a-zA-Z0-9_.-]*')
    return key


def meta_json(call: "Call", text: str) -> "dict[str, Any]":
    """`--metadata`: a JSON object, or `@file` with one."""
    import json

    source = call.text(text[1:]) if text.startswith("@") else text
    try:
        found = json.loads(source)
    except ValueError as e:
        raise Usage(f"invalid JSON in --metadata: {e}") from e
    if not isinstance(found, dict):
        raise Usage("invalid JSON in --metadata: must be an object")
    return {str(k): loose(v) for k, v in found.items()}


def loose(value: "Any") -> "Any":
    """A parsed JSON value → a metadata value: strings as they are, the rest as compact JSON text."""
    return value if isinstance(value, str) else jsonout.Raw(jsonout.dumps(value, ""))


def fields(call: "Call", words: "list[str] | None") -> "dict[str, str] | None":
    """`--metadata-field k=v` → {k: v}, compared as text."""
    if not words:
        return None
    pairs = {}
    for word in words:
        key, eq, value = word.partition("=")
        if not eq or not key:
            raise Usage(f'invalid --metadata-field: expected key=value, got "{word}"')
        pairs[meta_key(key, "--metadata-field")] = value
    return pairs


def span(text: str) -> "int | None":
    """`90s`, `2h`, `1h30m`, `7d` → microseconds, or None when it is no duration."""
    total, digits = 0.0, ""
    for c in text:
        if c.isdecimal() or c == ".":
            digits += c
        elif c in _UNITS and digits and digits.count(".") < 2:
            total += float(digits) * _UNITS[c]
            digits = ""
        else:
            return None
    return None if digits or not text else int(total * SECOND)


def moment(text: str, now: int, *, ahead: bool = True) -> int:
    """A time as people write it → microseconds: RFC 3339, a date, `+6h`, `-24h`, `7d`, today, tomorrow, next monday.

    A bare duration lies ahead or, for filters such as --created-after, behind.
    """
    word = text.strip().lower()
    back = word.startswith("-") or not (ahead or word.startswith("+"))
    step = span(word.lstrip("+-"))
    if step is not None:
        return now - step if back else now + step
    import datetime

    today = datetime.datetime.fromtimestamp(now / SECOND, datetime.UTC).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    known = {"now": now, "today": _micros(today), "tomorrow": _micros(today) + 86400 * SECOND}
    known["yesterday"] = _micros(today) - 86400 * SECOND
    if word in known:
        return known[word]
    day = word.removeprefix("next ").strip()
    if day in days:
        return _micros(today) + ((days.index(day) - today.weekday() - 1) % 7 + 1) * 86400 * SECOND
    if day in ("week", "month"):
        return _micros(today) + (7 if day == "week" else 30) * 86400 * SECOND
    return iso(text)


def iso(text: str) -> int:
    """RFC 3339 (nanoseconds too) or a date, UTC where no zone is given → microseconds."""
    import datetime

    try:
        found = datetime.datetime.fromisoformat(text.strip())
    except ValueError as e:
        raise Usage(f'invalid time "{text}"', cure="write it as 2026-05-04, 2026-05-04T10:00:00Z, +6h, tomorrow") from e
    return _micros(found if found.tzinfo else found.replace(tzinfo=datetime.UTC))


def _micros(when: "Any") -> int:
    import datetime

    since = when - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    return int(since.days * 86400 + since.seconds) * SECOND + int(since.microseconds)
