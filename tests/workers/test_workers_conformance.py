"""The conformance run: every provider offline, its report, and that it can fail."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from gcity_tui.__main__ import main
from gcity_tui.config import load_city
from gcity_tui.model.declared import Provider
from gcity_tui.workers.conformance import Result, report, run
from gcity_tui.workers.conformance.report import SCHEMA, STATUSES, judged


@pytest.fixture
def providers(tmp_path: Path) -> dict[str, Provider]:
    (tmp_path / "city.toml").write_text('[workspace]\nname = "x"\n')
    return dict(load_city(tmp_path).providers)


LOOKED = ("claude", "codex", "gemini", "opencode")
CATALOGUE = {
    "WC-TX-001", "WC-TX-002", "WC-TX-003", "WC-TX-USAGE-001", "WC-USAGE-COST-001", "WC-CONT-001", "WC-CONT-002",
    "WC-USAGE-RECORD-001", "WC-STRUCT-001", "WC-STRUCT-002", "WC-STRUCT-003", "WC-BRINGUP-001", "WC-START-001",
    "WC-START-002", "WC-INPUT-001", "WC-INPUT-002", "WC-INPUT-003", "WC-INPUT-004", "WC-INPUT-005", "WC-INT-000",
    "WC-INT-001", "WC-INT-002", "WC-INT-003", "WC-INT-004", "WC-INT-005", "WC-INT-006", "WC-TOOL-001", "WC-TOOL-002",
    "WC-TRANSPORT-001", "WI-START-001", "WI-START-002", "WI-TASK-001", "WI-TOOL-001", "WI-MTURN-001", "WI-TX-001",
    "WI-CONT-001", "WI-RESET-001", "WI-INT-001", "WI-CLOSE-001",
}  # fmt: skip
"""Gas City's requirements on a worker, and one of our own: no process is left after closing."""


@pytest.mark.parametrize("name", LOOKED)
def test_a_living_worker_in_each_look_meets_the_whole_catalogue(providers: dict[str, Provider], name: str) -> None:
    found = run(providers, [name], os.environ)
    assert [r for r in found if r.status != "pass"] == []
    assert {r.requirement for r in found} == CATALOGUE
    outcomes = [r.detail.split(":")[0] for r in found if r.requirement == "WC-BRINGUP-001"]
    assert outcomes == ["ready", "blocked", "failed"]


def test_the_others_without_a_look(providers: dict[str, Provider]) -> None:
    names = [n for n, p in providers.items() if not p.rehearsal and n not in LOOKED]
    found = run(providers, names, os.environ)
    assert [r for r in found if r.status not in ("pass", "unsupported")] == []
    assert {r.profile for r in found if r.requirement == "WC-TX-001" and r.status == "pass"} == {
        "aider", "cerebras", "copilot", "grok", "groq", "kimi", "omp", "pi", "qwen",
    }  # fmt: skip


def test_it_can_fail(providers: dict[str, Provider]) -> None:
    broken = replace(providers["qwen"], transcript_glob="elsewhere/{key}.jsonl", process_names=())
    found = run({"qwen": broken}, ["qwen"], os.environ)
    failed = {r.requirement for r in found if r.status == "fail"}
    assert failed == {"WC-TX-001", "WC-START-001"}
    assert report(found, 0.0, 1.0)["summary"]["failing_requirements"] == sorted(failed)


def test_the_report() -> None:
    assert report((), 0.0, 1.0)["summary"]["status"] == "unsupported"
    results = [Result("A", "p", s) for s in STATUSES]
    made = report(results, 0.0, 1.5)
    assert made["schema_version"] == SCHEMA and made["elapsed"] == "1.500s" and made["summary"]["total"] == 7
    assert made["summary"]["status"] == "fail" and made["summary"]["environment_errors"] == 1
    assert judged("A", "p", lambda: str(1 // 0)).status == "fail"


def test_the_verb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["worker", "conformance", "--provider", "qwen", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["summary"]["profiles"] == ["qwen"] and told["summary"]["failed"] == 0
    assert main(["worker", "conformance", "--provider", "nobody"]) != 0
