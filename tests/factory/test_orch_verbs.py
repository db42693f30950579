"""`gc` and sling as they are called: claims, reviews, mail, prompts, refusals; and what the hot verbs import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from review_world import Agents, World

from gcity_tui.factory import lane, loops, records, workplace
from gcity_tui.factory.dispatch import NONE, sling
from gcity_tui.factory.gc_dialect import answer_gc
from gcity_tui.factory.hook import branch_of
from gcity_tui.model.bead import Meta
from gcity_tui.model.errors import Ambiguous, BadData, CityError, NotFound, Refused, Usage
from gcity_tui.model.receipt import Delivery
from gcity_tui.workers.queue import NudgeQueue

EDDIE = "some-repo/eddie-1"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


# -- sling -------------------------------------------------------------------------------------------------------------


def test_a_text_is_a_bead_of_the_rig_and_a_formula_hangs_on_it(world: World) -> None:
    done = sling(world.ledger, world.declared, "eddie", "Make it \x1b[31mred\nand more")
    bead, root = world.get(done.bead), world.get(done.root)
    assert bead.id.startswith("sr-") and bead.title == "Make it red" and bead.description == "Make it red\nand more"
    assert root.metadata[Meta.SOURCE] == bead.id and root.status == "in_progress"
    assert root.metadata[Meta.WORK_BRANCH] == f"eddie/{bead.id}" and root.metadata["gc.target_branch"] == "main"
    assert root.metadata["gc.root_store_ref"] == "rig:some-repo"
    assert bead.metadata[Meta.EXECUTION_ROUTED_TO] == "some-repo/eddie" and Meta.ROUTED_TO not in bead.metadata
    ready = world.ledger.ready(meta={Meta.ROUTED_TO: "some-repo/eddie"})
    assert [b.metadata["gc.review_role"] for b in ready] == ["implement"]
    assert all(b.id.startswith("sr-") for b in world.ledger.by_meta({Meta.ROOT: root.id}))


def test_plainly(world: World) -> None:
    done = sling(world.ledger, world.declared, "some-repo/eddie", "look", formula=NONE)
    assert world.get(done.bead).metadata[Meta.ROUTED_TO] == "some-repo/eddie" and not done.root
    to_one = sling(world.ledger, world.declared, "some-repo/style-2", done.bead)
    assert to_one.bead == done.bead and world.get(done.bead).assignee == "some-repo/style-2"


def test_an_instance_gets_all_steps_of_its_agent(world: World) -> None:
    done = sling(world.ledger, world.declared, "some-repo/eddie-3", "x")
    mine = [b for b in world.ledger.by_meta({Meta.ROOT: done.root}) if b.assignee]
    assert {b.metadata["gc.review_role"] for b in mine} == {"implement", "fix", "merge"}
    assert {b.assignee for b in mine} == {"some-repo/eddie-3"}


def test_a_live_workflow_is_refused_unless_forced(world: World) -> None:
    first = sling(world.ledger, world.declared, "eddie", "x")
    with pytest.raises(Refused, match=rf"already has live workflow\(s\): {first.root}"):
        sling(world.ledger, world.declared, "eddie", first.bead)
    second = sling(world.ledger, world.declared, "eddie", first.bead, force=True)
    assert second.root != first.root and world.get(first.root).outcome == "skipped"
    assert world.get(first.root).metadata[Meta.FAILURE_REASON] == "graphv2_force_replaced"
    assert all(b.closed for b in world.ledger.by_meta({Meta.ROOT: first.root}))
    Agents(world).run()
    assert {x.root: x.state for x in loops.project(world.ledger)} == {first.root: "stopped", second.root: "clean"}


@pytest.mark.parametrize(
    ("target", "what", "more", "error", "says"),
    [
        ("eddy", "x", {}, NotFound, "eddie"),
        ("some-repo/secruity", "x", {}, NotFound, "some-repo/security"),
        ("eddie", "  ", {}, Usage, "nothing"),
        ("eddie", "sr-zz9", {}, NotFound, "sr-zz9"),
        ("eddie", "x y", {"formula": "mol-review-lop"}, NotFound, "mol-review-loop"),
        ("eddie", "x y", {"variables": {"max_round": "2"}}, Usage, "max_rounds"),
        ("eddie", "x y", {"variables": {"max_rounds": "none"}}, Usage, "max_rounds"),
        ("eddie", "x y", {"formula": NONE, "variables": {"a": "b"}}, Usage, "formula"),
        ("eddie", "x y", {"variables": {"style_target": "nobody"}}, CityError, "nobody"),
    ],
)
def test_what_sling_refuses_and_leaves_no_trace_of(
    world: World, target: str, what: str, more: dict[str, Any], error: type[CityError], says: str
) -> None:
    with pytest.raises(error) as refused:
        sling(world.ledger, world.declared, target, what, **more)
    assert says in str(refused.value)
    assert world.ledger.find() == []


def test_beads_of_other_scopes_closed_ones_and_those_in_hand(world: World) -> None:
    foreign = world.ledger.create("city's own", prefix="to")
    with pytest.raises(Refused, match="does not belong to rig some-repo"):
        sling(world.ledger, world.declared, "eddie", foreign)
    assert sling(world.ledger, world.declared, "eddie", foreign, force=True).bead == foreign
    closed = world.ledger.create("over", prefix="sr")
    world.ledger.close(closed)
    with pytest.raises(Refused, match="closed"):
        sling(world.ledger, world.declared, "eddie", closed)
    held = world.ledger.create("held", prefix="sr")
    world.ledger.claim(held, "ada")
    with pytest.raises(Refused, match="ada"):
        sling(world.ledger, world.declared, "style", held)


def test_a_rig_that_is_dirty_is_told_and_one_that_is_no_repository_refused(world: World) -> None:
    (world.repo / "app.py").write_text("changed\n")
    assert "uncommitted" in sling(world.ledger, world.declared, "eddie", "x").note
    (world.repo / ".git").rename(world.repo / "git-away")
    with pytest.raises(CityError, match="no git repository"):
        sling(world.ledger, world.declared, "eddie", "x")


def test_two_rigs_with_one_name_of_agent_are_ambiguous(world: World) -> None:
    from dataclasses import replace

    twins = tuple(replace(a, dir="other") for a in world.declared.agents if a.name == "eddie")
    both = replace(world.declared, agents=(*world.declared.agents, *twins))
    with pytest.raises(Ambiguous):
        sling(world.ledger, both, "eddie", "x")


# -- hook --------------------------------------------------------------------------------------------------------------


def test_claims_in_order_and_the_rest_of_the_group(world: World) -> None:
    done = sling(world.ledger, world.declared, "eddie", "x")
    code, out, _ = world.gc("hook", "--claim", "--json", who=EDDIE)
    assert code == 1 and json.loads(out)["reason"] == "no_work", "its folder is made first"
    world.place(EDDIE)
    code, out, _ = world.gc("hook", "--claim", "--json", who=EDDIE)
    told = json.loads(out)
    assert (code, told["action"], told["reason"], told["route"]) == (0, "work", "ready_assignment", "some-repo/eddie")
    assert told["root_bead_id"] == done.root and len(told["continuation_assigned"]) == 2
    held = world.get(told["bead_id"])
    assert (held.status, held.assignee, held.metadata[Meta.SESSION_NAME]) == (
        "in_progress",
        EDDIE,
        "some-repo--eddie-1",
    )
    again = json.loads(world.gc("hook", "--claim", "--json", who=EDDIE)[1])
    assert again["reason"] == "existing_assignment" and again["bead_id"] == told["bead_id"]
    code, out, _ = world.gc("hook", "--claim", "--json", who="some-repo/eddie-2")
    assert code == 1 and json.loads(out)["reason"] == "no_work"
    shown = json.loads(world.gc("hook", who=EDDIE)[1])
    assert [b["id"] for b in shown] == [told["bead_id"]]


def test_a_session_that_was_started_anew_gets_nothing(world: World) -> None:
    sling(world.ledger, world.declared, "eddie", "x")
    agent = world.declared.agent("some-repo/eddie")
    assert agent is not None
    record = records.ensure(world.ledger, world.declared, agent, EDDIE)
    world.ledger.update(record.id, meta={"instance_token": "new", "state": "active"})
    env = {**world.env(EDDIE), "GC_SESSION_ID": record.id, "GC_INSTANCE_TOKEN": "old"}

    def call(*argv: str) -> tuple[int, str]:
        code, out, _ = answer_gc(str(world.city), list(argv), env, ledger=world.ledger)
        return code, out.decode()

    assert '"stale_session"' in call("hook", "--claim", "--json")[1]
    assert call("runtime", "drain-ack")[0] != 0
    env["GC_INSTANCE_TOKEN"] = "new"
    assert call("runtime", "drain-check")[0] == 1
    assert '"work"' in call("hook", "--claim", "--json")[1]
    assert call("runtime", "drain-ack")[0] == 0
    assert world.get(record.id).metadata["drain_acked"] == "true"
    world.ledger.update(record.id, meta={"state": "draining"})
    assert call("runtime", "drain-check")[0] == 0 and '"stale_session"' in call("hook", "--claim", "--json")[1]


def test_hook_says_who_it_does_not_know(world: World) -> None:
    assert world.gc("hook") == (1, "", "gc hook: agent not specified (set $GC_AGENT or pass as argument)\n")
    assert 'agent "nobody" not found' in world.gc("hook", "nobody")[2]
    assert world.gc("hook", "--clam", who=EDDIE)[0] == 2
    assert world.gc("hook", "--inject", who=EDDIE) == (0, "", "")


def test_named_sessions_never_take_from_the_pool(world: World) -> None:
    sling(world.ledger, world.declared, "eddie", "x")
    env = {**world.env(EDDIE), "GC_SESSION_ORIGIN": "named"}
    assert answer_gc(str(world.city), ["hook", "--claim"], env, ledger=world.ledger)[0] == 1


def test_the_branch_of_a_folder_without_git(world: World, tmp_path: Path) -> None:
    assert branch_of(str(world.repo)) == "main" == branch_of(str(world.repo / "nowhere"))
    world.git("worktree", "add", "-q", "-b", "side/way", str(tmp_path / "w"))
    assert branch_of(str(tmp_path / "w")) == "side/way"
    world.git("switch", "-q", "--detach")
    assert branch_of(str(world.repo)) == "" == branch_of("/")


# -- reviews -----------------------------------------------------------------------------------------------------------


def at_legs(world: World) -> Any:
    sling(world.ledger, world.declared, "eddie", "x")
    agents = Agents(world)
    agents.step()
    world.advance()
    leg = world.claim("some-repo/security-1")
    assert leg is not None
    return leg


def hand_in(world: World, leg: Any, value: object, *more: str) -> tuple[int, str, str]:
    file = world.city / "lane.json"
    file.write_text(value if isinstance(value, str) else json.dumps(value))
    return world.gc("review", "submit", "--bead", leg.id, str(file), *more, at=Path(leg.metadata[Meta.WORK_DIR]))


def test_a_leg_is_recorded_cleaned_and_anchored(world: World) -> None:
    leg = at_legs(world)
    assert leg.metadata[workplace.BASE] == world.git("rev-parse", "main")
    found = {"severity": "HIGH", "title": "bad\x1b[31m shell\nhere", "file": f"{leg.metadata[Meta.WORK_DIR]}/app.py",
             "line": 5, "category": "shell", "anchor": "not what stands there"}  # fmt: skip
    for _ in range(2):
        code, _, err = hand_in(world, leg, {"verdict": "pass", "findings": [found], "findings_count": 1})
        assert code == 0, err
    kept = json.loads(world.get(leg.id).metadata[Meta.OUTPUT])
    assert kept["schema"] == "review-quorum.lane.v1" and kept["verdict"] == "pass_with_findings"
    assert kept["lane_id"] == "security" and kept["provider"] == "rehearsal"
    assert kept["read_only_enforcement"]["passed"] is True
    (f,) = kept["findings"]
    assert (f["severity"], f["title"], f["file"]) == ("major", "bad shell here", "app.py")
    assert f["anchor"] == 'os.system("ls " + name)'
    assert world.get(leg.id).status == "in_progress" and world.get(leg.id).outcome == "pass"


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("not json", "not JSON"), ("[]", "not a JSON object"), ("", "not JSON"), ({"findings": []}, "verdict"),
        ({"verdict": "fine"}, "verdict"), ({"verdict": "pass", "findings": {}}, "findings"),
        ({"verdict": "pass", "findings": [1]}, "findings"),
        ({"verdict": "pass_with_findings", "findings": []}, "materialized_findings_missing"),
        ({"verdict": "pass", "findings": [], "findings_count": 2}, "findings_count_mismatch"),
        ({"verdict": "pass", "failure_class": "transient"}, "failure_class"),
        ({"verdict": "fail", "failure_class": "soft"}, "failure_class"),
        ({"verdict": "pass", "findings": [{"severity": "minor"}]}, "findings[0].title"),
        ({"verdict": "pass", "findings": [{"title": "t", "file": "../x"}]}, "findings[0].file"),
        ({"verdict": "pass", "findings": [{"title": "t", "file": "/etc/passwd"}]}, "findings[0].file"),
        ({"verdict": "pass", "findings": [{"title": "t", "file": ".git/config"}]}, "findings[0].file"),
        ({"verdict": "pass", "findings": [{"title": "t", "line": "many"}]}, "findings[0].line"),
        ({"verdict": "pass", "findings": [{"title": "t"}] * 501}, "501"),
        ({"verdict": "pass", "summary": "x" * (1 << 20)}, "bytes"),
        ({"verdict": "pass", "schema": "review-quorum.lane.v9"}, "schema"),
        ("[" * 100_000, "not JSON"),
    ],
)  # fmt: skip
def test_a_lane_that_breaks_the_contract_names_the_field(world: World, value: object, says: str) -> None:
    data = value if isinstance(value, str) else json.dumps(value)
    with pytest.raises(BadData) as refused:
        lane.read(data.encode(), lane_id="x")
    assert says in str(refused.value)


def test_nothing_of_a_broken_lane_is_kept(world: World) -> None:
    leg = at_legs(world)
    code, _, err = hand_in(world, leg, {"verdict": "pass", "findings": [{"title": "t", "file": "../../x"}]})
    assert code == 65 and "findings[0].file" in err and Meta.OUTPUT not in world.get(leg.id).metadata
    assert world.gc("review", "submit", "--bead", leg.id, "/nonexistent")[0] == 4
    assert world.gc("review", "submit", "--bead", "sr-none", str(world.city / "city.toml"))[0] == 4
    assert world.gc("review", "submit")[0] == 2 and world.gc("review", "dance")[0] == 2


def test_the_lane_may_lie_in_the_worktree_and_nothing_else(world: World) -> None:
    leg = at_legs(world)
    tree = Path(leg.metadata[Meta.WORK_DIR])
    (tree / "lane.json").write_text('{"verdict": "pass"}')
    assert world.gc("review", "submit", "--bead", leg.id, "lane.json", at=tree)[0] == 0
    (tree / "other.txt").write_text("x")
    code, _, err = world.gc("review", "submit", "--bead", leg.id, "lane.json", at=tree)
    assert code == 1 and "void" in err
    told = world.get(leg.id)
    assert (told.outcome, told.metadata[Meta.FAILURE_CLASS]) == ("fail", "transient")
    (tree / "other.txt").unlink()
    assert world.gc("review", "submit", "--bead", leg.id, "lane.json", at=tree)[0] == 3, "void stays void"


def test_a_synthesis_waits_for_its_legs_and_is_made_once(world: World) -> None:
    leg = at_legs(world)
    (synthesis,) = [b for b in world.ledger.by_meta({"gc.review_role": "synthesis"}) if "attempt" in
                    b.metadata[Meta.STEP_REF]]  # fmt: skip
    code, _, err = world.gc("review", "synthesize", "--bead", synthesis.id)
    assert code == 3 and "legs still out" in err
    assert world.gc("review", "synthesize", "--bead", leg.id)[0] == 3
    assert world.gc("review", "verdict", leg.id)[:2] == (1, "iterate\n")
    world.close(world.get(leg.id))
    agents = Agents(world)
    for _ in range(30):
        world.advance()
        if world.get(synthesis.id).closed or not agents.step():
            break
    kept = world.get(synthesis.id).metadata[Meta.OUTPUT]
    code, out, _ = world.gc("review", "synthesize", "--bead", synthesis.id, "--json")
    assert code == 0 and json.loads(out) == json.loads(kept)
    summary = json.loads(kept)
    assert summary["schema"] == "review-quorum.summary.v1" and summary["round"] == 1
    assert summary["missing_coverage"] == [] and summary["review_verdict"] == "iterate"


def test_merge_is_refused_while_the_loop_runs(world: World) -> None:
    at_legs(world)
    (step,) = world.ledger.by_meta({"gc.review_role": "merge"})
    code, _, err = world.gc("review", "merge", "--bead", step.id)
    assert code == 3 and "still running" in err


def test_merge_gives_the_same_answer_again_and_the_place_is_cleared(world: World) -> None:
    sling(world.ledger, world.declared, "eddie", "x")
    Agents(world).run()
    (step,) = world.ledger.by_meta({"gc.review_role": "merge"})
    answers = {world.gc("review", "merge", "--bead", step.id, "--json") for _ in range(2)}
    assert len(answers) == 1 and json.loads(answers.pop()[1])["commit"] == world.git("rev-parse", "main")
    (loop,) = loops.project(world.ledger)
    tree = world.city / ".gc" / "worktrees" / "some-repo" / "eddie-1"
    assert workplace.finish(world.ledger, world.declared, loop.root, frozenset({EDDIE})) and tree.is_dir()
    assert workplace.finish(world.ledger, world.declared, loop.root)
    assert loop.branch not in world.git("branch", "--format=%(refname:short)").splitlines()


# -- the rest ----------------------------------------------------------------------------------------------------------


def test_mail_there_and_back(world: World) -> None:
    assert world.gc("mail", "check", who=EDDIE)[0] == 1
    code, out, _ = world.gc(
        "mail", "send", EDDIE, "-s", "hello\x1b[2J", "-m", "line one\nline two", who="some-repo/style-1"
    )
    assert code == 0
    id_ = out.split()[1]
    assert world.gc("mail", "check", who=EDDIE)[0] == 0
    assert id_ in world.gc("mail", "check", "--inject", who=EDDIE)[1]
    (row,) = json.loads(world.gc("mail", "inbox", "--json", who=EDDIE)[1])
    assert (row["from"], row["subject"], row["read"]) == ("some-repo/style-1", "hello", False)
    assert world.gc("mail", "read", id_, who=EDDIE)[1].endswith("line one\nline two\n")
    assert world.gc("mail", "check", who=EDDIE)[0] == 1 and world.gc("mail", "check", who="some-repo/style-1")[0] == 1
    assert world.gc("mail", "send", "", "-m", "x")[0] == 2 and world.gc("mail", "send", EDDIE)[0] == 2
    assert world.gc("mail", "read", "sr-none")[0] == 4
    assert world.ledger.ready() == [], "messages are no work"


def test_a_hook_that_drains_takes_what_the_lane_has_not_begun(world: World) -> None:
    queue = NudgeQueue(world.ledger)
    for text in ("first", "second"):
        queue.put(EDDIE, text)
    begun = queue.unsettled(EDDIE)[0]
    queue.move(begun, Delivery.TYPING)
    assert world.gc("nudge", "status", who=EDDIE)[1] == "1 pending\n"
    assert world.gc("nudge", "drain", who=EDDIE)[1] == "second\n"
    assert world.gc("nudge", "drain", who=EDDIE)[1] == ""
    assert sorted(r.state.value for r in queue.receipts(EDDIE)) == ["taken up", "typing"]


def test_prime_renders_the_agents_prompt_and_never_fails(world: World) -> None:
    code, out, err = world.gc("prime", who=EDDIE)
    assert code == 0 and err == "" and out.startswith(f"# You are {EDDIE}") and "{{" not in out
    assert "gc hook --claim" in out
    assert world.gc("prime", "nobody") == (0, world.gc("prime")[1], "") and "# Gas City Agent" in world.gc("prime")[1]
    assert world.gc("prime", "nobody", "--strict")[0] == 4
    assert json.loads(world.gc("prime", "some-repo/style", "--json")[1])["agent"] == "some-repo/style"


def test_events_bd_version_and_unknown_verbs(world: World) -> None:
    assert (
        world.gc("event", "emit", "custom.thing", "--subject", "sr-1", "--message", "hi", "--payload", '{"a": 1}')[0]
        == 0
    )
    (event,) = world.ledger.events(types=("custom.thing",))
    assert (event.subject, event.message, event.payload["a"]) == ("sr-1", "hi", 1)
    assert world.gc("event", "emit", "x", "--payload", "[")[0] == 65
    assert world.gc("bd", "list", "--json")[:2] == (0, "[]\n")
    assert world.gc("version")[1].startswith("gc (gcity-tui ")
    code, _, err = world.gc("hok")
    assert code == 2 and "gc hook" in err
    assert "gcity-tui gc status" in world.gc("status")[2]


def test_without_a_controller_the_city_is_found_from_where_one_stands(world: World, tmp_path: Path) -> None:
    code, out, _ = answer_gc("", ["mail", "count"], {}, b"", str(world.city))
    assert (code, out) == (0, b"0\n")
    assert answer_gc("", ["mail", "count"], {}, b"", str(tmp_path))[0] == 4


HEAVY = {"dataclasses", "typing", "argparse", "re", "json", "subprocess", "inspect", "pathlib", "textual", "libtmux",
         "yaml", "tomllib", "asyncio", "logging", "hashlib", "gcity_tui.model.bead", "gcity_tui.config"}  # fmt: skip


@pytest.mark.parametrize(
    "argv", [["hook", "--claim", "--json"], ["mail", "check"], ["nudge", "drain"], ["runtime", "drain-check"]]
)
def test_the_hot_verbs_import_nothing_heavy(world: World, argv: list[str]) -> None:
    sling(world.ledger, world.declared, "eddie", "x", formula=NONE)
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).resolve().parents[2])!r})\n"
        "from gcity_tui.factory.gc_dialect import answer_gc\n"
        f"answer_gc({str(world.city)!r}, {argv!r}, {world.env(EDDIE)!r})\nprint(*sys.modules)"
    )  # fmt: skip
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "gcity_tui.beads.ledger" in loaded
    assert not loaded & HEAVY, loaded & HEAVY
