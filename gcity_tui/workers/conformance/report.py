"""The report of a conformance run: `gc.worker.conformance.v1`, as Gas City's worker tests write it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

SCHEMA = "gc.worker.conformance.v1"
STATUSES = ("pass", "fail", "unsupported", "environment_error", "provider_incident", "flaky_live",
            "not_certifiable_live")  # fmt: skip
_COUNTED = {"pass": "passed", "fail": "failed", "unsupported": "unsupported", "environment_error": "environment_errors",
            "provider_incident": "provider_incidents", "flaky_live": "flaky_live",
            "not_certifiable_live": "not_certifiable_live"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Result:
    """How one profile fared with one requirement. `status` is one of `STATUSES`."""

    requirement: str
    profile: str
    status: str
    detail: str = ""
    evidence: Mapping[str, str] = field(default_factory=dict)


class Unmet(Exception):
    """A requirement that is not met, in words."""


class Unsupported(Exception):
    """The provider has nothing that the requirement is about."""


def judged(requirement: str, profile: str, check: Callable[[], str]) -> Result:
    """Run one check: what it returns is the detail of a pass. Anything unforeseen is a failure: closed, not open."""
    try:
        return Result(requirement, profile, "pass", check())
    except Unsupported as e:
        return Result(requirement, profile, "unsupported", str(e))
    except Unmet as e:
        return Result(requirement, profile, "fail", str(e))
    except Exception as e:
        return Result(requirement, profile, "fail", f"{type(e).__name__}: {e}")


def need(holds: object, otherwise: str) -> None:
    """Raise Unmet unless it holds."""
    if not holds:
        raise Unmet(otherwise)


def report(results: Sequence[Result], began: float, ended: float, suite: str = "worker-core") -> dict[str, Any]:
    """JSON-ready. A run without results is `unsupported`, one with any failure is `fail`."""
    counts = {name: sum(r.status == s for r in results) for s, name in _COUNTED.items()}
    failing = [r for r in results if r.status == "fail"]
    status = "fail" if failing else "pass" if counts["passed"] else "unsupported"
    return {
        "schema_version": SCHEMA, "run_id": uuid.uuid4().hex, "suite": suite, "started_at": _stamp(began),
        "completed_at": _stamp(ended), "elapsed": f"{ended - began:.3f}s", "metadata": {"offline": "true"},
        "summary": {
            "status": status, "total": len(results), **counts,
            "profiles": sorted({r.profile for r in results}), "requirements": sorted({r.requirement for r in results}),
            "failing_profiles": sorted({r.profile for r in failing}),
            "failing_requirements": sorted({r.requirement for r in failing}),
        },
        "results": [
            {"requirement": r.requirement, "profile": r.profile, "status": r.status, "detail": r.detail,
             "evidence": dict(r.evidence)} for r in results
        ],
    }  # fmt: skip


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
