"""What the program writes into a user's files: a new city, and a rig added to one. The user's text stays as it is."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from gcity_tui.config.city import load_city
from gcity_tui.config.register import quoted, replace_file
from gcity_tui.config.shipped import shipped
from gcity_tui.config.source import Reading, Source
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.errors import BadConfig, CityError, NotFound, Refused, Usage
from gcity_tui.model.names import AGENT_NAME, bead_prefix, nearest

_IGNORED = "# What lives while the city does; nothing of it belongs into version control.\n.gc/\n"


def shipped_packs() -> tuple[str, ...]:
    """Names of the packs that a city can import, without `core`, which every city has."""
    return tuple(sorted(p.name for p in shipped("packs").iterdir() if (p / "pack.toml").is_file() and p.name != "core"))


def init_city(
    folder: Path,
    name: str = "",
    pack: str = "review",
    provider: str = "",
    agents: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    *,
    note: str = "",
) -> DeclaredCity:
    """A new city in `folder`: city.toml with comments, `agents/`, .gitignore. It loads before this returns.

    `provider` is every agent's unless `agents` (agent → provider) says otherwise; `note` is a line of why (for example
    that no agent program is on PATH). Raises Refused when there is a city already, Usage for a wrong name or pack.
    """
    folder = folder.expanduser().resolve()
    name = name or folder.name
    if not AGENT_NAME.match(name):
        raise Usage(f"{name!r} is no name for a city", cure="letters, digits, - and _; --name gives another")
    if pack and pack not in shipped_packs():
        close = nearest(pack, shipped_packs())
        raise Usage(
            f"no shipped pack {pack!r}",
            cure=f"did you mean {close!r}?" if close else f"there are: {', '.join(shipped_packs())}",
        )
    if (folder / "city.toml").exists():
        raise Refused(f"{folder} is a city already", cure="gcity-tui up starts it", where=str(folder / "city.toml"))
    text = city_text(name, pack, provider, dict(agents), note)
    ours = [p for p in (folder / ".gitignore", folder / "agents", folder) if not p.exists()]
    try:
        (folder / "agents").mkdir(parents=True, exist_ok=True)
        if not (folder / ".gitignore").exists():
            replace_file(folder / ".gitignore", _IGNORED)
        replace_file(folder / "city.toml", text)
    except OSError as exc:
        raise BadConfig(f"cannot write the city: {exc.strerror or exc}", where=str(folder)) from exc
    try:
        return load_city(folder)
    except CityError:
        (folder / "city.toml").unlink(missing_ok=True)
        for made in ours:  # nothing of a city that does not load is left
            made.rmdir() if made.is_dir() else made.unlink(missing_ok=True)
        raise


def copy_city(source: Path, folder: Path) -> DeclaredCity:
    """A city with the files of the one in `source`, but nothing of what happened there. It loads before this returns.

    Raises NotFound (no city there), Refused (`folder` holds something), and what loading it raises.
    """
    source, folder = source.expanduser().resolve(), folder.expanduser().resolve()
    if not (source / "city.toml").is_file():
        raise NotFound(f"there is no city in {source}", cure="a city has a city.toml", where=str(source))
    if folder.exists() and any(folder.iterdir()):
        raise Refused(f"{folder} is not empty", cure="name a folder that is empty or absent", where=str(folder))
    fresh = not folder.exists()
    try:
        shutil.copytree(source, folder, symlinks=True, dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns(".gc", ".git", ".beads"))  # fmt: skip
        return load_city(folder)
    except (OSError, shutil.Error, CityError) as exc:
        for made in (folder,) if fresh else tuple(folder.iterdir()):
            shutil.rmtree(made, ignore_errors=True) if made.is_dir() else made.unlink(missing_ok=True)
        if isinstance(exc, CityError):
            raise
        raise BadConfig(f"cannot copy the city: {exc}", where=str(folder)) from exc


def city_text(name: str, pack: str, provider: str, agents: Mapping[str, str], note: str = "") -> str:
    """The text of a new city.toml."""
    lines = [f"# The city {name}: who works here, and on what. `gcity-tui up` starts it, `gcity-tui` shows it.", ""]
    if note:
        lines += [f"# {line}" for line in note.splitlines()] + [""]
    lines += ["[workspace]", f"name = {quoted(name)}"]
    if provider:
        lines += [
            "# The program that every agent runs unless it says otherwise: claude, codex, gemini, opencode, or",
            "# rehearsal-claude and its kin, which play a script and need no model.",
            f"provider = {quoted(provider)}",
        ]
    lines += ["", "[daemon]", 'patrol_interval = "5s"', ""]
    if pack:
        lines += [
            "# Agents, formulas and prompts that come with the program. A rig gets one of each of its agents.",
            f"[imports.{pack}]",
            f'source = "shipped:{pack}"',
            "",
        ]
    for agent, its in agents.items():
        lines += ["[[patches.agent]]", f"name = {quoted(agent)}", f"provider = {quoted(its)}", ""]
    lines += [
        "# Permissions: agents start in the careful mode, in which the program asks before it runs what may do harm;",
        "# their questions wait for you on the dashboard. Loosen it per agent, where you trust the place it works in:",
        "#",
        "# [[patches.agent]]",
        '# name = "eddie"',
        '# option_defaults = { permission_mode = "auto-edit" }   # or "unrestricted": nothing is asked any more',
        "",
        "# Projects. `gcity-tui rig add PATH` writes these.",
    ]
    return "\n".join(lines) + "\n"


def add_rig(
    city: DeclaredCity, path: Path, name: str = "", prefix: str = "", includes: Sequence[str] = ()
) -> DeclaredCity:
    """`[[rigs]]` appended to city.toml; every other byte of the file stays. The city, loaded again, is returned.

    Raises Refused when the folder is no git repository or is a rig already, Usage when name or prefix is taken.
    """
    path = path.expanduser().resolve()
    _repository(path)
    name = name or re.sub(r"[^A-Za-z0-9_-]+", "-", path.name).strip("-_") or "rig"
    if not AGENT_NAME.match(name):
        raise Usage(f"{name!r} is no name for a rig", cure="letters, digits, - and _; --name gives another")
    for rig in city.rigs:
        if rig.path == path:
            raise Refused(f"{path} is the rig {rig.name!r} already")
        if rig.name.lower() == name.lower():
            raise Usage(f"there is a rig {rig.name!r}", cure="--name gives this one another name")
    taken = {city.prefix.lower(), *(r.prefix.lower() for r in city.rigs)}
    prefix = _prefix(name, prefix, taken)
    branch = _branch(path)
    block = ["", "[[rigs]]", f"name = {quoted(name)}", f"path = {quoted(str(path))}", f"prefix = {quoted(prefix)}"]
    if branch:
        block.append(f"default_branch = {quoted(branch)}")
    older = city.settings.get("workspace.default_rig_includes")
    packs = (*(older[-1].value if older else ()), *includes)
    if packs:
        block.append(f"includes = [{', '.join(quoted(str(text)) for text in packs)}]")
    target = city.path / "city.toml"
    try:
        before = target.read_text("utf-8")
        replace_file(target, before + ("" if before.endswith("\n") else "\n") + "\n".join(block) + "\n")
    except FileNotFoundError as exc:
        raise NotFound("the city is gone", where=str(target)) from exc
    except OSError as exc:
        raise BadConfig(f"cannot be written: {exc.strerror or exc}", where=str(target)) from exc
    try:
        return load_city(city.path)
    except CityError:
        replace_file(target, before)
        raise


def check_removal(city: DeclaredCity, name: str) -> tuple[Source, int]:
    """(city.toml, the place of the rig in it). Raises NotFound; Refused when the rig stands in another file."""
    target = city.path / "city.toml"
    close = nearest(name, tuple(r.name for r in city.rigs))
    if city.rig(name) is None:
        raise NotFound(f"no rig {name!r}", cure=f"did you mean {close}?" if close else "gcity-tui rig list")
    source = Reading().toml(target, "city")
    place = next((n for n, t in enumerate(source.table.get("rigs", ())) if t.get("name") == name), None)
    if place is None:
        where = city.origins.get(f"rigs.{name}.name")
        raise Refused(f"the rig {name!r} does not stand in city.toml", where=str(where or ""), cure="edit that file")
    return source, place


def remove_rig(city: DeclaredCity, name: str) -> DeclaredCity:
    """The `[[rigs]]` of that name taken out of city.toml, with its sub-tables; the repository itself is left alone.

    Raises NotFound; Refused when the rig stands in another file.
    """
    target = city.path / "city.toml"
    source, place = check_removal(city, name)
    before = target.read_text("utf-8")
    lines = before.splitlines(keepends=True)
    first = source.line("rigs", place) - 1
    last = first + 1
    while last < len(lines) and not re.match(r"\s*\[(?!\s*rigs\s*\.|\[\s*rigs\s*\.)", lines[last]):
        last += 1
    while last - 1 > first and lines[last - 1].lstrip().startswith(("#", "\n")):
        last -= 1  # what stands above the next table is the next table's
    while first and not lines[first - 1].strip() and (last == len(lines) or not lines[last].strip()):
        first -= 1
    try:
        replace_file(target, "".join(lines[:first] + lines[last:]))
    except OSError as exc:
        raise BadConfig(f"cannot be written: {exc.strerror or exc}", where=str(target)) from exc
    try:
        return load_city(city.path)
    except CityError:
        replace_file(target, before)
        raise


def _prefix(name: str, wanted: str, taken: set[str]) -> str:
    if wanted:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]{0,15}", wanted):
            raise Usage(f"{wanted!r} is no bead prefix", cure="up to 16 letters and digits, a letter first")
        if wanted.lower() in taken:
            raise Usage(f"the bead prefix {wanted!r} is taken", cure="--prefix gives another")
        return wanted.lower()
    stem = re.sub(r"[^a-z0-9]", "", bead_prefix(name)) or "r"
    stem = stem if stem[0].isalpha() else f"r{stem}"
    n, found = 1, stem
    while found in taken:
        n += 1
        found = f"{stem}{n}"
    return found


def _repository(path: Path) -> None:
    if not path.is_dir():
        raise NotFound(f"no folder {path}", cure="give the path of a git repository")
    top = _git(path, "rev-parse", "--show-toplevel")
    if not top:
        raise Refused(f"{path} is no git repository", cure=f"git init {path}, and commit what is there")
    if Path(top).resolve() != path:
        raise Refused(f"{path} lies inside the repository {top}", cure=f"add {top} instead")
    if not _git(path, "rev-parse", "--verify", "--quiet", "HEAD^{commit}"):
        raise Refused(f"{path} has no commit yet", cure="agents work on branches of a commit: commit something first")


def _branch(path: Path) -> str:
    """The remote's default branch, else the one that is checked out."""
    remote = _git(path, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
    return remote.removeprefix("origin/") or _git(path, "symbolic-ref", "--quiet", "--short", "HEAD")


def _git(path: Path, *words: str) -> str:
    """What git prints, or empty when it fails. Raises NotFound when there is no git."""
    try:
        done = subprocess.run(["git", "-C", str(path), *words], capture_output=True, text=True, timeout=20, check=False)
    except FileNotFoundError as exc:
        raise NotFound("git is not installed", cure="apt-get install git") from exc
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
