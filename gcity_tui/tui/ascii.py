"""For terminals and fonts without our signs: each of them as one ASCII character, on its way to the screen."""

from __future__ import annotations

from collections.abc import Mapping

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_PAIRS = (
    ("╭╮╰╯┌┐└┘├┤┬┴┼┏┓┗┛╔╗╚╝", "+" * 21), ("─━═╌⎯", "-----"), ("│┃║▌┆", "|||||"), ("…·•⋯", "...."),
    ("○●◐◌◷■✕▸◆◈✉◫▲▾‖▏", "oO%:L#X>*@M=^v||"), ("✓✗⊘↻~", "+x0r~"), ("▰▱", "#."), ("▁▂▃▄▅▆▇█", "__-=+**#"),
    ("↑↓→←↗↘↔⏎", "^v><//-<"), ("¹²³⁴⁵⁶⁷⁸⁹", "123456789"), ("∴⎿✻✦❯›", ":`**>>"),
)  # fmt: skip
TABLE = str.maketrans({one: other for left, right in _PAIRS for one, other in zip(left, right, strict=True)})


class Ascii(LineFilter):
    """Letters of other languages stay: they are what an agent said."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [s if s.text.isascii() else Segment(s.text.translate(TABLE), s.style, s.control) for s in segments]


def letters_only(environ: Mapping[str, str]) -> bool:
    """Whether the terminal is said to show nothing but ASCII: a locale is named, and it is not one of UTF-8."""
    named = next((environ[k] for k in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(k)), "")
    return bool(named) and "utf8" not in named.lower().replace("-", "")
