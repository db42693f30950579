"""`reviewers.toml` of a pack or city: which reviewer a change needs, and who can be one.

[[reviewer]]
leg = "performance"          # the step's gc.review_leg
files = ["*.py"]             # globs on changed paths; or text = [regular expressions] on added lines; or always = true
agents = ["performance"]     # who can do it, the first choice first
"""

from __future__ import annotations

import re
from pathlib import Path

from gcity_tui.config import keys
from gcity_tui.config.source import Reading, Source, within
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.errors import BadConfig
from gcity_tui.model.reviewers import Reviewer

FILE = "reviewers.toml"
_KEYS = {"leg": "str", "agents": "strs", "files": "strs", "text": "strs", "always": "bool"}
_LONGEST = 200


def reviewers(city: DeclaredCity, reading: Reading | None = None) -> dict[str, Reviewer]:
    """Leg → its entry: a pack's, under those of packs that import it, under the city's own.

    Raises BadConfig with file and line.
    """
    reading = reading or Reading()
    found: dict[str, Reviewer] = {}
    for folder in dict.fromkeys((*city.pack_dirs, city.path)):
        path = folder / FILE
        if path.is_file():
            found.update(_read(within(folder, path), reading))
    return found


def _read(path: Path, reading: Reading) -> dict[str, Reviewer]:
    source = reading.toml(path, "reviewers")
    entries = source.table.get("reviewer", [])
    for key in source.table:
        if key != "reviewer":
            raise BadConfig(f"unknown key {key!r}", cure="[[reviewer]] tables", where=source.where(key))
    if not keys.fits("tables", entries):
        raise BadConfig("reviewer must be tables", cure="[[reviewer]]", where=source.where("reviewer"))
    found = {}
    for number, table in enumerate(entries):
        at = ("reviewer", number)
        for key in table:
            if key not in _KEYS:
                raise BadConfig(f"unknown key {key!r}", cure=", ".join(_KEYS), where=source.where(*at, key))
        keys.check(table, _KEYS, source, at, reading)
        leg = str(table.get("leg", ""))
        if not leg:
            raise BadConfig("a reviewer needs the name of its leg", cure='leg = "security"', where=source.where(*at))
        _patterns(table.get("text", []), source, at)
        found[leg] = Reviewer(
            leg, tuple(table.get("agents", ())), tuple(table.get("files", ())), tuple(table.get("text", ())),
            bool(table.get("always", False)),
        )  # fmt: skip
    return found


def _patterns(listed: list[str], source: Source, at: tuple[str, int]) -> None:
    for pattern in listed:
        try:
            re.compile(pattern)
        except re.error as e:
            raise BadConfig(f"text: {e}", cure="a regular expression", where=source.where(*at, "text")) from e
        if len(pattern) > _LONGEST:
            raise BadConfig(f"text: over {_LONGEST} characters", where=source.where(*at, "text"))
