"""Our templates against Go's own: what `text/template` made of each is kept in `go_templates/golden.json`.

`GCITY_DRILLS=1 pytest -m drill` asks Go again where it is installed; with GCITY_GOLDEN=write it writes the file.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gcity_tui.config.prompt import render

HERE = Path(__file__).parent / "go_templates"
GOLDEN = HERE / "golden.json"
FRONT = re.compile(r"\A---[ \t]*\n.*?\n---[ \t]*\n", re.DOTALL)
DATA = {"Name": "Ann", "Agent": "repo/eddie-2", "Key": "codex", "Empty": ""}
FRAGMENTS = (
    '{{define "note-default"}}the default{{end}}{{ define "greet" }}Hi {{.Name}}{{ end }}{{define "dot"}}[{{.}}]{{end}}'
)
NAMES = (
    "CityRoot TemplateName BindingName RigName Rig RigRoot WorkDir IssuePrefix Branch DefaultBranch ConfigDir WorkQuery"
    " AssignedInProgressQuery AssignedReadyQuery RoutedPoolQuery SlingQuery ProviderKey ProviderDisplayName"
    " InstructionsFile"
)
FULL = {**{n: f"<{n}>" for n in NAMES.split()}, "AgentName": "repo/gastown.polecat-2", "BindingPrefix": "gastown."}


def golden() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(GOLDEN.read_text("utf-8"))
    return found


def ours(text: str, data: dict[str, str], fragments: list[str]) -> str | None:
    """None: it could not be carried out, and is given as it stands."""
    out, warnings = render(text, data, [(f"f{n}", f) for n, f in enumerate(fragments)])
    return None if warnings else out


@pytest.mark.parametrize("text", golden()["table"] if GOLDEN.exists() else [])
def test_a_form_gives_what_go_gives(text: str) -> None:
    assert ours(text, DATA, [FRAGMENTS]) == golden()["table"][text]


def prompts(corpus: Path) -> list[tuple[str, dict[str, str], list[str]]]:
    """(text, variables, fragments) of every template in the corpus, with all variables and with none."""
    files = sorted((*corpus.rglob("*.template.md"), *corpus.rglob("*.md.tmpl")))
    jobs = []
    for path in files:
        top = corpus / path.relative_to(corpus).parts[0]
        near = [
            p for p in files if p != path and top in p.parents and p.parent.name in ("template-fragments", "shared")
        ]
        fragments = [FRONT.sub("", p.read_text("utf-8"), count=1) for p in near]
        body = FRONT.sub("", path.read_text("utf-8"), count=1)
        jobs += [(body, FULL, fragments), (body, {}, fragments)]
    return jobs


def digest(text: str | None) -> str:
    return "" if text is None else hashlib.sha256(text.encode()).hexdigest()[:16]


def test_every_real_prompt_is_what_go_makes_of_it(corpus: Path) -> None:
    made = [digest(ours(*job)) for job in prompts(corpus)]
    assert len(made) >= 60 and "" not in made
    assert made == golden()["corpus"]


@pytest.mark.drill
@pytest.mark.skipif(not (shutil.which("go") and os.environ.get("GCITY_DRILLS")), reason="needs go, and GCITY_DRILLS")
def test_go_still_says_so(corpus: Path, tmp_path: Path) -> None:
    forms = [*golden()["table"]] if GOLDEN.exists() else []
    forms += [t for t in os.environ.get("GCITY_FORMS", "").split("\x1e") if t]
    jobs = [(t, DATA, [FRAGMENTS]) for t in forms] + prompts(corpus)
    env = {**os.environ, "GOTOOLCHAIN": "local", "GOCACHE": str(tmp_path / "cache"), "GOFLAGS": "-mod=mod"}
    subprocess.run(["go", "build", "-o", str(tmp_path / "render"), "."], cwd=HERE, env=env, check=True)
    asked = json.dumps([{"text": t, "vars": d, "fragments": f} for t, d, f in jobs])
    said = json.loads(
        subprocess.run([tmp_path / "render"], input=asked, capture_output=True, text=True, check=True).stdout
    )
    made = [None if one["err"] else one["out"] for one in said]
    found = {"table": dict(zip(forms, made, strict=False)), "corpus": [digest(m) for m in made[len(forms) :]]}
    if os.environ.get("GCITY_GOLDEN") == "write":
        GOLDEN.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert found == golden()
