"""The files that an agent names or that lie beside its agent.toml: prompt, overlay, setup script, pool of names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gcity_tui.config.source import Reading, inside, within
from gcity_tui.model.errors import BadConfig, CityError, NotFound
from gcity_tui.model.names import AGENT_NAME

PROMPTS = ("prompt.template.md", "prompt.md.tmpl", "prompt.md")
NAMED = ("prompt_template", "overlay_dir", "session_setup_script", "namepool")
"""Keys of an agent that name a file or folder."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a table that names files stands. `root`: none of them may leave it, unless the table is the city's own."""

    folder: Path
    root: Path
    where: str
    own: bool
    """The user wrote it: an absolute path is meant as it is written."""

    def find(self, text: str) -> list[Path]:
        """Where `text` may lie: beside the file, then from the top of its pack; `//x` from the top only."""
        if text.startswith("//"):
            starts = [self.root]
        else:
            starts = [self.folder, self.root]
        if self.own and not text.startswith("//") and Path(text).expanduser().is_absolute():
            return [Path(text).expanduser()]
        return [inside(self.root, start, text, self.where) for start in dict.fromkeys(starts)]


def files_of(table: Mapping[str, Any], place: Place, reading: Reading, *, beside: bool = True) -> dict[str, str]:
    """`{path, text}` of the prompt; `overlay`, `script` and `names` (one to a line) where there are any.

    `beside`: the folder is the agent's own, in which the well-known names count.
    """
    found = _prompt(table, place, reading, beside)
    overlay = _one(table, "overlay_dir", place, reading, folder=True) or _lying(place, "overlay", beside)
    script = _one(table, "session_setup_script", place, reading)
    pool = _one(table, "namepool", place, reading) or _lying(place, "namepool.txt", beside)
    if overlay is not None:
        found["overlay"] = str(overlay)
    if script is not None:
        found["script"] = str(script)
    if pool is not None:
        found["names"] = "\n".join(_names(pool, reading))
    return found


def _prompt(table: Mapping[str, Any], place: Place, reading: Reading, beside: bool) -> dict[str, str]:
    named = table.get("prompt_template", "")
    paths = place.find(named) if named else [place.folder / n for n in PROMPTS] if beside else []
    for path in paths:
        if path.is_file():
            _stays(path, place)
            return {"path": str(path), "text": reading.text(path)}
    if named:
        reading.warn(f"{place.where}: no prompt file {named!r}; the prompt is empty")
    return {}


def _one(table: Mapping[str, Any], key: str, place: Place, reading: Reading, *, folder: bool = False) -> Path | None:
    text = table.get(key, "")
    if not isinstance(text, str) or not text:
        return None
    for path in place.find(text):
        if path.is_dir() if folder else path.is_file():
            _stays(path, place)
            return path
    reading.warn(f"{place.where}: no {'folder' if folder else 'file'} {text!r} for {key}; it is left out")
    return None


def _lying(place: Place, name: str, beside: bool) -> Path | None:
    path = place.folder / name
    if not beside or not path.exists():
        return None
    _stays(path, place)
    return path


def _stays(path: Path, place: Place) -> None:
    """A link may not lead out; what the user named by a path outside of the city is meant."""
    if place.own and not path.is_relative_to(place.root):
        return
    if not path.resolve().is_relative_to(place.root.resolve()):
        raise BadConfig(f"{path} leads out of {place.root}", cure="keep its files in the pack", where=place.where)


def _names(path: Path, reading: Reading) -> list[str]:
    """The names of a pool: one to a line, `#` begins a remark; what is no name is left out with a warning."""
    found: dict[str, None] = {}
    for n, line in enumerate(reading.text(path).splitlines(), 1):
        name = line.partition("#")[0].strip()
        if name and not AGENT_NAME.match(name):
            reading.warn(f"{path}:{n}: {name!r} is no name for a session; it is left out")
        elif name:
            found[name] = None
    return list(found)


def overlays(folders: tuple[Path, ...], city: Path, reading: Reading) -> tuple[str, ...]:
    """`overlay/` of each pack and of the city: what its agents find in their work folder. Lowest first."""
    found = []
    for folder in folders:
        path = folder / "overlay"
        try:
            # Gas City's core pack has its hooks there; a session's hooks come by its own folder here.
            if path.is_dir() and folder.name != "core":
                found.append(str(path if folder == city else within(folder, path)))
        except (CityError, NotFound) as exc:
            reading.warn(str(exc))
    return tuple(found)
