"""A step's table → `Step`: its keys and their parts, and what excludes what; each fault with file, line and step."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gcity_tui.formulas.reading import File, duration_at, hinted, strings_at, table_at, tables, text_at, texts
from gcity_tui.formulas.step import TEXTS, VARIABLE, Check, Drain, Gate, Loop, OnComplete, Retry, Step
from gcity_tui.formulas.words import STEP
from gcity_tui.model import places
from gcity_tui.model.names import nearest

DEEPEST = 24
"""Levels that children and loop bodies may be nested."""
MOST_STEPS = 20_000
"""Steps that one file may hold."""
_PLACED = ("title", "description", "notes", "needs", "depends_on", "condition", "expand", "description_file", "check",
           "ralph", "retry", "drain", "on_complete", "loop", "gate", "assignee", "metadata")  # fmt: skip
_AUTHORABLE = ("scope", "cleanup")
_WAITS = re.compile(r"all-children|any-children|children-of\([^()]+\)")


def read_steps(written: Any, at: places.Path, file: File, depth: int) -> tuple[Step, ...]:
    if depth > DEEPEST:
        raise file.fault(f"steps nested deeper than {DEEPEST}", at)
    return tuple(_step(t, (*at, n), file, depth) for n, t in enumerate(tables(written, at, file)))


def _step(t: Mapping[str, Any], at: places.Path, file: File, depth: int) -> Step:
    name = t.get("id")
    if not isinstance(name, str) or not name:
        raise file.fault("a step needs an id", at)
    file.steps += 1
    if file.steps > MOST_STEPS:
        raise file.fault(f"more than {MOST_STEPS} steps in one file", at, name)
    if "tally" in t:
        raise file.fault("steps.tally was removed from the SDK", (*at, "tally"), name)
    if "check" in t and "ralph" in t:
        raise file.fault("check and ralph are the same thing", (*at, "ralph"), name, "keep check")
    priority = t.get("priority")
    if priority is not None and (isinstance(priority, bool) or not isinstance(priority, int) or not 0 <= priority <= 4):
        raise file.fault("priority is a number from 0 to 4", (*at, "priority"), name)
    hinted(t, STEP, at, file, name)
    words = {k: text_at(t, k, at, file) for k in TEXTS if k != "id"}
    duration_at(t, "timeout", at, file, name)
    waits = words["waits_for"]
    if waits and "{" not in waits and not _WAITS.fullmatch(waits):
        cure = "all-children, any-children or children-of(id)"
        raise file.fault(f"waits_for cannot be {waits!r}", (*at, "waits_for"), name, cure)
    if not words["title"] and not words["expand"]:
        raise file.fault("a step needs a title", at, name)
    step = Step(
        id=name,
        **words,
        priority=priority,
        labels=(*texts(t.get("tags", []), (*at, "tags"), file), *texts(t.get("labels", []), (*at, "labels"), file)),
        metadata=strings_at(t, "metadata", at, file),
        depends_on=texts(t.get("depends_on", []), (*at, "depends_on"), file),
        needs=texts(t.get("needs", []), (*at, "needs"), file),
        expand_vars=strings_at(t, "expand_vars", at, file),
        children=read_steps(t.get("children", []), (*at, "children"), file, depth + 1),
        gate=_gate(t, at, file),
        loop=_loop(t, at, file, depth),
        on_complete=_on_complete(t, at, file, name),
        check=_check(t, at, file, name),
        retry=_retry(t, at, file, name),
        drain=_drain(t, at, file, name),
        file=file.source,
        line=file.line((*at, "id")),
        lines={k: file.line((*at, k)) for k in t if k in _PLACED},
    )
    _exclusive(step, at, file)
    return step


def _gate(t: Mapping[str, Any], at: places.Path, file: File) -> Gate | None:
    if "gate" not in t:
        return None
    at = (*at, "gate")
    spec = table_at(t, "gate", at[:-1], file)
    return Gate(
        text_at(spec, "type", at, file),
        text_at(spec, "id", at, file) or text_at(spec, "await_id", at, file),
        duration_at(spec, "timeout", at, file),
    )


def _loop(t: Mapping[str, Any], at: places.Path, file: File, depth: int) -> Loop | None:
    if "loop" not in t:
        return None
    at = (*at, "loop")
    spec = table_at(t, "loop", at[:-1], file)
    count, most = spec.get("count", 0), spec.get("max", 0)
    for key, number in (("count", count), ("max", most)):
        if isinstance(number, bool) or not isinstance(number, int) or (key in spec and number < 1):
            raise file.fault(f"{key} of a loop is a number from 1", (*at, key), str(t.get("id", "")))
    loop = Loop(
        read_steps(spec.get("body", []), (*at, "body"), file, depth + 1),
        count,
        text_at(spec, "range", at, file),
        text_at(spec, "var", at, file),
        text_at(spec, "until", at, file),
        most,
    )
    ways = [w for w in (loop.count, loop.range, loop.until) if w]
    if len(ways) != 1:
        raise file.fault("a loop has one of count, range, until", at)
    if not loop.body:
        raise file.fault("a loop needs a body", at)
    if loop.until and loop.max < 1:
        raise file.fault("a loop with until needs max", at)
    return loop


def _on_complete(t: Mapping[str, Any], at: places.Path, file: File, name: str) -> OnComplete | None:
    if "on_complete" not in t:
        return None
    at = (*at, "on_complete")
    spec = table_at(t, "on_complete", at[:-1], file)
    done = OnComplete(
        text_at(spec, "for_each", at, file),
        text_at(spec, "bond", at, file),
        strings_at(spec, "vars", at, file),
        spec.get("parallel") is True,
        spec.get("sequential") is True,
    )
    if not done.for_each or not done.bond:
        raise file.fault("on_complete needs for_each and bond", at, name)
    if not done.for_each.startswith("output.") and "{" not in done.for_each:
        raise file.fault(f"for_each cannot be {done.for_each!r}", (*at, "for_each"), name, "output.<field>")
    if done.parallel and done.sequential:
        raise file.fault("parallel and sequential exclude each other", (*at, "sequential"), name)
    return done


def _check(t: Mapping[str, Any], at: places.Path, file: File, name: str) -> Check | None:
    key = "check" if "check" in t else "ralph"
    if key not in t:
        return None
    at = (*at, key)
    spec = table_at(t, key, at[:-1], file)
    _only(spec, ("max_attempts", "check"), at, file, name)
    inner = table_at(spec, "check", at, file)
    _only(inner, ("mode", "path", "timeout"), (*at, "check"), file, name)
    mode = text_at(inner, "mode", (*at, "check"), file) or "exec"
    path = text_at(inner, "path", (*at, "check"), file)
    if mode != "exec":
        raise file.fault(f"unknown check mode {mode!r}", (*at, "check", "mode"), name, 'mode = "exec"')
    if not path:
        raise file.fault("a check needs the path of its script", (*at, "check"), name)
    return Check(_attempts(spec, at, file, name), mode, path, duration_at(inner, "timeout", (*at, "check"), file, name))


def _retry(t: Mapping[str, Any], at: places.Path, file: File, name: str) -> Retry | None:
    if "retry" not in t:
        return None
    at = (*at, "retry")
    spec = table_at(t, "retry", at[:-1], file)
    end = text_at(spec, "on_exhausted", at, file)
    if end not in ("", "hard_fail", "soft_fail"):
        raise file.fault(f"on_exhausted cannot be {end!r}", (*at, "on_exhausted"), name, "hard_fail or soft_fail")
    return Retry(_attempts(spec, at, file, name), end)


def _drain(t: Mapping[str, Any], at: places.Path, file: File, name: str) -> Drain | None:
    if "drain" not in t:
        return None
    at = (*at, "drain")
    spec = table_at(t, "drain", at[:-1], file)
    units = spec.get("max_units", 0)
    item = table_at(spec, "item", at, file)
    drain = Drain(
        text_at(spec, "formula", at, file),
        text_at(spec, "context", at, file),
        text_at(spec, "member_access", at, file),
        units if isinstance(units, int) else -1,
        text_at(spec, "on_item_failure", at, file),
        text_at(spec, "continuation_group", at, file),
        item.get("single_lane") if isinstance(item.get("single_lane"), bool) else None,
    )
    if not drain.formula:
        raise file.fault("a drain needs a formula", at, name)
    choices = (
        ("context", drain.context, ("separate", "shared")),
        ("member_access", drain.member_access, ("read", "exclusive")),
        ("on_item_failure", drain.on_item_failure, ("continue", "skip_remaining")),
    )
    for key, value, known in choices:
        if value and value not in known:
            raise file.fault(f"{key} cannot be {value!r}", (*at, key), name, " or ".join(known))
    if drain.continuation_group and drain.context != "shared":
        where = (*at, "continuation_group")
        raise file.fault("continuation_group needs a shared context", where, name, 'context = "shared"')
    if not isinstance(item.get("single_lane", True), bool):
        raise file.fault("single_lane is true or false", (*at, "item", "single_lane"), name)
    if "max_units" in spec and not 1 <= drain.max_units <= 100:
        raise file.fault("max_units is a number from 1 to 100", (*at, "max_units"), name)
    return drain


def _attempts(spec: Mapping[str, Any], at: places.Path, file: File, name: str) -> int | str:
    """A whole number from 1, or one variable that becomes it when the formula is compiled (an extension of ours)."""
    value = spec.get("max_attempts")
    if isinstance(value, str) and VARIABLE.fullmatch(value.strip()):
        return value.strip()
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1000:
        raise file.fault("max_attempts is a number from 1", (*at, "max_attempts"), name)
    return value


def _exclusive(step: Step, at: places.Path, file: File) -> None:
    """Combinations that Gas City refuses."""
    has = {
        k
        for k in ("check", "loop", "on_complete", "gate", "expand", "assignee", "retry", "children", "drain", "timeout")
        if getattr(step, k)
    }
    excluded = {
        "check": {"loop", "on_complete", "gate", "expand", "assignee", "retry"},
        "retry": {"check", "loop", "on_complete", "gate", "expand", "children"},
        "drain": {"assignee", "expand", "gate", "loop", "on_complete", "check", "retry", "children", "timeout"},
    }
    for key, others in excluded.items():
        both = sorted(has & others)
        if key in has and both:
            raise file.fault(f"{key} and {both[0]} exclude each other", at, step.id)
    if "timeout" in has and "check" not in has:
        raise file.fault("timeout needs a check", (*at, "timeout"), step.id)
    kind = step.metadata.get("gc.kind", "")
    if kind and step.drain:
        raise file.fault("drain and gc.kind exclude each other", (*at, "metadata"), step.id)
    if kind and kind not in _AUTHORABLE:
        raise file.fault(
            f"gc.kind {kind!r} is made by the compiler only",
            (*at, "metadata"),
            step.id,
            "scope or cleanup can be written",
        )


def _only(spec: Mapping[str, Any], known: tuple[str, ...], at: places.Path, file: File, step: str) -> None:
    for key in spec:
        if key not in known:
            close = nearest(key, known)
            raise file.fault(
                f"unknown key {key!r} in a check",
                (*at, key),
                step,
                f"did you mean {close!r}?" if close else f"known: {', '.join(known)}",
            )
