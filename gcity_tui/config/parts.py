"""What the steps of loading a city hand on to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gcity_tui.config import packs
from gcity_tui.config.agents import Draft
from gcity_tui.config.packs import Pack
from gcity_tui.config.rigs import RigDraft
from gcity_tui.config.source import Reading, Source


@dataclass(slots=True)
class Parts:
    """What the steps of loading hand on to each other."""

    city: Path
    sources: list[Source]
    tables: Mapping[str, Any]
    reading: Reading
    core: Pack
    packs: list[tuple[packs.Import, Pack]] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    rigs: list[RigDraft] = field(default_factory=list)
    waiting: set[str] = field(default_factory=set)
    """Agents that come with the first rig."""
