"""Retry and check steps into their controls, spec sidecars and first runs; scopes and fan-outs into theirs.

Names and metadata are Gas City's newer compiler's (formulas v2); see `tests/formulas/worked.py` for its worked output.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace

from gcity_tui.formulas.step import Check, Step, spec_json
from gcity_tui.model.errors import BadConfig

_NOT_INHERITED = ("gc.scope_ref", "gc.scope_role", "gc.on_fail")
_NO_SCOPE_CHECK = ("scope", "scope-check", "workflow-finalize", "fanout", "check", "drain", "spec")
SPEC_LIMIT = 1024 * 1024
"""Characters a spec sidecar may have: a spec inside a spec doubles its quotes at each level."""


def retries(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Each retry step by control, spec and first attempt, at every depth."""
    out: list[Step] = []
    for step in steps:
        if step.retry:
            out += _retry(step)
        else:
            out.append(replace(step, children=retries(step.children)) if step.children else step)
    return tuple(out)


def _retry(step: Step) -> list[Step]:
    assert step.retry is not None
    first = f"{step.id}.attempt.1"
    control = replace(
        step,
        retry=None,
        assignee="",
        needs=(*step.needs, first),
        metadata={
            **step.metadata,
            "gc.control_epoch": "1",
            "gc.kind": "retry",
            "gc.step_id": step.id,
            "gc.max_attempts": str(step.retry.max_attempts),
            "gc.on_exhausted": step.retry.on_exhausted or "hard_fail",
        },
    )
    return [control, spec(step), attempt(step, 1)]


def attempt(step: Step, number: int) -> Step:
    """Attempt `number` of a retry step."""
    return replace(
        step,
        id=f"{step.id}.attempt.{number}",
        retry=None,
        waits_for="",
        condition="",
        metadata={**_authored(step), "gc.attempt": str(number), "gc.control_for": step.id, "gc.step_id": step.id},
    )


def spec(step: Step) -> Step:
    """The sidecar that keeps the step as written, for later attempts."""
    text = spec_json(step)
    if len(text) > SPEC_LIMIT:
        raise BadConfig("controls are nested too deeply to be kept in a spec", where=step.where)
    return Step(
        id=f"{step.id}.spec",
        title=f"Step spec for {step.title}",
        type="spec",
        description=text,
        metadata={"gc.kind": "spec", "gc.spec_for": step.id, "gc.spec_for_ref": step.id},
        file=step.file,
        line=step.line,
    )


def _authored(step: Step) -> dict[str, str]:
    """Authored metadata that a run takes over from its control."""
    kept = {k: v for k, v in step.metadata.items() if k not in _NOT_INHERITED}
    if "gc.kind" in kept:
        kept["gc.original_kind"] = kept.pop("gc.kind")
    return kept


