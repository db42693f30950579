"""`rig remove`: refused while something would be lost sight of; the repository is never touched."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from gcity_tui.config import load_city
from gcity_tui.factory.leaving import held
from gcity_tui.model.session import Phase
from gcity_tui.model.snapshot import SessionView

Run = Callable[..., tuple[int, str, str]]


def git(where: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(where), *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_it_goes_and_the_file_is_as_before(home: Path, repo: Path, run: Run) -> None:
    kept = (home / "city.toml").read_text()
    other = repo.parent / "other"
    git(repo.parent, "clone", "-q", str(repo), str(other))
    assert run("rig", "add", str(other))[0] == 0
    code, out, _ = run("rig", "remove", "other", "--json")
    assert code == 0 and json.loads(out) == {"name": "other", "path": str(other), "closed": [], "worktrees": []}
    assert (home / "city.toml").read_text().rstrip() == kept.rstrip()
    assert [r.name for r in load_city(home).rigs] == ["repo"] and git(other, "rev-parse", "HEAD")


def test_work_that_is_nowhere_else_is_in_the_way(home: Path, repo: Path, run: Run) -> None:
    tree = home / ".gc" / "worktrees" / "repo" / "eddie-1"
    git(repo, "worktree", "add", "-q", "-b", "eddie/x", str(tree))
    assert held(home, load_city(home).rigs[0], ()).says == ""
    (tree / "new.txt").write_text("x")
    code, _, err = run("rig", "remove", "repo")
    assert code == 3 and "eddie-1 has 1 uncommitted change" in err and "--force" in err
    git(tree, "add", ".")
    git(tree, "commit", "-q", "-m", "new")
    assert "has commits that are not in main" in run("rig", "remove", "repo")[2]
    before = git(repo, "show-ref")
    code, out, _ = run("rig", "remove", "repo", "--force")
    assert code == 0 and f"left: {tree}" in out and load_city(home).rigs == ()
    assert git(repo, "show-ref") == before and (tree / "new.txt").exists()


def test_a_session_that_runs_is_in_the_way(home: Path) -> None:
    live = SessionView("repo/eddie-1", "repo/eddie", "repo--eddie-1", "re-1", "rehearsal", True, "repo", Phase.READY,
                       "", 0.0, "active", "", "%1", 42)  # fmt: skip
    found = held(home, load_city(home).rigs[0], (live,))
    assert found.live == ("repo/eddie-1",) and found.says == "repo/eddie-1 runs"


def test_wrong_words(home: Path, repo: Path, run: Run) -> None:
    assert run("rig", "remove")[0] == 2
    assert "did you mean repo" in run("rig", "remove", "rpo")[2]
    text = (home / "city.toml").read_text()
    block = text[text.index("[[rigs]]") :]
    (home / "more.toml").write_text(block)
    (home / "city.toml").write_text('include = ["more.toml"]\n' + text.replace(block, ""))
    code, _, err = run("rig", "remove", "repo")
    assert code == 3 and "more.toml" in err and "does not stand in city.toml" in err


def test_a_rig_and_an_agent_rest(home: Path, run: Run) -> None:
    """A person's word goes over the files', until it is taken back; every opener of the city sees it."""
    from gcity_tui.city import City

    assert json.loads(run("rig", "suspend", "repo", "--json")[1]) == {"name": "repo", "suspended": True}
    assert run("agent", "suspend", "eddie")[0] == 0
    with City.open(home) as city:
        assert city.declared.rigs[0].suspended and city.declared.agent("repo/eddie").suspended  # type: ignore[union-attr]
        assert [e.type for e in city.events(limit=0)][-2:] == ["rig.suspended", "agent.suspended"]
        assert run("rig", "resume", "repo")[0] == 0 and city.site.resettle() and not city.site.resettle()
        assert not city.declared.rigs[0].suspended and city.declared.agent("repo/eddie").suspended  # type: ignore[union-attr]
    assert "suspended" in run("agent", "list")[1] and "suspended" not in run("rig", "list")[1]
    assert run("agent", "suspend", "edie")[0] == 4 and run("rig", "suspend")[0] == 2
