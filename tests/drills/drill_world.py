"""A city under fire: the demo's review loop at its fastest, killed at random moments, and what must hold afterwards."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from pathlib import Path

from drill_kills import TARGETS, Fire, left_over
from drill_nudges import Nudges

from gcity_tui.city import City
from gcity_tui.cli import demo_city
from gcity_tui.cli.demo_city import Demo
from gcity_tui.config.shipped import shipped
from gcity_tui.factory.run import Run
from gcity_tui.model.errors import CityError
from gcity_tui.model.round import Loop
from gcity_tui.model.snapshot import CitySnapshot

__all__ = ["TARGETS", "Drill", "left_over"]


class Drill(Fire):
    """One run of the loop. `limit` is how long it may take, in seconds."""

    def __init__(self, base: Path, seed: int, limit: float = 120.0) -> None:
        self.limit = limit
        self.demo = Demo(base / "city", base / "orders", True, "main")
        demo_city.make(self.demo, "fast")
        super().__init__(City.open(self.demo.city), seed)
        self.nudges = Nudges(self.city, base, seed)
        self.root = ""

    # -- the run -----------------------------------------------------------------------------------------------------

    def run(self, targets: tuple[str, ...]) -> Loop:
        """Start it, kill each of `targets` once at a random moment, wait for the run's end."""
        self.city.up()
        feature = (shipped("packs") / "demo" / "feature.md").read_text("utf-8")
        slung = self.city.sling("orders/eddie", feature, formula="mol-review-loop",
                                variables={"base_branch": "main", "target_branch": "main"})  # fmt: skip
        self.root = slung.root
        self.watch()
        hands = threading.Thread(target=self.kill_all, args=(targets,), daemon=True)
        hands.start()
        self.nudges.begin()
        try:
            return self._await_end(hands)
        finally:
            self._over.set()
            self.nudges.stop()
            hands.join(30.0)

    def _await_end(self, hands: threading.Thread) -> Loop:
        deadline = time.monotonic() + self.limit
        last: CitySnapshot | None = None
        for snap in self.city.watch():
            last = snap
            self._answer(snap)
            root = self.city.site.ledger.get(self.root)
            if root is not None and root.closed and not hands.is_alive():
                return next(x for x in self.city.loops() if x.root == self.root)
            assert time.monotonic() < deadline, self.told(last)
        raise AssertionError("watching ended")

    def _answer(self, snap: CitySnapshot) -> None:
        for s in snap.sessions:
            if s.pending is None or not s.pending.options:
                continue
            try:
                self.city.respond(s.instance, s.pending.options[0], request_id=s.pending.request_id)
            except CityError:
                continue  # it died, or was answered: what is still asked is asked in the next snapshot

    # -- what must hold ----------------------------------------------------------------------------------------------

    def check(self, loop: Loop) -> None:
        told = self.told(None)
        ledger = self.city.site.ledger
        run = Run.load(ledger, self.root)
        assert run is not None
        assert loop.state == "clean", told
        assert run.root.closed and run.root.outcome == "pass", told
        assert all(b.closed for b in run.members), [b.id for b in run.members if not b.closed]
        closed = Counter(e.subject for e in ledger.events(types=("bead.closed",)))
        again = [e.subject for e in ledger.events(types=("bead.reopened",))]
        ours = {b.id for b in run.members}
        assert {i: n for i, n in closed.items() if i in ours and n != 1} == {}, told
        assert [i for i in again if i in ours] == [], told
        assert ours <= set(closed)
        self._check_commits(loop, told)
        self._check_findings(loop, told)
        keys = Counter(b.metadata.get("gc.idempotency_key") for b in run.members)
        assert {k: n for k, n in keys.items() if k and n != 1} == {}, told
        self.nudges.settle()
        print(f"nudges: {self.nudges.check(self.kills)}; {told}")

    def _check_commits(self, loop: Loop, told: str) -> None:
        log = demo_city.git(self.demo.rig, "log", "--format=%H%n%B", "main")
        trailers = Counter(re.findall(r"^Bead: (\S+)", log, re.MULTILINE))
        assert trailers and {b: n for b, n in trailers.items() if n != 1} == {}, f"{trailers} {told}"
        assert loop.merged == demo_city.git(self.demo.rig, "rev-parse", "main"), told

    def _check_findings(self, loop: Loop, told: str) -> None:
        for turn in loop.rounds:
            assert len({g.reviewer for g in turn.legs}) == len(turn.legs) == 3, f"round {turn.n}: {turn.legs} {told}"
            assert all(g.state == "returned" for g in turn.legs), f"round {turn.n}: {turn.legs} {told}"
            ids = [f.id for f in turn.findings]
            twice = [f for f in turn.findings if ids.count(f.id) > 1]
            assert twice == [], f"round {turn.n}: {twice} {told}"
        # The story is the same whatever was killed: what the rules find does not depend on who was interrupted.
        assert [len({f.id for f in r.findings if f.status != "resolved"}) for r in loop.rounds][-1] == 0 or \
            all(f.severity == "nit" or f.status == "resolved" for f in loop.rounds[-1].findings), told  # fmt: skip

    def told(self, snap: CitySnapshot | None) -> str:
        return f"{self.shown(snap)}, city {self.demo.city}"
