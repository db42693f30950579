"""`extends`: a formula with what it inherits from its parents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from gcity_tui.formulas import requirement
from gcity_tui.formulas.parse import declared, parse
from gcity_tui.formulas.step import Formula, Step
from gcity_tui.model.errors import BadConfig, NotFound

MOST_PARENTS = 100
"""Files that one formula may reach by `extends`, each counted as often as it is reached."""
Read = Callable[[str], tuple[str, str]]
"""Name of a formula → (text, path). Raises NotFound."""


def load(name: str, read: Read, *, by_version: bool = False) -> Formula:
    """The formula `name`, parents merged in. Raises NotFound, BadConfig (also for a circle).

    `by_version`: the older rule of which formulas are graphs, see `parse.declared`.
    """
    return declared(_whole(name, read, (), []), by_version)


def _whole(name: str, read: Read, chain: tuple[str, ...], seen: list[str]) -> Formula:
    seen.append(name)
    if name in chain:
        raise BadConfig("circular extends detected: " + " -> ".join((*chain, name)))
    if len(chain) > 16:
        raise BadConfig("extends goes deeper than 16 levels: " + " -> ".join((*chain, name)))
    if len(seen) > MOST_PARENTS:
        raise BadConfig(f"extends reaches more than {MOST_PARENTS} formulas: {chain[0]} …")
    text, path = read(name)
    formula = parse(text, path)
    if not formula.extends:
        return formula
    parents = []
    for parent in formula.extends:
        try:
            parents.append(_whole(parent, read, (*chain, name), seen))
        except NotFound as exc:
            raise BadConfig(f"extends {parent!r}, which is not there", cure=exc.cure, where=f"{path}: extends") from exc
    return _merged(formula, parents)


def _merged(child: Formula, parents: list[Formula]) -> Formula:
    """A child's step replaces the parent's of the same id in place, new ones follow; variables and metadata merge."""
    variables = dict(child.variables)
    metadata: Mapping[str, Any] = child.metadata
    for parent in parents:
        for name, variable in parent.variables.items():
            variables.setdefault(name, variable)
        metadata = _nested(parent.metadata, metadata)
    fitting([child, *parents], child)
    return replace(
        child,
        variables=variables,
        metadata=metadata,
        steps=_steps(child.steps, [s for p in parents for s in p.steps], child),
        template=_steps(child.template, [s for p in parents for s in p.template], child),
        compose=_compose(child.compose, [p.compose for p in parents]),
        phase=child.phase or next((p.phase for p in parents if p.phase), ""),
        pour=child.pour or any(p.pour for p in parents),
        contract=child.contract or next((p.contract for p in parents if p.contract), ""),
        requires=child.requires or next((p.requires for p in parents if p.requires), ""),
        version=max(child.version, *(p.version for p in parents)),
        text_hash="",
    )


def fitting(formulas: list[Formula], owner: Formula) -> None:
    """Raise BadConfig unless some compiler does for all of them: what they ask for holds together."""
    asked = [(f, f.demands) for f in formulas if f.demands]
    if requirement.possible(requirement.together(d for _, d in asked)):
        return
    told = "; ".join(f"{f.name} asks for {d}" for f, d in asked)
    raise BadConfig(
        f"formula.compiler_requirement_conflict: {told}",
        cure="ask for the same compiler in all of them",
        where=f"{owner.source}: requires",
    )


def _steps(own: tuple[Step, ...], inherited: list[Step], child: Formula) -> tuple[Step, ...]:
    seen: set[str] = set()
    for step in inherited:
        if step.id in seen:
            raise BadConfig(f"two parents define the step {step.id!r}", where=f"{child.source}: extends")
        seen.add(step.id)
    mine = {s.id: s for s in own}
    return (*(mine.get(s.id, s) for s in inherited), *(s for s in own if s.id not in seen))


def _nested(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        before = merged.get(key)
        merged[key] = _nested(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return merged


def _compose(own: Mapping[str, Any], parents: list[Mapping[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for one in (*parents, own):
        for key, value in one.items():
            before = merged.get(key)
            merged[key] = [*before, *value] if isinstance(before, list) and isinstance(value, list) else value
    return merged
