"""The two house themes, and the colours of states for every other theme. The only place with colours in it."""

from __future__ import annotations

from rich.terminal_theme import TerminalTheme
from textual.theme import Theme

DEFAULT = "house-dark"

STATUS_DEFAULTS = {
    "status-dim": "$foreground 65%",
    "status-faint": "$foreground 38%",
    "status-accent": "$primary",
    "status-busy": "$success",
    "status-ready": "$foreground",
    "status-starting": "$secondary",
    "status-limited": "$secondary",
    "status-stopped": "$foreground 45%",
    "status-need": "$error",
    "status-ok": "$success",
    "status-warn": "$warning",
    "panel-line": "$foreground 25%",
    "panel-line-focus": "$primary",
    "cursor-line": "$primary 20%",
}
"""Used with any theme that does not say otherwise, so that each of Textual's own themes works."""

DARK = Theme(
    name="house-dark",
    dark=True,
    primary="#7fa8c9",
    secondary="#a08fb8",
    accent="#d7a65f",
    foreground="#c9cdd4",
    background="#13161b",
    surface="#13161b",
    panel="#1b1f26",
    success="#86b377",
    warning="#d3a25b",
    error="#f0564a",
    variables={
        "status-dim": "#8b929e",
        "status-faint": "#5c6470",
        "status-accent": "#7fa8c9",
        "status-busy": "#86b377",
        "status-ready": "#c9cdd4",
        "status-starting": "#6fb3ad",
        "status-limited": "#a08fb8",
        "status-stopped": "#6a717d",
        "status-need": "#ff6b5e",
        "status-ok": "#86b377",
        "status-warn": "#d3a25b",
        "panel-line": "#3a414c",
        "panel-line-focus": "#7fa8c9",
        "cursor-line": "#263241",
        "footer-key-foreground": "#7fa8c9",
        "input-selection-background": "#7fa8c9 35%",
        "scrollbar": "#2a303a",
        "scrollbar-hover": "#3a414c",
        "scrollbar-active": "#7fa8c9",
        "scrollbar-background": "#13161b",
        "scrollbar-background-hover": "#13161b",
        "scrollbar-background-active": "#13161b",
        "scrollbar-corner-color": "#13161b",
    },
)

LIGHT = Theme(
    name="house-light",
    dark=False,
    primary="#2f6690",
    secondary="#6b5b8e",
    accent="#9a6b16",
    foreground="#2b2f36",
    background="#faf9f6",
    surface="#faf9f6",
    panel="#f0eee8",
    success="#3f7a35",
    warning="#9a6b16",
    error="#c62f23",
    variables={
        "status-dim": "#6a6f78",
        "status-faint": "#9c998f",
        "status-accent": "#2f6690",
        "status-busy": "#3f7a35",
        "status-ready": "#2b2f36",
        "status-starting": "#1f7a74",
        "status-limited": "#6b5b8e",
        "status-stopped": "#8d9098",
        "status-need": "#c62f23",
        "status-ok": "#3f7a35",
        "status-warn": "#9a6b16",
        "panel-line": "#cfcbc0",
        "panel-line-focus": "#2f6690",
        "cursor-line": "#dfe8ef",
        "footer-key-foreground": "#2f6690",
        "input-selection-background": "#2f6690 25%",
        "scrollbar": "#ddd9cf",
        "scrollbar-hover": "#cfcbc0",
        "scrollbar-active": "#2f6690",
        "scrollbar-background": "#faf9f6",
        "scrollbar-background-hover": "#faf9f6",
        "scrollbar-background-active": "#faf9f6",
        "scrollbar-corner-color": "#faf9f6",
    },
)

HOUSE = (DARK, LIGHT)


_DARK_SIXTEEN = (
    (0x1B, 0x1F, 0x26), (0xD9, 0x6C, 0x63), (0x86, 0xB3, 0x77), (0xD3, 0xA2, 0x5B),
    (0x7F, 0xA8, 0xC9), (0xA0, 0x8F, 0xB8), (0x6F, 0xB3, 0xAD), (0xC9, 0xCD, 0xD4),
    (0x5C, 0x64, 0x70), (0xE8, 0x8A, 0x80), (0xA3, 0xCC, 0x96), (0xE6, 0xC0, 0x80),
    (0x9D, 0xC2, 0xE0), (0xBD, 0xAE, 0xD4), (0x8E, 0xCF, 0xC9), (0xF0, 0xF2, 0xF5),
)  # fmt: skip
_LIGHT_SIXTEEN = (
    (0x2B, 0x2F, 0x36), (0xB5, 0x45, 0x3B), (0x3F, 0x7A, 0x35), (0x9A, 0x6B, 0x16),
    (0x2F, 0x66, 0x90), (0x6B, 0x5B, 0x8E), (0x1F, 0x7A, 0x74), (0x6A, 0x6F, 0x78),
    (0x8D, 0x90, 0x98), (0xC9, 0x5D, 0x53), (0x55, 0x91, 0x4A), (0xB3, 0x83, 0x2C),
    (0x47, 0x82, 0xAE), (0x85, 0x74, 0xAA), (0x37, 0x94, 0x8E), (0xFA, 0xF9, 0xF6),
)  # fmt: skip


def _terminal(background: tuple[int, int, int], sixteen: tuple[tuple[int, int, int], ...]) -> TerminalTheme:
    return TerminalTheme(background, sixteen[7], list(sixteen[:8]), list(sixteen[8:]))


TERMINAL_DARK = _terminal((0x13, 0x16, 0x1B), _DARK_SIXTEEN)
TERMINAL_LIGHT = _terminal((0xFA, 0xF9, 0xF6), _LIGHT_SIXTEEN)
"""The sixteen colours of panes: an agent's red is not our red, which stands only where a person is needed."""


def defaults(theme: Theme) -> dict[str, str]:
    """STATUS_DEFAULTS in the colours of `theme` (CSS variables do not refer to each other)."""
    known = theme.to_color_system().generate()
    found: dict[str, str] = {}
    for name, value in STATUS_DEFAULTS.items():
        colour, _, share = value.partition(" ")
        found[name] = f"{known[colour[1:]]} {share}".strip()
    return found
