"""JSON as Go's encoder writes it (two spaces, HTML characters escaped), without importing a JSON library.

Values are str, int, float, bool, None, list, tuple, dict, or `Raw`: JSON text that goes out as it is.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ESCAPES: "dict[int, str]" = {i: f"\\u{i:04x}" for i in range(32)}
_ESCAPES.update({10: "\\n", 13: "\\r", 9: "\\t", 34: '\\"', 92: "\\\\"})
_ESCAPES.update({ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"})


_KEYS: "dict[str, str]" = {}
"""Keys as they are written; the same few dozen come again and again."""


_DAYS: "dict[int, str]" = {}
"""Days since 1970 as they are written: the beads of one page are of few."""


class Raw(str):
    """JSON text: goes out as it stands."""

    __slots__ = ()


def quote(text: str) -> str:
    """A JSON string. Lone surrogates, which have no bytes, become question marks."""
    # Most are plain, and to find that out takes a tenth of translating them.
    plain = text.isprintable() and '"' not in text and "\\" not in text
    if plain and "<" not in text and ">" not in text and "&" not in text:
        return f'"{text}"'
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    return f'"{text.translate(_ESCAPES)}"'


def dumps(value: "Any", indent: str = "\n") -> str:
    """JSON text. `indent` is the line break in front of this value's closing bracket; "" writes one line."""
    kind = type(value)
    if kind is str:
        return quote(value)
    if kind is int or kind is float:
        return repr(value)
    if kind is dict:
        return _object(value, indent) if value else "{}"
    if kind is Raw:
        return str(value)
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    if not isinstance(value, (list, tuple)):
        return quote(str(value))
    if not value:
        return "[]"
    inner = indent + "  " if indent else ""
    return f"[{inner}{(',' + inner).join([dumps(v, inner) for v in value])}{indent}]"


def _key(key: object) -> str:
    text = quote(str(key))
    if isinstance(key, str) and len(_KEYS) < 500:
        _KEYS[key] = text
    return text


def _object(value: "dict[Any, Any]", indent: str) -> str:
    inner = indent + "  " if indent else ""
    colon = ": " if indent else ":"
    parts = []
    for key, v in value.items():
        text = quote(v) if type(v) is str else dumps(v, inner)  # most are strings: one call less for each
        parts.append(f"{_KEYS.get(key) or _key(key)}{colon}{text}")
    return f"{{{inner}{(',' + inner).join(parts)}{indent}}}"


def stamp(micros: "int | None", fine: bool = False) -> str:
    """Microseconds since 1970 → RFC 3339 in UTC; to the second as bd prints it, or `fine` with six digits;

    None → "".
    """
    if micros is None:
        return ""
    seconds, rest = divmod(micros, 1_000_000)
    day, second = divmod(seconds, 86400)
    minute, second = divmod(second, 60)
    tail = f".{rest:06d}Z" if fine else "Z"
    return f"{_DAYS.get(day) or _day(day)}T{minute // 60:02d}:{minute % 60:02d}:{second:02d}{tail}"


def _day(day: int) -> str:
    from time import gmtime

    t = gmtime(day * 86400)
    if len(_DAYS) > 5000:
        _DAYS.clear()
    text = _DAYS[day] = f"{t[0]:04d}-{t[1]:02d}-{t[2]:02d}"
    return text
