"""Conditions that are looked at while a run goes on: `until` of a loop, `condition` of a gate in `compose`.

step.status == 'x' · step.output.f == v · children(x).all(…) · steps.complete >= N · file.exists('p') · env.NAME
(Gas City's other evaluator; nothing here evaluates them, but what cannot be read is refused where it is written.)
"""

from __future__ import annotations

import json
import re

from gcity_tui.model.errors import BadConfig

_COMPARE = r"\s*(?:==|!=|>=|<=|>|<)\s*\S.*"
_FORMS = tuple(
    re.compile(form)
    for form in (
        rf"[\w.-]+?\.(?:status|output(?:\.\w+)+){_COMPARE}",
        rf"(?:children|descendants|steps)\([^()]*\)\.(?:all|any|count)\(.*\)(?:{_COMPARE})?",
        rf"steps\.\w+{_COMPARE}",
        r"file\.exists\(\s*(?:'[^']*'|\"[^\"]*\")\s*\)",
        rf"env\.\w+(?:{_COMPARE})?",
    )
)


def checked(text: str, where: str) -> str:
    """`text`, when it has one of the forms. Raises BadConfig."""
    if not any(form.fullmatch(text.strip()) for form in _FORMS):
        raise BadConfig(
            f"unrecognized condition format: {text!r}",
            cure="for example: build.status == 'complete', or steps.complete >= 3",
            where=where,
        )
    return text


def label(kind: str, **values: object) -> str:
    """`kind:{…}` as Gas City writes it: keys sorted, and < > & as Go's JSON has them."""
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    for mark in "<>&":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return f"{kind}:{text}"
