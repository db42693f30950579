"""What a reviewer hands in: a lane of `review-quorum.lane.v1`, read without trust, bounded, its anchors looked up.

Source of the shape: Gas City `internal/reviewquorum` (lane contract and its failures); `rule`, `category`, `anchor`,
`line` and `same_as` are additions that a plain lane may leave out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from gcity_tui.model.errors import BadData
from gcity_tui.model.round import Finding, severity_of
from gcity_tui.model.text import clean, one_line

SCHEMA = "review-quorum.lane.v1"
VERDICTS = ("pass", "pass_with_findings", "fail", "blocked")
SOFT_REASONS = (
    "rate_limited", "provider_rate_limited", "temporary_unavailable", "provider_unavailable", "provider_timeout",
    "transport_interrupted", "transient_provider_err",
)  # fmt: skip
"""Reasons that make an unnamed failure class transient."""
MOST_BYTES = 1 << 20
MOST_FINDINGS = 500
MOST_TITLE, MOST_BODY, MOST_EVIDENCE = 200, 4000, 50


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane that keeps the contract. `failure_class`: none · transient · hard."""

    lane_id: str
    verdict: str
    provider: str = ""
    model: str = ""
    summary: str = ""
    findings: tuple[Finding, ...] = ()
    evidence: tuple[str, ...] = ()
    failure_class: str = "none"
    failure_reason: str = ""

    @property
    def failed(self) -> bool:
        return self.failure_class != "none"


def read(data: bytes, *, lane_id: str = "", provider: str = "", root: Path | None = None) -> Lane:
    """Bytes of a lane → value. `lane_id` and `provider` stand in where the reviewer left them out; `root` is its
    worktree: absolute paths below it are taken as relative. Raises BadData naming the field that breaks the contract.
    """
    if len(data) > MOST_BYTES:
        raise BadData(f"the lane has {len(data)} bytes, {MOST_BYTES} are allowed", cure="report what matters")
    try:
        raw = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as e:
        raise BadData(f"the lane is not JSON: {e}", cure="write one JSON object, nothing around it") from e
    if not isinstance(raw, dict):
        raise BadData("the lane is not a JSON object")
    said = _word(raw, "schema") or _word(raw, "schema_version")
    if said and said not in (SCHEMA, "1"):
        raise BadData(f"schema is {said!r}, not {SCHEMA}")
    listed = raw.get("findings", [])
    if not isinstance(listed, list) or not all(isinstance(f, dict) for f in listed):
        raise BadData("findings is not a list of objects")
    if len(listed) > MOST_FINDINGS:
        raise BadData(f"{len(listed)} findings, {MOST_FINDINGS} are allowed", cure="report what matters")
    lane = Lane(
        lane_id=lane_id or _word(raw, "lane_id"), verdict=_word(raw, "verdict"),
        provider=_word(raw, "provider") or provider,
        model=_word(raw, "model"), summary=clean(str(raw.get("summary", "")))[:MOST_BODY],
        findings=tuple(_finding(f, i, root) for i, f in enumerate(listed)), evidence=_evidence(raw.get("evidence")),
        failure_class=_word(raw, "failure_class") or "", failure_reason=_word(raw, "failure_reason"),
    )  # fmt: skip
    return _contract(lane, raw)


def _contract(lane: Lane, raw: Mapping[str, Any]) -> Lane:
    if not lane.lane_id:
        raise BadData("lane_id is missing")
    if lane.verdict not in VERDICTS:
        raise BadData(f"verdict is {lane.verdict!r}", cure=f"one of {', '.join(VERDICTS)}")
    count = raw.get("findings_count")
    if count is not None and count != len(lane.findings):
        raise BadData(f"findings_count_mismatch: it says {count}, {len(lane.findings)} are listed")
    if lane.verdict == "pass_with_findings" and not lane.findings:
        raise BadData("materialized_findings_missing: the verdict says findings, none is listed")
    failure = lane.failure_class
    if lane.verdict in ("pass", "pass_with_findings"):
        if failure not in ("", "none"):
            raise BadData(f"a lane that passes has failure_class none, not {failure!r}")
        # A reviewer that passes and lists findings all the same is heard for its findings.
        verdict = "pass_with_findings" if lane.findings else "pass"
        return replace(lane, verdict=verdict, failure_class="none")
    if lane.verdict == "fail" and lane.findings and failure in ("", "none"):
        return replace(lane, failure_class="none")
    if failure in ("", "none"):
        failure = "transient" if lane.failure_reason in SOFT_REASONS else "hard"
    if failure not in ("transient", "hard"):
        raise BadData(f"failure_class is {failure!r}", cure="none, transient or hard")
    return replace(lane, failure_class=failure, failure_reason=lane.failure_reason or f"lane_{lane.verdict}")


