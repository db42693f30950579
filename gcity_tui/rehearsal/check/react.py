"""React: what a component does wrong, as far as its text tells. Read line by line: there is no parser of JSX here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CATEGORY = "react"
ENDINGS = (".jsx", ".tsx")
_LARGEST = 1 << 20  # bytes of a file that is read


@dataclass(frozen=True, slots=True)
class _Rule:
    id: str
    severity: str
    title: str
    body: str
    found: re.Pattern[str]
    cured: re.Pattern[str] | None = None  # anywhere in the same few lines


_RULES = (
    _Rule(
        "react-html", "major", "Markup is set from a value",
        "dangerouslySetInnerHTML runs what the value holds. Render it as text, or clean it first.",
        re.compile(r"\bdangerouslySetInnerHTML\b"), re.compile(r"(?i)sanitiz|dompurify"),
    ),
    _Rule(
        "react-key", "minor", "A list's items have no key",
        "Without a key React mixes up the state of items that move. Give each the id of what it shows.",
        re.compile(r"\.map\(.*=>\s*\(?\s*(?:<|$)"), re.compile(r"\bkey="),
    ),
    _Rule(
        "react-index-key", "nit", "An item's key is its place",
        "It says nothing when items move. Use the id of what is shown.",
        re.compile(r"\bkey=\{\s*(?:i|idx|index)\s*\}"),
    ),
    _Rule(
        "react-blank", "minor", "A link opens a window that can reach back",
        'target="_blank" gives the other page a handle on this one. Add rel="noreferrer".',
        re.compile(r"target=[\"']_blank[\"']"), re.compile(r"\brel="),
    ),
    _Rule(
        "react-state", "major", "State is changed in place",
        "React does not see it, and what is shown stays. Make a new value, and set that.",
        re.compile(r"\bthis\.state\.\w+\s*=[^=]|\bstate\.\w+\.(?:push|splice|sort|reverse)\("),
    ),
)  # fmt: skip
RULES = len(_RULES)
_AHEAD = 4  # lines in which a cure may stand


def findings(folder: Path, names: list[str]) -> Iterator[dict[str, Any]]:
    """Findings in the components among `names`, in the lane's shape."""
    for name in names:
        if not name.endswith(ENDINGS):
            continue
        data = (folder / name).read_bytes()[:_LARGEST]
        lines = data.decode("utf-8", "replace").splitlines()
        for number, line in enumerate(lines, 1):
            near = "\n".join(lines[number - 1 : number - 1 + _AHEAD])
            for rule in _RULES:
                if rule.found.search(line) and not (rule.cured and rule.cured.search(near)):
                    yield _finding(rule, name, number, " ".join(line.split())[:300])


def _finding(rule: _Rule, name: str, number: int, anchor: str) -> dict[str, Any]:
    return {
        "severity": rule.severity, "category": CATEGORY, "rule": rule.id, "title": rule.title, "body": rule.body,
        "file": name, "line": number, "start": number, "end": number, "anchor": anchor, "evidence": anchor,
    }  # fmt: skip
