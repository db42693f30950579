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


@pytest.mark.parametrize("name", ["claude", "codex", "gemini"])
def test_a_living_worker_in_each_look(providers: dict[str, Provider], name: str) -> None:
    found = run(providers, [name], os.environ)
    assert [r for r in found if r.status not in ("pass", "unsupported")] == []
    lived = {r.requirement for r in found if r.status == "pass" and r.requirement.startswith(("WC-BRINGUP", "WI-"))}
    assert lived == {"WC-BRINGUP-001", "WC-BRINGUP-002", "WI-INT-001", "WI-CONT-001", "WI-RESET-001", "WI-CLOSE-001"}


def test_the_others_without_a_look(providers: dict[str, Provider]) -> None:
    names = [n for n, p in providers.items() if not p.rehearsal and n not in ("claude", "codex", "gemini")]
    found = run(providers, names, os.environ)
    assert [r for r in found if r.status not in ("pass", "unsupported")] == []
    assert {r.profile for r in found if r.requirement == "WC-TX-001" and r.status == "pass"} == {
        "aider", "cerebras", "copilot", "groq", "kimi", "omp", "opencode", "pi", "qwen",
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
    assert main(["worker", "conformance", "--provider", "opencode", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["summary"]["profiles"] == ["opencode"] and told["summary"]["failed"] == 0
    assert main(["worker", "conformance", "--provider", "nobody"]) != 0
