"""Prompts: a template with its variables and fragments → the text an agent is given.

A template that cannot be carried out is given as it stands, with a warning that names the place: a prompt that
documents templates holds marks that are none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gcity_tui.config import template
from gcity_tui.config.functions import functions
from gcity_tui.config.source import read_bytes, within
from gcity_tui.config.template import TemplateError
from gcity_tui.model.declared import Agent, DeclaredCity
from gcity_tui.model.errors import CityError
from gcity_tui.model.text import clean

RENDERED = (".template.md", ".md.tmpl")
FOLDERS = (Path("prompts") / "shared", Path("template-fragments"))
_FRONT = re.compile(r"\A---[ \t]*\n.*?\n---[ \t]*\n", re.DOTALL)


def render(
    text: str,
    variables: Mapping[str, Any],
    fragments: Sequence[tuple[str, str]] = (),
    *,
    append: Sequence[str] = (),
    place: str = "prompt",
) -> tuple[str, tuple[str, ...]]:
    """(rendered text, warnings). `fragments` are (place, text) of files that define templates, later ones win;
    `append` names templates put behind the body, each after a blank line."""
    body = _FRONT.sub("", text, count=1)
    warnings: list[str] = []
    templates: dict[str, template.Tree] = {}
    for where, source in fragments:
        try:
            templates.update(template.read(_FRONT.sub("", source, count=1))[1])
        except TemplateError as exc:
            warnings.append(f"{where}:{exc.line}: {exc}; its fragments are left out")
    try:
        tree, own = template.read(body)
        templates.update(own)
        run = template.Run(variables, templates, functions())
        out = run.render(tree, variables)
    except TemplateError as exc:
        skipped = text[: len(text) - len(body)].count("\n")
        warnings.append(f"{place}:{exc.line + skipped}: {exc}; the prompt is given as it is written")
        return body, tuple(warnings)
    for name in dict.fromkeys(append):
        if name not in templates:
            warnings.append(f"{place}: no fragment {name!r}")
            continue
        try:
            out = out.rstrip("\n") + "\n\n" + run.call(name, variables)
        except TemplateError as exc:
            warnings.append(f"{place}: fragment {name!r}: {exc}")
    return out, tuple(warnings)


def render_prompt(
    city: DeclaredCity, agent: Agent, variables: Mapping[str, Any], text: str = ""
) -> tuple[str, tuple[str, ...]]:
    """The prompt of `agent` (or `text` instead of it), fragments of its city, packs and own folder included.

    `variables` come over the agent's and city's env. Only `*.template.md` and `*.md.tmpl` are rendered; a plain `.md`
    is passed on, without its front matter.
    """
    body = text or agent.prompt
    if agent.prompt_path and not agent.prompt_path.endswith(RENDERED) and not text:
        return clean(_FRONT.sub("", body, count=1)), ()
    found, warnings = fragments_for(city, agent)
    data = {**city.env, **agent.env, **_about(city, agent), **variables}
    out, more = render(body, data, found, append=agent.fragments, place=agent.prompt_path or agent.qualified)
    return clean(out), (*warnings, *more)


def _about(city: DeclaredCity, agent: Agent) -> dict[str, str]:
    """What is known of an agent without a session; the caller's values win."""
    rig = city.rig(agent.dir)
    provider = city.provider_of(agent)
    return {
        "CityRoot": str(city.path),
        "AgentName": agent.qualified,
        "TemplateName": agent.qualified,
        "BindingName": agent.binding,
        "BindingPrefix": f"{agent.binding}." if agent.binding else "",
        "RigName": agent.dir,
        "Rig": agent.dir,
        "RigRoot": str(rig.path) if rig else "",
        "IssuePrefix": rig.prefix if rig else city.prefix,
        "DefaultBranch": (rig.default_branch if rig else "") or "main",
        "ConfigDir": agent.config_dir or str(city.path),
        "SlingQuery": f"bd update {{}} --set-metadata gc.routed_to={agent.qualified}",
        "ProviderKey": provider.name if provider else "",
        "ProviderDisplayName": provider.display_name if provider else "",
        "InstructionsFile": provider.instructions_file if provider else "AGENTS.md",
    }


def fragments_for(city: DeclaredCity, agent: Agent) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
    """(place, text) of every fragment file that the agent's prompt may use, lowest first; and warnings."""
    own = Path(agent.source) if agent.source else None
    roots = [pack for pack in city.pack_dirs if pack != city.path]
    rig = city.rig(agent.dir) if agent.dir else None
    roots += rig.pack_dirs if rig else ()
    if own and own.parent.name == "agents":
        roots.append(own.parent.parent)
    homes = [root / folder for root in dict.fromkeys((*(r for r in roots if r != city.path), city.path)) for folder in
             FOLDERS]  # fmt: skip
    if agent.prompt_path:
        homes.append(Path(agent.prompt_path).parent / "shared")
    if own:
        homes.append(own / "template-fragments")
    files: dict[str, str] = {}
    warnings: list[str] = []
    for home in dict.fromkeys(homes):
        for ending in (".md.tmpl", ".template.md"):
            for path in sorted(home.glob(f"*{ending}")) if home.is_dir() else ():
                try:
                    if home.parent != city.path and home.parent.parent != city.path:
                        within(home, path)
                    files.pop(str(path), None)
                    files[str(path)] = read_bytes(path).decode("utf-8", "replace")
                except CityError as exc:
                    warnings.append(str(exc))
    return list(files.items()), tuple(warnings)
