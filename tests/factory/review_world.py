"""A city of the review pack over a real repository, and agents played by the test through `bd` and `gc` alone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from gcity_tui.beads.dialect.answer import answer
from gcity_tui.beads.ledger import Ledger
from gcity_tui.config import load_city
from gcity_tui.config.write import add_rig, init_city
from gcity_tui.factory import control, scripts, workplace
from gcity_tui.factory.gc_dialect import answer_gc
from gcity_tui.model.bead import Bead, Meta
from gcity_tui.model.declared import DeclaredCity

FAULTY = """import os


def run(name):
    os.system("ls " + name)


def total(items):
    out = ""
    for i in items:
        out = out + str(i)
    return out
"""


class World:
    """City, rig and ledger; `agents` act when `turn` is called."""

    def __init__(self, folder: Path, ledger_class: type[Ledger] = Ledger) -> None:
        self.repo = folder / "some-repo"
        if not self.repo.exists():
            self.repo.mkdir(parents=True)
            (self.repo / "app.py").write_text(FAULTY)
            for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "first"]):
                self.git(*words)
            self.city = folder / "city"
            add_rig(init_city(self.city, "town", "review", "rehearsal"), self.repo)
            bin_ = self.city / ".gc" / "bin"
            bin_.mkdir(parents=True)
            shim = bin_ / "gc"
            shim.write_text(
                f"#!{sys.executable}\nimport os, sys\nfrom gcity_tui.factory.gc_dialect import answer_gc\n"
                f"c, o, e = answer_gc({str(self.city)!r}, sys.argv[1:], dict(os.environ), b'', os.getcwd())\n"
                "sys.stdout.buffer.write(o); sys.stderr.buffer.write(e); sys.exit(c)\n"
            )
            shim.chmod(0o755)
        self.city = folder / "city"
        self.declared: DeclaredCity = load_city(self.city)
        self.rig = self.declared.rigs[0]
        place = self.city / ".gc" / "ledger.db"
        self.ledger = ledger_class.open(str(place), create=not place.exists())
        rows = [(self.declared.prefix or "to", "", str(self.city)), (self.rig.prefix, self.rig.name, str(self.repo))]
        self.ledger.set_scopes(rows, prefix=rows[0][0])

    def git(self, *words: str, at: Path | None = None) -> str:
        return subprocess.run(
            ["git", *words], cwd=at or self.repo, check=True, capture_output=True, text=True
        ).stdout.strip()

    def gc(self, *argv: str, who: str = "", at: Path | None = None) -> tuple[int, str, str]:
        code, out, err = answer_gc(
            str(self.city),
            list(argv),
            self.env(who),
            b"",
            str(at or self.repo),
            ledger=self.ledger,
            declared=self.declared,
        )
        return code, out.decode(), err.decode()

    def bd(self, *argv: str, who: str = "") -> str:
        code, out, err = answer(self.ledger, list(argv), self.env(who), b"", str(self.repo))
        assert code == 0, err.decode()
        return out.decode()

    def env(self, who: str) -> dict[str, str]:
        if not who:
            return {}
        agent = self.declared.agent_of(who)
        assert agent is not None
        return {
            "GC_AGENT": who,
            "GC_ALIAS": who,
            "GC_TEMPLATE": agent.qualified,
            "GC_SESSION_NAME": who.replace("/", "--"),
            "BEADS_ACTOR": who,
            "GC_RIG": self.rig.name,
        }

    def advance(self, runner: scripts.Runner = scripts.run) -> tuple[control.Did, ...]:
        return control.advance(self.ledger, self.declared, runner)

    def get(self, id: str) -> Bead:
        bead = self.ledger.get(id)
        assert bead is not None
        return bead

    def place(self, who: str) -> None:
        """What the controller does for one who has nothing: the oldest piece of its pool's work, its folder first."""
        agent = self.declared.agent_of(who)
        assert agent is not None
        if any(self.ledger.find(assignee=who, status=s, limit=1) for s in ("open", "in_progress")):
            return
        ready = self.ledger.ready(meta={Meta.ROUTED_TO: agent.qualified}, unassigned=True, sort="oldest", limit=1)
        if ready:
            workplace.prepare(self.ledger, self.declared, who, ready[0].id)
            self.ledger.assign_if_unassigned(ready[0].id, who, "controller")

    def claim(self, who: str) -> Bead | None:
        self.place(who)
        tree = self.city / ".gc" / "worktrees" / self.rig.name / who.rsplit("/", 1)[-1]
        code, out, _ = self.gc("hook", "--claim", "--json", who=who, at=tree if tree.is_dir() else None)
        if code:
            return None
        bead = json.loads(out)["bead_id"]
        workplace.prepare(self.ledger, self.declared, who, bead)
        return self.get(bead)

    def close(self, bead: Bead, outcome: str = "pass", **meta: str) -> None:
        pairs = {Meta.OUTCOME: outcome, **meta}
        self.bd("update", bead.id, *(f"--set-metadata={k}={v}" for k, v in pairs.items()), who=bead.assignee)
        self.bd("close", bead.id, who=bead.assignee)