def checks(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Each check step by control, spec and first iteration, at every depth."""
    out: list[Step] = []
    for step in steps:
        if step.check:
            out += _check(step, step.check)
        else:
            out.append(replace(step, children=checks(step.children)) if step.children else step)
    return tuple(out)


def _check(step: Step, check: Check) -> list[Step]:
    extra = {"gc.step_timeout": step.timeout} if step.timeout else {}
    control = replace(
        step,
        check=None,
        timeout="",
        children=(),
        needs=(*step.needs, f"{step.id}.iteration.1"),
        metadata={
            **step.metadata,
            "gc.check_mode": check.mode,
            "gc.check_path": check.path,
            "gc.check_timeout": check.timeout,
            "gc.control_epoch": "1",
            "gc.kind": "ralph",
            "gc.max_attempts": str(check.max_attempts),
            "gc.step_id": step.id,
            **extra,
        },
    )
    return [control, spec(step), *iteration(step, 1)]


def iteration(step: Step, number: int, *, prefix: str = "", control_for: str = "", needs: bool = True) -> list[Step]:
    """Iteration `number` of a check step: one step, or with children a scope body and its members.

    `prefix` goes before every id that later iterations write in full; `control_for` overrides what the run is for.
    """
    name = f"{prefix}{step.id}.iteration.{number}"
    about = {
        "gc.attempt": str(number),
        "gc.control_for": control_for or step.id,
        "gc.ralph_step_id": step.id,
        "gc.step_id": step.id,
        "gc.step_ref": name,
    }
    if not step.children:
        run = replace(
            step, id=name, check=None, timeout="", waits_for="", condition="", metadata={**_authored(step), **about}
        )
        return [run if needs else replace(run, needs=(), depends_on=())]
    children = hoisted(checks(step.children))
    members = _members(step, children, name, number, needs)
    waits = tuple(m.id for m in members if m.metadata.get("gc.scope_ref") == name)
    body = replace(
        step,
        id=name,
        check=None,
        timeout="",
        waits_for="",
        condition="",
        children=(),
        depends_on=(),
        needs=waits,
        metadata={**_authored(step), **about, "gc.kind": "scope", "gc.scope_name": step.id, "gc.scope_role": "body"},
    )
    return [body, *members]


def _members(owner: Step, children: tuple[Step, ...], name: str, number: int, needs: bool) -> list[Step]:
    inside = {c.id for c in children}

    def full(ref: str) -> str:
        return f"{name}.{ref}" if ref in inside else ref

    out = []
    for child in children:
        before = owner.all_needs if needs and child.type != "spec" else ()
        out.append(
            replace(
                child,
                id=full(child.id),
                needs=(*map(full, child.needs), *before),
                depends_on=tuple(map(full, child.depends_on)),
                metadata=_member(owner, child, name, number, full),
            )
        )
    return out


def _member(owner: Step, child: Step, name: str, number: int, full: Callable[[str], str]) -> dict[str, str]:
    meta = dict(child.metadata)
    for key in ("gc.control_for", "gc.spec_for_ref", "gc.scope_ref"):
        if key in meta:
            meta[key] = full(meta[key])
    if child.type == "spec":
        return meta
    meta["gc.step_ref"] = f"{name}.{child.id}"
    if "gc.scope_ref" in child.metadata or meta.get("gc.kind") == "scope":
        return meta  # of a scope inside this one
    meta.setdefault("gc.attempt", str(number))
    meta.setdefault("gc.step_id", child.id)
    meta.setdefault("gc.ralph_step_id", owner.id)
    return {**meta, "gc.scope_ref": name, "gc.scope_role": "member", "gc.on_fail": "abort_scope"}


def hoisted(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Plain parents flat: the parent as an epic, then its children with the parent's id before theirs."""
    names: dict[str, str] = {}
    flat: list[Step] = []

    def visit(step: Step, prefix: str) -> None:
        names[step.id] = prefix + step.id
        kind = step.type or ("epic" if step.children else "")
        flat.append(replace(step, id=prefix + step.id, children=(), type=kind))
        for child in step.children:
            visit(child, f"{prefix}{step.id}.")

    for one in steps:
        visit(one, "")
    return tuple(
        replace(
            s, needs=tuple(names.get(n, n) for n in s.needs), depends_on=tuple(names.get(n, n) for n in s.depends_on)
        )
        for s in flat
    )


def fanouts(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Steps with `on_complete` marked, and their fan-out controls at the end of the list."""
    added: list[Step] = []

    def mark(step: Step) -> Step:
        if step.children:
            step = replace(step, children=tuple(map(mark, step.children)))
        done = step.on_complete
        if not done:
            return step
        meta = {
            "gc.bond": done.bond,
            "gc.control_for": step.id,
            "gc.for_each": done.for_each,
            "gc.kind": "fanout",
            "gc.fanout_mode": "sequential" if done.sequential else "parallel",
        }
        if done.vars:
            meta["gc.bond_vars"] = json.dumps(dict(sorted(done.vars.items())), separators=(",", ":"))
        meta.update({k: step.metadata[k] for k in ("gc.scope_ref", "gc.ralph_step_id") if k in step.metadata})
        added.append(
            Step(
                id=f"{step.id}-fanout",
                title=f"Expand fanout for {step.title}",
                needs=(step.id,),
                metadata=meta,
                file=step.file,
                line=step.line,
            )
        )
        return replace(step, on_complete=None, metadata={**step.metadata, "gc.output_json_required": "true"})

    marked = tuple(map(mark, steps))
    return (*marked, *added)


def drains(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """A drain step is its own control."""
    return tuple(_drain(s) if s.drain else replace(s, children=drains(s.children)) if s.children else s for s in steps)


def _drain(step: Step) -> Step:
    drain = step.drain
    assert drain is not None
    shared = drain.context == "shared"
    single = drain.single_lane if drain.single_lane is not None else shared
    meta = {
        "gc.kind": "drain",
        "gc.drain_context": drain.context,
        "gc.drain_formula": drain.formula,
        "gc.drain_member_access": drain.member_access or "read",
        "gc.drain_on_item_failure": drain.on_item_failure or ("skip_remaining" if shared else "continue"),
    }
    if drain.max_units:
        meta["gc.drain_max_units"] = str(drain.max_units)
    if drain.continuation_group:
        meta["gc.drain_continuation_group"] = drain.continuation_group
    if single:
        meta["gc.drain_item_single_lane"] = "true"
    return replace(step, drain=None, metadata={**step.metadata, **meta})


def scope_checks(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """A scope-check for every member of a scope, and every reference to a member moved behind it."""
    subjects = [s for s in _every(steps) if _scoped(s.metadata)]
    if not subjects:
        return steps
    names = {s.id for s in subjects}

    def behind(ref: str) -> str:
        return f"{ref}-scope-check" if ref in names else ref

    def move(step: Step) -> Step:
        return replace(
            step,
            needs=tuple(map(behind, step.needs)),
            depends_on=tuple(map(behind, step.depends_on)),
            children=tuple(map(move, step.children)),
        )

    return (*map(move, steps), *map(scope_check, subjects))


def scope_check(subject: Step) -> Step:
    meta = {
        k: subject.metadata[k]
        for k in ("gc.step_id", "gc.ralph_step_id", "gc.attempt", "gc.on_fail")
        if k in subject.metadata
    }
    meta.update(
        {
            "gc.control_for": subject.id,
            "gc.kind": "scope-check",
            "gc.scope_role": "control",
            "gc.scope_ref": subject.metadata["gc.scope_ref"],
        }
    )
    return Step(
        id=f"{subject.id}-scope-check",
        title=f"Finalize scope for {subject.title}",
        needs=(subject.id,),
        metadata=meta,
        file=subject.file,
        line=subject.line,
    )


def _scoped(metadata: Mapping[str, str]) -> bool:
    return (
        bool(metadata.get("gc.scope_ref"))
        and metadata.get("gc.scope_role") != "teardown"
        and metadata.get("gc.kind") not in _NO_SCOPE_CHECK
    )


def _every(steps: tuple[Step, ...]) -> list[Step]:
    found: list[Step] = []
    for step in steps:
        found.append(step)
        found += _every(step.children)
    return found
