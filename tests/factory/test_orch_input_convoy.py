"""A graph that says `{{convoy_id}}` is started for a convoy: the slung one, or one of one bead that goes with the run."""

# ruff: noqa: E501

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from town import Town, lived, passes

from gcity_tui.factory.dispatch import sling
from gcity_tui.factory.gc_dialect import answer_gc
from gcity_tui.model.bead import Meta

GRAPH = 'formula = "g"\ncontract = "graph.v2"\n[vars]\nwho = "ann"\n[[steps]]\nid = "a"\ntitle = "A"\ndescription = "gc convoy status {{convoy_id}}"\n'
PLAIN = 'formula = "p"\ncontract = "graph.v2"\n[[steps]]\nid = "a"\ntitle = "A {{issue}}"\n'


def test_a_single_bead_gets_a_convoy_of_its_own(tmp_path: Path) -> None:
    town = Town(tmp_path, {"g": GRAPH})
    slung = sling(town.ledger, town.declared, "w", "do it", formula="g")
    (convoy,) = town.ledger.find(types=("convoy",))
    assert convoy.title == f"input convoy for {slung.bead}" and convoy.metadata["gc.synthetic"] == "true"
    assert [(d.depends_on_id, d.type) for d in convoy.dependencies] == [(slung.bead, "tracks")]
    root = town.ledger.get(slung.root)
    assert root is not None and root.metadata["gc.input_convoy_id"] == convoy.id
    own = {
        "base_branch": "",
        "binding_name": "",
        "binding_prefix": "",
        "rig_name": "",
        "target_branch": "",
        "who": "ann",
    }
    own = {k: v for k, v in own.items() if k in json.loads(root.metadata["gc.graphv2_vars.v1"])}
    assert json.loads(root.metadata["gc.graphv2_vars.v1"]) == own and own["who"] == "ann"
    digest = hashlib.sha256("".join(f"{k}\0{v}\0" for k, v in sorted(own.items())).encode()).hexdigest()[:16]
    assert root.metadata["gc.graphv2_root_key"] == f"graphv2-root:{convoy.id}:g:{digest}:default"
    (step,) = [b for b in town.ledger.by_meta({Meta.ROOT: slung.root}) if not b.kind]
    assert step.description == f"gc convoy status {convoy.id}"
    code, out, _ = answer_gc(str(town.home), ["convoy", "status", convoy.id, "--json"], {}, b"", str(town.home),
                             ledger=town.ledger, declared=town.declared)  # fmt: skip
    assert code == 0 and [c["id"] for c in json.loads(out)["children"]] == [slung.bead]


def test_a_convoy_is_taken_as_it_is(tmp_path: Path) -> None:
    town = Town(tmp_path, {"g": GRAPH})
    convoy = town.ledger.create("mine", issue_type="convoy")
    slung = sling(town.ledger, town.declared, "w", convoy, formula="g")
    root = town.ledger.get(slung.root)
    assert root is not None and root.metadata["gc.input_convoy_id"] == convoy
    assert len(town.ledger.find(types=("convoy",))) == 1


def test_none_is_made_where_none_is_asked_for(tmp_path: Path) -> None:
    town = Town(tmp_path, {"p": PLAIN})
    slung = sling(town.ledger, town.declared, "w", "do it", formula="p")
    root = town.ledger.get(slung.root)
    assert root is not None and "gc.input_convoy_id" not in root.metadata
    assert not town.ledger.find(types=("convoy",))


@pytest.mark.parametrize("deaths", ["", "before", "after"])
def test_it_ends_with_its_run_whenever_the_controller_dies(deaths: str, tmp_path: Path) -> None:
    other = {"before": "after", "after": "before"}.get(deaths, "")
    town, died = lived(tmp_path, {"g": GRAPH}, "g", passes, plan=lambda n: deaths if n % 2 else other)
    (convoy,) = town.ledger.find(types=("convoy",))
    assert convoy.closed and convoy.outcome == "pass" and bool(died) == bool(deaths)


def test_a_replaced_run_takes_its_convoy_with_it(tmp_path: Path) -> None:
    town = Town(tmp_path, {"g": GRAPH})
    first = sling(town.ledger, town.declared, "w", "do it", formula="g")
    sling(town.ledger, town.declared, "w", first.bead, formula="g", force=True)
    old, new = sorted(town.ledger.find(types=("convoy",)), key=lambda b: not b.closed)
    assert old.closed and not new.closed
