"""A round's reviewers are chosen from its change: who is wanted, who does it, what is kept, and what is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from review_world import Agents, World, finding

from gcity_tui.config import load_city
from gcity_tui.factory import control, gates, loops, molecules, scripts
from gcity_tui.factory.dispatch import sling
from gcity_tui.model.bead import Bead, Meta
from gcity_tui.model.round import Loop, Round

SECOND = """
[[agent]]
name = "{name}"
scope = "rig"
provider = "{provider}"
isolation = "detached"
wake_mode = "fresh"
lifecycle = "one_shot"
min_active_sessions = 0
max_active_sessions = 2
"""


def world_of(tmp_path: Path, more: str = "", table: str = "") -> World:
    world = World(tmp_path)
    path = world.city / "city.toml"
    path.write_text(path.read_text() + more)
    if table:
        (world.city / "reviewers.toml").write_text(table)
    world.declared = load_city(world.city)
    return world


class Cast(Agents):
    """An author who writes `files` and mends as `mend` says; reviewers that find what `review` says."""

    def __init__(
        self, world: World, files: dict[str, str], review: Callable[[World, Bead, Path], dict[str, object]],
        limited: Callable[[str], str] = control.nowhere, mend: Callable[[World, Bead, Path], None] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(world, review, mend or (lambda w, b, t: None))
        self.files, self.limited = files, limited

    def author(self, bead: Bead, tree: Path, role: str) -> None:
        if role == "implement":
            for name, text in self.files.items():
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                (tree / name).write_text(text)
            self.world.git("add", "-A", at=tree)
            self.world.git("commit", "-q", "--allow-empty", "-m", f"made\n\nBead: {bead.id}", at=tree)
        super().author(bead, tree, role)

    def step(self) -> bool:
        rig = self.world.rig.name
        for agent in (a for a in self.world.declared.agents if a.dir == rig):
            bead = self.world.claim(f"{rig}/{agent.name}-1")
            if bead is not None:
                self.do(bead)
                return True
        return False

    def play(self, most: int = 300, rounds: int = 0) -> Loop:
        """Until nothing moves, or until so many rounds are over."""
        world = self.world
        sling(world.ledger, world.declared, "eddie", "do it", formula="mol-review-loop", variables={"max_rounds": "3"})
        for _ in range(most):
            moved = bool(control.advance(world.ledger, world.declared, scripts.run, self.limited))
            (loop,) = loops.project(world.ledger, world.declared)
            if rounds and len([r for r in loop.rounds if r.over]) >= rounds:
                return loop
            if not self.step() and not moved:
                return loop
        raise AssertionError("it does not come to an end")


def content(world: World, bead: Bead, tree: Path) -> dict[str, object]:
    return {"verdict": "pass", "findings": []}


def who(turn: Round) -> dict[str, str]:
    return {leg.reviewer: leg.session.rsplit("/", 1)[-1] or leg.state for leg in turn.legs}


@pytest.mark.parametrize(
    ("files", "wanted", "out"),
    [
        ({"README.md": "words\n"}, {"style": "always"}, {"security", "performance", "react"}),
        ({"NOTES.md": "the password is here\n"}, {"style": "always", "security": "/"},
         {"performance", "react"}),
        ({"ui/app.tsx": "x\n"}, {"style": "always", "security": "ui/app.tsx", "performance": "ui/app.tsx",
                                 "react": "ui/app.tsx"}, set()),
        ({"lib/a.mjs": 'import x from "react"\n'},
         {"style": "always", "security": "lib/a.mjs", "performance": "lib/a.mjs", "react": "/"}, set()),
        ({}, {"style": "always", "security": "app.py", "performance": "app.py"}, {"react"}),
    ],
)  # fmt: skip
def test_the_change_says_who_is_wanted(
    tmp_path: Path, files: dict[str, str], wanted: dict[str, str], out: set[str]
) -> None:
    loop = Cast(world_of(tmp_path), files, content).play()
    (turn,) = loop.rounds
    assert loop.state == "clean" and turn.verdict == "approve"
    assert {leg.reviewer for leg in turn.legs} == set(wanted) and set(turn.left_out) == out
    assert all(leg.why.startswith(wanted[leg.reviewer]) and leg.covered for leg in turn.legs)


def test_the_citys_table_goes_before_the_packs(tmp_path: Path) -> None:
    table = '[[reviewer]]\nleg = "style"\nfiles = ["*.md"]\n'
    loop = Cast(world_of(tmp_path, table=table), {"a.sql": "select 1;\n"}, content).play()
    assert set(who(loop.rounds[0])) == {"security", "performance"}
    assert set(loop.rounds[0].left_out) == {"style", "react"}


def test_nobody_is_wanted_so_the_first_looks(tmp_path: Path) -> None:
    table = '[[reviewer]]\nleg = "style"\nfiles = ["*.md"]\n'
    loop = Cast(world_of(tmp_path, table=table), {"a.bin": "x\n"}, content).play()
    assert [leg.why for leg in loop.rounds[0].legs] == ["somebody has to look"] and loop.state == "clean"


def test_a_table_that_cannot_be_read_lets_everybody_look_and_says_so(tmp_path: Path) -> None:
    table = '[[reviewer]]\nleg = "style"\nwhen = "*.md"\n'
    loop = Cast(world_of(tmp_path, table=table), {"README.md": "x\n"}, content).play()
    assert len(loop.rounds[0].legs) == 4 and "unknown key 'when'" in loop.rounds[0].note


def test_who_passed_the_same_commit_is_not_asked_again_and_who_found_something_is(tmp_path: Path) -> None:
    def style_minds(world: World, bead: Bead, tree: Path) -> dict[str, object]:
        found = [finding("no docstring", 4, "minor")] if bead.metadata[Meta.REVIEW_LEG] == "style" else []
        return {"verdict": "pass_with_findings" if found else "pass", "findings": found}

    world = world_of(tmp_path)
    loop = Cast(world, {"b.py": "x = 1\n"}, style_minds).play()
    assert loop.state == "out of budget" and [r.verdict for r in loop.rounds] == ["iterate"] * 3
    assert len({r.commit for r in loop.rounds}) == 1
    for turn in loop.rounds[1:]:
        again = {leg.reviewer: leg.reused for leg in turn.legs}
        assert again == {"security": True, "performance": True, "style": False}
        assert all(leg.covered for leg in turn.legs) and turn.raised_again == 1
        assert who(turn) == who(loop.rounds[0]), "a word that is kept is still who gave it"


def test_open_findings_keep_their_leg_though_the_change_no_longer_asks_for_it(tmp_path: Path) -> None:
    """The author takes the file out again; who found something in it is still asked whether it is gone."""

    def minds_sql(world: World, bead: Bead, tree: Path) -> dict[str, object]:
        if bead.metadata[Meta.REVIEW_LEG] == "performance" and (tree / "a.sql").exists():
            return {"verdict": "pass_with_findings", "findings": [finding("slow", 1, file="a.sql")]}
        return content(world, bead, tree)

    def takes_out(world: World, bead: Bead, tree: Path) -> None:
        (tree / "a.sql").unlink(missing_ok=True)
        (tree / "new.py").unlink(missing_ok=True)  # what the cast's author adds besides

    loop = Cast(world_of(tmp_path), {"a.sql": "select 1;\n", "a.md": "x\n"}, minds_sql, mend=takes_out).play()
    first, second = loop.rounds
    assert loop.state == "clean" and [f.status for f in second.findings] == ["resolved"]
    reasons = {leg.reviewer: leg.why for leg in second.legs}
    assert reasons == {"performance": "its findings are open", "style": "always"}
    assert "security" in second.left_out and "security" not in first.left_out


TABLE = """
[[reviewer]]
leg = "style"
always = true
agents = ["style-b"]
[[reviewer]]
leg = "security"
files = ["*.py"]
agents = ["security-b", "security-c"]
"""


def providers(**names: str) -> str:
    return "".join(SECOND.format(name=n.replace("_", "-"), provider=p) for n, p in names.items())


def test_legs_are_spread_over_providers_and_never_all_of_the_authors_own(tmp_path: Path) -> None:
    more = providers(style_b="rehearsal-codex", security_b="rehearsal-gemini", security_c="rehearsal-codex")
    loop = Cast(world_of(tmp_path, more, TABLE), {"a.py": "x = 1\n"}, content).play()
    (turn,) = loop.rounds
    assert len({leg.provider for leg in turn.legs}) == 3 and turn.note == ""
    # The author and all that the pack declares are of one provider: it gets one leg, the two others have one each.
    assert sorted(leg.provider for leg in turn.legs) == ["rehearsal", "rehearsal-codex", "rehearsal-gemini"]
    assert who(turn)["performance"] == "performance-1", "only it can do that leg"


def test_a_city_of_one_provider_is_told_so(tmp_path: Path) -> None:
    loop = Cast(world_of(tmp_path), {"a.py": "x = 1\n"}, content).play()
    assert loop.rounds[0].note == "no reviewer but of the author's own provider"


def test_a_limited_provider_is_left_for_another(tmp_path: Path) -> None:
    more = providers(style_b="rehearsal-codex", security_b="rehearsal-gemini", security_c="rehearsal-codex")
    world = world_of(tmp_path, more, TABLE)

    def limits(name: str) -> str:
        return "until 18:00" if name == "rehearsal-gemini" else ""

    loop = Cast(world, {"a.py": "x = 1\n"}, content, limits).play()
    assert "rehearsal-gemini" not in {leg.provider for leg in loop.rounds[0].legs} and loop.state == "clean"


MISSING = """
[providers.absent]
command = "no-such-program-anywhere"

