"""Each construct to its end on rehearsal agents in real panes, in one living city."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "drills"))

from core_world import Town
from drill_world import left_over
from test_orch_runs import FORMULAS, PANCAKES, ten

from gcity_tui.config import load_city
from gcity_tui.factory.molecules import standing
from gcity_tui.model.bead import Bead, Meta

pytestmark = [pytest.mark.city, pytest.mark.tmux, pytest.mark.xdist_group("city")]

PARTS = """
[[when]]
step = "fanned.survey"
do = [{ close = "pass", meta = { "gc.output_json" = '%(items)s' } }]

[[when]]
text = "(?s).*Look at part 3.*"
do = [{ fail = "transient", reason = "rate_limited" }]

[[when]]
step = "scoped.one"
do = [{ fail = "hard", reason = "no such branch" }]

[[when]]
step = "*"
do = [{ close = "pass" }]
"""
DRAFT = 'formula = "draft"\n[[steps]]\nid = "write"\ntitle = "Write"\n'


@pytest.fixture
def town(tmp_path: Path, repository: Path) -> Iterator[Town]:
    made = Town(tmp_path, repository)
    layer = made.path / "formulas"
    layer.mkdir(exist_ok=True)
    for name, text in {**FORMULAS, "draft": DRAFT}.items():
        (layer / f"{name}.toml").write_text(text)
    if PANCAKES.exists():
        (layer / "pancakes.toml").write_text(PANCAKES.read_text())
    check = made.path / "check.sh"
    check.write_text('#!/bin/sh\n[ "$GC_ITERATION" = 3 ]\n')
    check.chmod(0o755)
    items = json.dumps({"items": [{"name": f"part {n}"} for n in range(5)]})
    (tmp_path / "parts" / "parts.toml").write_text(PARTS % {"items": items})
    made.city.close()
    load_city(made.path)
    made.city = type(made.city).open(made.path)
    yield made
    made.end()
    assert left_over(str(made.path)) == []


def root(town: Town, formula: str) -> Bead:
    (found,) = [b for b in town.city.site.ledger.by_meta({Meta.FORMULA: formula})
                if Meta.ROOT not in b.metadata and b.issue_type != "step"]  # fmt: skip
    return found


def test_every_construct_comes_to_its_end(town: Town) -> None:
    town.city.up()
    ledger = town.city.site.ledger
    prefix = town.city.declared.rigs[0].prefix
    convoy = ten(type("Scoped", (), {"ledger": _Prefixed(ledger, prefix)}))  # type: ignore[arg-type]
    wanted = {"checked": "pass", "fanned": "pass", "scoped": "fail", "expanded": "pass", "drained": "pass"}
    for name in wanted:
        town.city.sling("eddie", convoy if name == "drained" else f"Run {name}", formula=name)
    if PANCAKES.exists():
        wanted["pancakes"] = "pass"
        town.city.sling("eddie", "Breakfast", formula="pancakes")
    town.until("every run is over", lambda _: all(root(town, n).closed for n in wanted), 180)
    assert {n: root(town, n).outcome for n in wanted} == wanted
    assert standing(ledger, root(town, "fanned").id).state == "done with soft failures"
    assert len([b for b in ledger.by_meta({Meta.ROOT: root(town, "checked").id}) if "iteration" in
                b.metadata[Meta.STEP_REF]]) == 3  # fmt: skip
    clean = next(b for b in ledger.by_meta({Meta.ROOT: root(town, "scoped").id}) if b.title == "Clean")
    assert clean.outcome == "pass" and clean.assignee
    closed = [e.subject for e in town.city.events(limit=0, types=("bead.closed",))]
    assert len(closed) == len(set(closed)), "nothing is closed twice"


class _Prefixed:
    """The ledger of a rig: what is made in it has the rig's prefix."""

    def __init__(self, ledger: object, prefix: str) -> None:
        self.ledger, self.prefix = ledger, prefix

    def create(self, title: str, **more: object) -> str:
        return str(self.ledger.create(title, prefix=self.prefix, **more))  # type: ignore[attr-defined]

    def __getattr__(self, name: str) -> object:
        return getattr(self.ledger, name)


def test_a_convergence_loop_in_a_city(town: Town) -> None:
    town.city.up()
    env = {**os.environ, "GC_CITY": str(town.path)}
    from gcity_tui.cli.asking import ask

    code, out, err = ask(
        ["converge", "create", "--formula", "draft", "--target", "eddie", "--gate", "condition", "--gate-condition",
         str(town.path / "check.sh")], env, town.path,
    )  # fmt: skip
    assert code == 0, err
    loop = out.decode().strip()
    town.closed(loop, 60)
    bead = town.city.bead(loop)
    assert bead.metadata["convergence.terminal_reason"] == "approved"
    assert bead.metadata["convergence.iteration"] == "3"
    (view,) = [x for x in town.city.loops() if x.id == loop]
    assert (view.state, len(view.rounds)) == ("clean", 3)
