"""What a person has suspended or resumed: over what the files say, kept in the ledger, until it is taken back.

A suspended agent, rig or city starts nothing; a session that is at work ends its bead first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from gcity_tui.beads.ledger import Ledger
from gcity_tui.model.declared import DeclaredCity

_KEY = "suspended"


def said(ledger: Ledger) -> dict[str, bool]:
    """`rigs.<name>`, `agents.<qualified>` → whether it is suspended. What cannot be read counts as nothing."""
    try:
        found = json.loads(ledger.config(_KEY) or "{}")
    except ValueError:
        return {}
    return {str(k): bool(v) for k, v in found.items()} if isinstance(found, dict) else {}


def say(ledger: Ledger, kind: str, name: str, on: bool) -> None:
    """Suspend or resume a rig or an agent (`kind`: rigs, agents), with an event that the controller hears."""
    words = {**said(ledger), f"{kind}.{name}": on}
    ledger.set_config(_KEY, json.dumps(words, sort_keys=True))
    ledger.emit(f"{kind[:-1]}.{'suspended' if on else 'resumed'}", name, "human")


def applied(city: DeclaredCity, words: Mapping[str, bool]) -> DeclaredCity:
    """The city with a person's word over its files'. A control dispatcher stays what it is: never started."""
    if not words:
        return city
    rigs = tuple(replace(r, suspended=words.get(f"rigs.{r.name}", r.suspended)) for r in city.rigs)
    agents = tuple(replace(a, suspended=words.get(f"agents.{a.qualified}", a.suspended)) for a in city.agents)
    return replace(city, rigs=rigs, agents=agents)
