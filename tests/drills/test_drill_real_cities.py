"""Real cities of the corpus, lived in: their own packs, agents, names and formulas; rehearsal agents in real panes."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from drill_world import left_over

from gcity_tui.city import City
from gcity_tui.config import load_city
from gcity_tui.config.write import add_rig
from gcity_tui.model.session import Phase

pytestmark = [pytest.mark.drill, pytest.mark.city, pytest.mark.tmux]
SETUP = """#!/bin/sh
# What Gas Town's own script does, as far as its cities here need it: <rig> <folder> <branch>
set -e
[ -e "$2/.git" ] && exit 0
git -C "$1" worktree add -q -B "$3" "$2"
"""


class Lived:
    """A copy of a real city with one rig, every agent played by a rehearsal."""

    def __init__(self, base: Path, source: Path, rig: Path) -> None:
        self.path = base / "town"
        shutil.copytree(source, self.path)
        for path in (self.path, *self.path.rglob("*")):
            path.chmod(path.stat().st_mode | 0o200)
        file = self.path / "city.toml"
        text = re.sub(r'^provider = "claude"', 'provider = "rehearsal"', file.read_text(), flags=re.M)
        own = [a for a in self.path.rglob("agent.toml") if "start_command" in a.read_text()]
        patches = "".join(
            f'\n[[patches.agent]]\nname = "{a.parent.name}"\nstart_command = ""\nprovider = "rehearsal"\n' for a in own
        )
        file.write_text(text + patches)
        add_rig(load_city(self.path), rig, name="shop")
        self.city = City.open(self.path)

    def closed(self, bead: str, seconds: float = 90.0) -> None:
        deadline = time.monotonic() + seconds
        for snap in self.city.watch():
            if self.city.bead(bead).closed:
                return
            shown = [(s.instance, s.phase.word, s.bead, s.why) for s in snap.sessions]
            assert time.monotonic() < deadline, f"{bead}: {shown} {[n.text for n in snap.notices]}"

    def end(self) -> None:
        try:
            self.city.down()
        finally:
            self.city.close()


@pytest.fixture
def live(tmp_path: Path, repository: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Lived]]:
    monkeypatch.setenv("GC_REHEARSAL_PACE", "fast")
    yield Lived
    assert left_over(str(tmp_path / "town")) == []


def test_gas_town(live: type[Lived], tmp_path: Path, repository: Path, corpus: Path) -> None:
    town = live(tmp_path, corpus / "gascity-2026-04" / "examples" / "gastown", repository)
    core = corpus / "gascity-2026-04" / "internal" / "bootstrap" / "packs" / "core"
    shutil.copytree(core, town.path / ".gc" / "system" / "packs" / "core")
    scripts = town.path / "packs" / "gastown" / "assets" / "scripts"
    scripts.mkdir(parents=True)
    theme = '#!/bin/sh\ntmux -L "$GC_TMUX_SOCKET" set-option -t "$1" status-left "[$2]"\n'
    for name, text in (("worktree-setup.sh", SETUP), ("tmux-theme.sh", theme), ("tmux-keybindings.sh", "#!/bin/sh\n")):
        (scripts / name).write_text(text)
        (scripts / name).chmod(0o755)
    try:
        town.city.up()
        always = {"mayor", "deacon", "boot", "shop/witness"}
        for snap in town.city.watch():
            if {s.instance for s in snap.sessions if s.phase is Phase.READY} >= always:
                break
        slung = town.city.sling("shop/polecat", "Write a poem", formula="mol-polecat-work")
        town.closed(slung.root)
        claimed = {e.subject: e.actor for e in town.city.events(limit=0) if e.type == "bead.claimed"}
        assert len(claimed) >= 6 and all(who.startswith("shop/") for who in claimed.values())
        assert next(iter(claimed.values())) == "shop/furiosa", "the first name of the pool comes first"
        place = town.path / ".gc" / "worktrees" / "shop" / "polecats" / "furiosa"
        branch = subprocess.run(["git", "-C", str(place), "branch", "--show-current"], capture_output=True, text=True)
        assert branch.stdout.strip() == "furiosa"
        merged = town.city.sling("shop/refinery", "Merge it", formula="none")
        town.closed(merged.bead)
        assert town.city.bead(merged.bead).assignee == "shop/refinery"
        hands = town.city.site.hands
        assert hands.option("mayor", "status-left") == "[mayor]", "what the pack says for every session"
    finally:
        town.end()


def test_a_swarm_of_peers(live: type[Lived], tmp_path: Path, repository: Path, corpus: Path) -> None:
    town = live(tmp_path, corpus / "gascity-2026-08" / "examples" / "swarm", repository)
    try:
        town.city.up()
        for snap in town.city.watch():
            if {s.instance for s in snap.sessions if s.phase is Phase.READY} >= {"deacon", "shop/coder-1"}:
                break
        for target in ("shop/coder", "mayor", "shop/committer"):
            slung = town.city.sling(target, f"Work for {target}", formula="none")
            town.closed(slung.bead)
        assert town.city.bead(slung.bead).assignee == "shop/committer"
    finally:
        town.end()


def test_agents_with_a_command_of_their_own(live: type[Lived], tmp_path: Path, repository: Path, corpus: Path) -> None:
    town = live(tmp_path, corpus / "gascity-2026-08" / "examples" / "lifecycle", repository)
    try:
        town.city.up()
        slung = [town.city.sling("shop/polecat", f"Job {n}", formula="none") for n in range(3)]
        slung.append(town.city.sling("shop/refinery", "Merge", formula="none"))
        for one in slung:
            town.closed(one.bead)
        assert town.city.bead(slung[-1].bead).assignee == "shop/refinery"
    finally:
        town.end()
