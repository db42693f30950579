"""Which keys may be pressed in a pane: tmux's names, or one printable character; tmux would type anything else."""

from __future__ import annotations

import re

from gcity_tui.model.errors import Usage

NAMED = frozenset(
    {"Enter", "Escape", "Tab", "BTab", "Up", "Down", "Left", "Right", "Home", "End"}
    | {"PageUp", "PPage", "PageDown", "NPage"}
    | {"BSpace", "Delete", "DC", "Insert", "IC", "Space"}
    | {f"F{n}" for n in range(1, 13)}
)
_MODIFIED = re.compile(r"^(?:[CMS]-){1,3}(?:[a-zA-Z0-9]|[][\\/@^_-])\Z")


def checked_keys(keys: tuple[str, ...]) -> tuple[str, ...]:
    """`keys` as they are, or Usage with the name of the first that is none (`C-c`, `Escape`, `y`, `S-Tab` → BTab)."""
    if not keys:
        raise Usage("no key named")
    for key in keys:
        bare = re.sub(r"^(?:[CMS]-)+", "", key)
        if not (bare in NAMED or (len(key) == 1 and key.isprintable()) or _MODIFIED.match(key)):
            raise Usage(f"not a key: {key!r}", cure="for example Enter, Escape, Up, C-c, y")
    return keys
