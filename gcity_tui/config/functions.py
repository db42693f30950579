"""What templates can call: the functions that Gas City gives to prompts, and those of Go's text/template itself.

Source: the documentation of Go's packages text/template and fmt; `tests/config/go_templates` compares with Go's own.
"""

from __future__ import annotations

import html
import re
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gcity_tui.model.names import session_name

Function = Callable[..., Any]
_VERB = re.compile(r"%(?P<flags>[-+ 0#]*)(?P<width>\d{0,4})(?:\.(?P<precision>\d{0,4}))?(?P<verb>.?)", re.DOTALL)
_JS = {"\\": "\\\\", "'": "\\'", '"': '\\"', "<": "\\u003C", ">": "\\u003E", "&": "\\u0026", "=": "\\u003D",
       "\n": "\\u000A", "\r": "\\u000D", "\t": "\\u0009"}  # fmt: skip
_HTML = {"\0": "\ufffd", '"': "&#34;", "'": "&#39;"}


def functions() -> dict[str, Function]:
    """Name → function. Each raises TypeError or ValueError where Go would refuse the call."""
    return {
        "cmd": lambda: "gc",
        "session": lambda name: session_name(_text(name)),
        "basename": lambda name: _text(name).rsplit("/", 1)[-1],
        "printf": printf,
        "print": sprint,
        "println": lambda *words: " ".join(map(show, words)) + "\n",
        "len": _length,
        "index": _index,
        "slice": _slice,
        "html": lambda *words: "".join(_HTML.get(c) or html.escape(c, quote=False) for c in sprint(*words)),
        "js": lambda *words: "".join(_JS.get(c, c) for c in sprint(*words)),
        "urlquery": lambda *words: urllib.parse.quote_plus(sprint(*words), safe="-_.~"),
        "not": lambda value: not true(value),
        "and": lambda first, *more: next((v for v in (first, *more) if not true(v)), (first, *more)[-1]),
        "or": lambda first, *more: next((v for v in (first, *more) if true(v)), (first, *more)[-1]),
        "eq": _equal,
        "ne": lambda value, other: not _equal(value, other),
        "lt": lambda value, other: _order(value, other) < 0,
        "le": lambda value, other: _order(value, other) <= 0,
        "gt": lambda value, other: _order(value, other) > 0,
        "ge": lambda value, other: _order(value, other) >= 0,
    }


def true(value: Any) -> bool:
    """Go's truth: empty text, zero, false, nil and empty lists are false."""
    return bool(value)


def show(value: Any) -> str:
    """A value as Go's `%v` has it."""
    if value is None:
        return "<no value>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "map[" + " ".join(f"{k}:{show(value[k])}" for k in sorted(value)) + "]"
    if isinstance(value, list | tuple):
        return "[" + " ".join(map(show, value)) + "]"
    return str(value)


def sprint(*words: Any) -> str:
    """Go's Sprint: a space between two operands when neither is a text."""
    out = ""
    for n, word in enumerate(words):
        apart = n and not isinstance(word, str) and not isinstance(words[n - 1], str)
        out += (" " if apart else "") + show(word)
    return out


def printf(form: str, *arguments: Any) -> str:
    """Go's Sprintf with flags, widths and precisions for %s %v %d %q %t %x and %%."""
    left = list(arguments)

    def one(match: re.Match[str]) -> str:
        verb = match["verb"]
        if verb == "%":
            return "%"
        if not verb:
            return "%!(NOVERB)"
        if not left:
            return f"%!{verb}(MISSING)"
        return _padded(_verb(verb, left.pop(0), match["precision"]), match["flags"], match["width"])

    made = _VERB.sub(one, _text(form))
    if left:
        made += "%!(EXTRA " + ", ".join(f"{_kind(v)}={show(v)}" for v in left) + ")"
    return made


def _verb(verb: str, value: Any, precision: str | None) -> str:
    number = isinstance(value, int) and not isinstance(value, bool)
    if verb == "v" or (verb == "s" and isinstance(value, str)):
        text = show(value)
        return text[: int(precision or 0)] if precision is not None and isinstance(value, str) else text
    if verb == "q" and isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t") + '"'
    if (verb == "d" and number) or (verb == "t" and isinstance(value, bool)):
        return show(value)
    if verb == "x" and number:
        return f"{value:x}"
    if verb == "x" and isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").hex()
    return f"%!{verb}({_kind(value)}={show(value)})"


def _padded(text: str, flags: str, width: str) -> str:
    size = min(int(width or 0), 1000)
    if "-" in flags:
        return text.ljust(size)
    if "0" in flags and text.lstrip("-").isdigit():
        return text.zfill(size)
    return text.rjust(size)


def _kind(value: Any) -> str:
    for kind, name in ((bool, "bool"), (int, "int"), (float, "float64"), (str, "string")):
        if isinstance(value, kind):
            return name
    return "map[string]string" if isinstance(value, Mapping) else "[]string"


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"wants a text, not {_kind(value)}")
    return value


def _length(value: Any) -> int:
    return len(value.encode("utf-8", "surrogateescape")) if isinstance(value, str) else len(value)


def _index(value: Any, *path: Any) -> Any:
    for key in path:
        if isinstance(value, Mapping):
            value = value.get(_text(key), "")
        elif isinstance(value, str):
            value = value.encode("utf-8", "surrogateescape")[key]
        else:
            value = value[key]
    return value


def _slice(value: Any, start: int = 0, end: int | None = None) -> Any:
    data = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    stop = len(data) if end is None else end
    if not 0 <= start <= stop <= len(data):
        raise ValueError(f"slice out of range: {start}:{stop}")
    part: Sequence[Any] = data[start:stop]
    return part.decode("utf-8", "replace") if isinstance(part, bytes) else part


def _equal(value: Any, *others: Any) -> bool:
    if not others:
        raise TypeError("missing argument for comparison")
    return any(_order(value, other) == 0 for other in others)


def _order(value: Any, other: Any) -> int:
    """-1, 0 or 1; TypeError for two of different kinds."""
    if _kind(value) != _kind(other):
        raise TypeError(f"incompatible types for comparison: {_kind(value)} and {_kind(other)}")
    return 0 if value == other else -1 if value < other else 1
