"""JSON as Go's encoder writes it (two spaces, HTML characters escaped), without importing a JSON library.

Values are str, int, float, bool, None, list, tuple, dict, or `Raw`: JSON text that goes out as it is.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ESCAPES: "dict[int, str]" = {i: f"\\u{i:04x}" for i in range(32)}
_ESCAPES.update({10: "\\n", 13: "\\r", 9: "\\t", 34: '\\"', 92: "\\\\"})
_ESCAPES.update({ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"})
_ESCAPES.update(dict.fromkeys(range(55296, 57344), "\\ufffd"))


class Raw(str):
    """JSON text: goes out as it stands."""

    __slots__ = ()


def quote(text: str) -> str:
    return f'"{text.translate(_ESCAPES)}"'


def dumps(value: "Any", indent: str = "\n") -> str:
    """JSON text. `indent` is the line break in front of this value's closing bracket; "" writes one line."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, str):
        return quote(value)
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    inner = indent + "  " if indent else ""
    comma = "," + inner if indent else ","
    if isinstance(value, dict):
        if not value:
            return "{}"
        colon = ": " if indent else ":"
        return (
            "{" + inner + comma.join(quote(str(k)) + colon + dumps(v, inner) for k, v in value.items()) + indent + "}"
        )
    if not value:
        return "[]"
    return "[" + inner + comma.join(dumps(v, inner) for v in value) + indent + "]"


def stamp(micros: "int | None", fine: bool = False) -> str:
    """Microseconds since 1970 → RFC 3339 in UTC; to the second as bd prints it, or `fine` with six digits;

    None → "".
    """
    if micros is None:
        return ""
    from time import gmtime

    seconds, rest = divmod(micros, 1_000_000)
    t = gmtime(seconds)
    tail = f".{rest:06d}Z" if fine else "Z"
    return f"{t[0]:04d}-{t[1]:02d}-{t[2]:02d}T{t[3]:02d}:{t[4]:02d}:{t[5]:02d}{tail}"
