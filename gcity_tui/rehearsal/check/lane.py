"""A leg's result: `review-quorum.lane.v1`, from the rules of one category over one work tree."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gcity_tui.rehearsal.check import react
from gcity_tui.rehearsal.check.rules import Hit, Rule
from gcity_tui.rehearsal.check.security import SECURITY
from gcity_tui.rehearsal.check.slow import SLOW, lines_of
from gcity_tui.rehearsal.check.source import Function, Source, load
from gcity_tui.rehearsal.check.style import STYLE
from gcity_tui.rehearsal.check.timing import ENOUGH, Measured, measured

CATEGORIES = ("performance", "react", "security", "style")
BOOKS = {book.category: book for book in (SECURITY, STYLE, SLOW)}
RULES: dict[str, Rule] = {key: rule for book in BOOKS.values() for key, rule in book.rules.items()}
SEVERITIES = ("blocker", "major", "minor", "nit")
_STATUS = ("git", "status", "--porcelain=v1", "-z")
_MOST = 200  # findings of one leg: more cannot be worked on in a round


def lane(category: str, folder: Path, base: str = "") -> dict[str, Any]:
    """Review `folder`; with `base` only the files that differ from that commit. Writes nothing there."""
    before = _git(folder, *_STATUS[1:])
    names = tracked(folder)
    wanted = [name for name in names if name.endswith(react.ENDINGS if category == react.CATEGORY else (".py",))]
    if base:
        changed = set(_git(folder, "diff", "--name-only", "-z", "--no-renames", base, "--").split("\0"))
        wanted = [name for name in wanted if name in changed]
    read = wanted if category == react.CATEGORY else (sources := load(folder, wanted))
    evidence = [_evidence_of(category, len(read))]
    if category == react.CATEGORY:
        findings = list(react.findings(folder, wanted))
    elif category == "performance":
        findings, ran = _performance(folder, names, sources)
        evidence += [f"ran: {entry}" for entry in ran] or ["nothing to run was found"]
    else:
        findings = [_finding(rule, source, hit) for source in sources for rule, hit in hits(category, source)]
    findings = list({(f["file"], f["line"], f["rule"], f["title"]): f for f in findings}.values())
    findings.sort(key=lambda f: (SEVERITIES.index(f["severity"]), f["file"], f["line"], f["rule"], f["title"]))
    if len(findings) > _MOST:
        evidence.append(f"{len(findings) - _MOST} more findings of lower severity are left out")
        findings = findings[:_MOST]
    after = _git(folder, *_STATUS[1:])
    count = f"{len(findings)} finding{'' if len(findings) == 1 else 's'}"
    return {
        "schema_version": "review-quorum.lane.v1", "lane_id": category, "rehearsal": True,
        "provider": os.environ.get("GC_PROVIDER") or "rehearsal", "model": "rehearsal-rules",
        "verdict": "pass_with_findings" if findings else "pass",
        "summary": f"{category}: {count} in {len(read)} files", "findings_count": len(findings),
        "findings": findings, "evidence": evidence, "usage": {"input_tokens": 0, "output_tokens": 0},
        "read_only_enforcement": {
            "observed": True, "enabled": True, "passed": before == after, "baseline_command": " ".join(_STATUS),
            "after_command": " ".join(_STATUS), "notes": "" if before == after else "the work tree changed",
        },
        "mutations_delta": {"changed": _changes(before, after)}, "failure_class": "none", "failure_reason": "",
    }  # fmt: skip


def _evidence_of(category: str, count: int) -> str:
    if category == react.CATEGORY:
        return f"{count} component files read by {react.RULES} rules"
    return f"{count} Python files read by {len(BOOKS[category].rules)} rules"


def hits(category: str, source: Source) -> Iterable[tuple[Rule, Hit]]:
    """What the rules of a category flag in one file. A line that says `noqa` was thought about."""
    for rule in BOOKS[category].rules.values():
        for hit in rule.find(source):
            if b"# noqa" not in source.lines[hit.node.lineno - 1]:
                yield rule, hit


def tracked(folder: Path) -> list[str]:
    """Files of the work tree: what git knows or would add, else everything that is not hidden."""
    listed = _git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if listed:
        return sorted({name for name in listed.split("\0") if name and (folder / name).is_file()})
    found = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return sorted(str(path) for path in found if not any(part.startswith((".", "__pyc")) for part in path.parts))


def _performance(folder: Path, names: list[str], sources: list[Source]) -> tuple[list[dict[str, Any]], list[str]]:
    found = [(source, rule, hit) for source in sources for rule, hit in hits("performance", source)]
    lines: set[tuple[str, int, bool]] = set()
    for source, _, hit in found:
        first, last, is_call = lines_of(source, hit)
        lines |= {(source.path, line, is_call) for line in ([first] if is_call else range(first, last + 1))}
    seen = measured(folder, names, sources, lines)
    findings = []
    for source, rule, hit in found:
        first, last, is_call = lines_of(source, hit)
        count = max((seen.counts.get((source.path, line), 0) for line in range(first, last + 1)), default=0)
        if is_call:
            count = seen.counts.get((source.path, first), 0)
        if count >= ENOUGH:
            findings.append({**_finding(rule, source, hit), "evidence": _evidence(source, hit, count, seen)})
    return findings, seen.ran


def _evidence(source: Source, hit: Hit, count: int, seen: Measured) -> str:
    function = hit.node if isinstance(hit.node, Function) else source.function_of(hit.node)
    line, name = (function.lineno, function.name) if function is not None else (1, "module")
    calls, milliseconds = seen.times.get((source.path, line), (0, 0.0))
    timed = f"; {name}: {milliseconds:g} ms in {calls} calls" if calls else ""
    return f"executed {count} times{timed}"


def _finding(rule: Rule, source: Source, hit: Hit) -> dict[str, Any]:
    line = hit.node.lineno
    return {
        "severity": rule.severity, "category": rule.category, "rule": rule.id, "title": rule.title.format(hit.about),
        "body": rule.body, "file": source.path, "line": line, "start": line, "end": hit.node.end_lineno or line,
        "anchor": source.anchor(line), "evidence": source.anchor(line),
    }  # fmt: skip


def _changes(before: str, after: str) -> list[str]:
    return sorted(set(after.split("\0")) ^ set(before.split("\0")))


def _git(folder: Path, *words: str) -> str:
    """Git's answer; empty outside a repository. Its index is not refreshed: a review writes nothing."""
    done = subprocess.run(
        ["git", "--no-optional-locks", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    return done.stdout if done.returncode == 0 else ""
