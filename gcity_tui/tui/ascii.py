"""For terminals and fonts without our signs: each of them as one ASCII character, on its way to the screen."""

from __future__ import annotations

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