Reviewer = Callable[[World, Bead, Path], dict[str, object]]


def finding(
    title: str, line: int, severity: str = "major", category: str = "style", file: str = "app.py", rule: str = ""
) -> dict[str, object]:
    return {"severity": severity, "category": category, "title": title, "file": file, "line": line, "rule": rule}


def by_text(world: World, bead: Bead, tree: Path) -> dict[str, object]:
    """Faults that are really in the file: a reviewer that looks."""
    leg = bead.metadata[Meta.REVIEW_LEG]
    found = []
    for n, line in enumerate((tree / "app.py").read_text().splitlines(), 1):
        if leg == "security" and "os.system" in line:
            found.append(finding("a shell is given foreign text", n, "blocker", "shell", rule="S1"))
        if leg == "performance" and "out = out +" in line:
            found.append(finding("text grows by copying", n, "major", "copying", rule="P1"))
        if leg == "style" and line.startswith("def ") and ":" in line and '"""' not in line:
            after = (tree / "app.py").read_text().splitlines()[n : n + 1]
            if not (after and '"""' in after[0]):
                found.append(finding("no docstring", n, "minor", "docs", rule="D1"))
    return {"verdict": "pass_with_findings" if found else "pass", "findings": found}


def fix(world: World, bead: Bead, tree: Path) -> None:
    """One severity a round: the worst that is open."""
    code, out, _ = world.gc("review", "open", "--bead", bead.id, "--json")
    assert code == 0
    listed = json.loads(out)["findings"]
    text = (tree / "app.py").read_text()
    for f in listed[:1]:
        if f["rule"] == "S1":
            text = text.replace('    os.system("ls " + name)', "    os.listdir(name)")
        elif f["rule"] == "P1":
            text = text.replace(
                '    out = ""\n    for i in items:\n        out = out + str(i)\n    return out',
                '    return "".join(map(str, items))',
            )
        elif f["rule"] == "D1":
            lines = text.splitlines()
            lines.insert(f["line"], '    """Do it."""')
            text = "\n".join(lines) + "\n"
    (tree / "app.py").write_text(text)


class Agents:
    """Author and reviewers; every one of their acts is safe to repeat, as a real agent's after a crash has to be."""

    def __init__(
        self, world: World, review: Reviewer = by_text, mend: Callable[[World, Bead, Path], None] = fix
    ) -> None:
        self.world, self.review, self.mend = world, review, mend

    def step(self) -> bool:
        """One step by whoever has one. False when nobody has."""
        rig = self.world.rig.name
        for name in ("eddie-1", "security-1", "performance-1", "style-1"):
            bead = self.world.claim(f"{rig}/{name}")
            if bead is not None:
                self.do(bead)
                return True
        return False

    def do(self, bead: Bead) -> None:
        w, role = self.world, bead.metadata.get("gc.review_role", "")
        tree = Path(bead.metadata.get(Meta.WORK_DIR, "") or str(w.repo))
        if role in ("implement", "fix"):
            self.author(bead, tree, role)
        elif role == "leg":
            lane = tree.parent / f"{bead.id}.json"
            lane.write_text(json.dumps(self.review(w, bead, tree)))
            code, _, err = w.gc("review", "submit", "--bead", bead.id, str(lane), who=bead.assignee, at=tree)
            lane.unlink()
            if code:
                assert "void" in err, err
                w.bd("close", bead.id, who=bead.assignee)
            else:
                w.close(bead)
        elif role == "synthesis":
            code, _, err = w.gc("review", "synthesize", "--bead", bead.id, who=bead.assignee)
            assert code == 0, err
            w.close(bead)
        elif role == "merge":
            code, _, err = w.gc("review", "merge", "--bead", bead.id, who=bead.assignee)
            if code:
                w.close(bead, "fail", **{Meta.FAILURE_CLASS: "hard", Meta.FAILURE_REASON: err.strip()})
            else:
                w.close(bead)
        else:
            w.close(bead)

    def author(self, bead: Bead, tree: Path, role: str) -> None:
        w = self.world
        trailer = f"Bead: {bead.id}"
        if trailer not in w.git("log", "--format=%B", at=tree):
            if role == "fix":
                self.mend(w, bead, tree)
            else:
                (tree / "new.py").write_text(f'"""For {bead.metadata.get(Meta.SOURCE)}."""\n')
            w.git("add", "-A", at=tree)
            if w.git("status", "--porcelain", at=tree):
                w.git("commit", "-q", "-m", f"{role}\n\n{trailer}", at=tree)
        w.close(bead, **{Meta.WORK_COMMIT: w.git("rev-parse", "HEAD", at=tree)})

    def run(self, most: int = 200) -> None:
        """Until nothing moves."""
        for _ in range(most):
            moved = bool(self.world.advance())
            if not self.step() and not moved:
                return
        raise AssertionError("it does not come to an end")