[[patches.agent]]
name = "{agent}"
provider = "absent"
"""


def test_a_missing_provider_moves_to_another_or_is_missing_coverage_and_never_clean(tmp_path: Path) -> None:
    moves = world_of(tmp_path / "a", MISSING.format(agent="style") + providers(style_b="rehearsal-codex"), TABLE)
    loop = Cast(moves, {"a.py": "x = 1\n"}, content).play()
    assert loop.state == "clean" and who(loop.rounds[0])["style"] == "style-b-1"
    drawn = next(b for b in moves.ledger.find() if b.metadata.get("gc.review_role") == "synthesis" and b.assignee)
    assert drawn.assignee != "some-repo/style-1", "who was to draw the legs together cannot be started either"

    stays = world_of(tmp_path / "b", MISSING.format(agent="performance"))
    loop = Cast(stays, {"a.py": "x = 1\n"}, content).play()
    assert loop.state == "out of budget" and {r.verdict for r in loop.rounds} == {"iterate"}
    for turn in loop.rounds:
        (leg,) = [x for x in turn.legs if not x.covered]
        assert (leg.reviewer, leg.state, leg.failure_reason) == ("performance", "missing", "provider_unavailable")
    control_bead = next(b for b in stays.ledger.find() if b.metadata.get("gc.review_missing"))
    assert "no-such-program-anywhere is not on PATH" in control_bead.metadata["gc.review_missing"]


def test_a_second_try_goes_to_who_was_chosen(tmp_path: Path) -> None:
    more = providers(style_b="rehearsal-codex")
    world = world_of(tmp_path, more, TABLE)
    seen: list[str] = []

    class Once(Cast):
        def do(self, bead: Bead) -> None:
            if bead.metadata.get("gc.review_leg") == "style" and bead.metadata.get("gc.review_role") == "leg":
                seen.append(bead.assignee)
                if len(seen) == 1:
                    self.world.close(bead, "fail", **{Meta.FAILURE_CLASS: "transient", Meta.FAILURE_REASON: "flaky"})
                    return
            super().do(bead)

    loop = Once(world, {"a.md": "x\n"}, content).play()
    assert loop.state == "clean" and seen == ["some-repo/style-b-1"] * 2, "the author's own provider is left alone"


def test_the_gate_of_the_choice_asks_nobody(tmp_path: Path) -> None:
    """It is shut while the author writes, and neither the loop nor the run says that a person is wanted."""
    world = world_of(tmp_path)
    slung = sling(world.ledger, world.declared, "eddie", "do it", formula="mol-review-loop")
    control.advance(world.ledger, world.declared, scripts.run)
    shut = world.ledger.find(types=("gate",), open_only=True)
    assert [b.metadata["gc.review_role"] for b in shut] == ["choose"]
    assert not gates.standing(world.ledger) and not any(gates.asks(b) for b in shut)
    assert loops.project(world.ledger, world.declared)[0].state == "running"
    assert molecules.standing(world.ledger, slung.root).state == "running"