def _word(raw: Mapping[str, Any], key: str) -> str:
    value = raw.get(key, "")
    if not isinstance(value, (str, int, float)) or isinstance(value, bool):
        raise BadData(f"{key} is not a text")
    return one_line(str(value), 200)


def _evidence(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(one_line(v if isinstance(v, str) else json.dumps(v), 300) for v in value[:MOST_EVIDENCE])


def _finding(raw: Mapping[str, Any], at: int, root: Path | None) -> Finding:
    title = one_line(str(raw.get("title", "")), MOST_TITLE)
    if not title:
        raise BadData(f"findings[{at}].title is missing")
    line = raw.get("line", raw.get("start", 0))
    if isinstance(line, bool) or not isinstance(line, int) or not 0 <= line < 10_000_000:
        if line not in (None, ""):
            raise BadData(f"findings[{at}].line is {line!r}, not a number from 1")
        line = 0
    return Finding(
        id=_word(raw, "id"), severity=severity_of(str(raw.get("severity", ""))),
        category=_word(raw, "category") or "general", title=title,
        file=inside(str(raw.get("file") or ""), at, root), line=line,
        anchor=one_line(str(raw.get("anchor") or ""), 300), body=clean(str(raw.get("body") or ""))[:MOST_BODY],
        rule=_word(raw, "rule"), same_as=_word(raw, "same_as"),
    )  # fmt: skip


def inside(name: str, at: int, root: Path | None) -> str:
    """A path that a reviewer named → relative to the repository. Raises BadData when it leads out of it."""
    name = one_line(name, 500).removeprefix("./")
    if root is not None and name.startswith(f"{root}/"):
        name = name[len(f"{root}/") :]
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or (path.parts and path.parts[0] == ".git"):
        raise BadData(f"findings[{at}].file {name!r} is not inside the repository", cure="relative to its root")
    return "" if name in ("", ".") else str(path)


def anchored(findings: Sequence[Finding], text_of: Callable[[str], str | None]) -> tuple[Finding, ...]:
    """Findings with the flagged line's text as git has it; a line beyond the end of its file becomes the whole file."""
    seen: dict[str, list[str] | None] = {}

    def lines(file: str) -> list[str] | None:
        if file not in seen:
            text = text_of(file)
            seen[file] = None if text is None else text.splitlines()
        return seen[file]

    done = []
    for f in findings:
        have = lines(f.file) if f.file and f.line else None
        if have is None:
            done.append(f)
        elif f.line <= len(have):
            done.append(replace(f, anchor=one_line(have[f.line - 1], 300) or f.anchor))
        else:
            done.append(replace(f, line=0))
    return tuple(done)


def output(lane: Lane, enforcement: Mapping[str, object], commit: str) -> str:
    """The lane as it is kept in `gc.output_json`."""
    return json.dumps({
        "schema": SCHEMA, "lane_id": lane.lane_id, "provider": lane.provider, "model": lane.model,
        "verdict": lane.verdict, "summary": lane.summary, "findings_count": len(lane.findings),
        "findings": [told(f) for f in lane.findings], "evidence": list(lane.evidence), "usage": {},
        "read_only_enforcement": dict(enforcement), "mutations_delta": {"changed": []},
        "failure_class": lane.failure_class, "failure_reason": lane.failure_reason, "commit": commit,
    }, sort_keys=True, ensure_ascii=False)  # fmt: skip


def told(f: Finding) -> dict[str, object]:
    """A finding as JSON: the lane's own names, and ours."""
    return {
        "id": f.id, "severity": f.severity, "category": f.category, "title": f.title, "body": f.body, "file": f.file,
        "line": f.line, "start": f.line, "end": f.line, "anchor": f.anchor, "rule": f.rule, "reviewer": f.reviewer,
        "same_as": f.same_as, "status": f.status, "first": f.first, "again": f.again,
    }  # fmt: skip


def heard(raw: Mapping[str, Any]) -> Finding:
    """The inverse of `told`, for what this program wrote; anything else is cleaned on the way in."""
    f = _finding(raw, 0, None)
    status = str(raw.get("status", "new"))
    return replace(
        f, reviewer=one_line(str(raw.get("reviewer", ""))),
        status=status if status in ("new", "raised", "resolved") else "new",
        first=_count(raw.get("first"), 1), again=_count(raw.get("again"), 0),
    )  # fmt: skip


def _count(value: Any, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else default
