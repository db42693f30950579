"""Requirements on a living worker, met by the scripted agent in the provider's look: real panes on a private server."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from gcity_tui.beads.ledger import Ledger
from gcity_tui.model.declared import Agent, Provider
from gcity_tui.model.errors import CityError, NoInteraction
from gcity_tui.model.names import session_name
from gcity_tui.model.paths import ledger_path
from gcity_tui.model.receipt import Delivery, Receipt
from gcity_tui.model.session import Phase, SessionRecord
from gcity_tui.tmux import processes
from gcity_tui.tmux.environment import inherited
from gcity_tui.tmux.hands import Hands
from gcity_tui.tmux.server import Server
from gcity_tui.workers.bringup import leftovers
from gcity_tui.workers.conformance.report import Result, Unmet, judged, need
from gcity_tui.workers.lanes import Lanes
from gcity_tui.workers.launch import Places
from gcity_tui.workers.protocol import InteractionResponse, NudgeRequest, Resolved
from gcity_tui.workers.tmux_worker import TmuxWorker

PARTS = """
[[when]]
text = "work slowly"
do = [{sleep = 60}]
[[when]]
text = "write the file"
do = [{edit = "task.txt", text = "as asked"}, {say = "It is written."}]
[[when]]
text = "how many files"
do = [{run = "ls"}, {say = "As listed."}]
[[when]]
text = "may I push"
do = [{ask = "Bash: git push origin main", options = ["Yes", "No"], else = [{say = "no"}]}, {say = "pushed"}]
"""
_count = itertools.count()


class Stage:
    """A city's folder, a tmux server of its own, and lanes; `close` ends all of it."""

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self.path = path
        (path / "parts").mkdir(parents=True)
        (path / "parts" / "all.toml").write_text(PARTS)
        (path / ".gc").mkdir()
        (path / "city.toml").write_text('[workspace]\nname = "conformance"\n')
        self.environ = {**environ, "GC_TRANSCRIPT_ROOT": str(path / "said")}
        self.ledger = Ledger.open(ledger_path(str(path)), create=True)
        self.server = Server(f"gcity-conf-{os.getpid()}-{next(_count)}", city=str(path))
        self.server.ensure(inherited(self.environ))
        self.hands = Hands(self.server, launch_dir=path / ".gc" / "launch")
        self.lanes = Lanes(4)

    def worker(self, provider: Provider, name: str) -> TmuxWorker:
        work = self.path / "work" / name
        work.mkdir(parents=True)
        agent = Agent("probe", provider=provider.name)
        meta = {"agent_name": name, "session_name": session_name(name)}
        made = self.ledger.create(name, issue_type="session", labels=("gc:session",), meta=meta)
        record = SessionRecord(made, name, agent.qualified, provider=provider.name, name=session_name(name),
                               work_dir=str(work))  # fmt: skip
        return self.again(record, provider)

    def again(self, record: SessionRecord, provider: Provider) -> TmuxWorker:
        """A handle on a session that is on record."""
        places = Places("conformance", self.path, self.environ, parts=(self.path / "parts",), pace="fast")
        return TmuxWorker(record, Agent("probe", provider=provider.name), provider, hands=self.hands,
                          ledger=self.ledger, lanes=self.lanes, places=places)  # fmt: skip

    def close(self) -> None:
        self.lanes.close()
        self.hands.close()
        self.server.kill()
        self.ledger.shut()


class Acting:
    """What every check of a living worker does: say something, wait for what comes of it.

    `profile` is the provider whose look `look` has.
    """

    def __init__(self, profile: str, look: Provider, stage: Stage, name: str) -> None:
        self.profile, self.look, self.stage = profile, look, stage
        self.worker = stage.worker(look, name)

    def _becomes(self, phase: Phase, seconds: float = 10.0) -> float:
        began = time.monotonic()
        while self.worker.state().phase is not phase:
            if time.monotonic() - began > seconds:
                raise Unmet(f"not {phase.word} within {seconds:g} s: {self.worker.state().why}")
            time.sleep(0.02)
        return time.monotonic() - began

    def _say(self, text: str) -> Receipt:
        """Queue `text` and set the lane on until it is on its way, as a controller would."""
        receipt = self.worker.nudge(NudgeRequest(text)).receipt
        until = time.monotonic() + 10.0
        while receipt.state is Delivery.QUEUED and time.monotonic() < until:
            time.sleep(0.05)
            self.worker.pump().result()
            receipt = self.worker.queue.receipt(receipt.id)
        need(receipt.state is not Delivery.QUEUED, f"not typed: {receipt}")
        return receipt

    def _settled(self, receipt: Receipt) -> Receipt:
        until = time.monotonic() + 10.0
        while not receipt.state.settled and time.monotonic() < until:
            self.worker.pump().result()
            receipt = self.worker.queue.receipt(receipt.id)
            time.sleep(0.02)
        return receipt

    def _told(self) -> list[str]:
        return [e.text for e in self.worker.history().entries if e.actor == "user" and not e.event]

    def _answer(self, text: str) -> str:
        """Say `text` to an idle agent and wait for the end of its turn: what it answered."""
        before = len(self.worker.history().entries)
        receipt = self._settled(self._say(text))
        need(receipt.state is Delivery.TAKEN_UP, str(receipt))
        self._becomes(Phase.READY)
        said = self.worker.history().entries[before:]
        return "\n".join(e.text for e in said if e.actor == "assistant")


class Lived(Acting):
    """Bringing up, carrying texts, questions, interrupting, closing."""

    def __init__(self, profile: str, look: Provider, stage: Stage) -> None:
        super().__init__(profile, look, stage, f"{profile}-1")

    def results(self) -> Iterator[Result]:
        checks: tuple[tuple[str, Callable[[], str]], ...] = (
            ("WC-BRINGUP-001", self.bring_up), ("WC-BRINGUP-001", self.held_up), ("WC-BRINGUP-001", self.failing),
            ("WC-TRANSPORT-001", self.transport), ("WC-INT-000", self.blocked), ("WC-INT-001", self.pending),
            ("WC-INT-003", self.wrong), ("WC-INT-004", self.two), ("WC-INT-002", self.answered),
            ("WI-INT-001", self.interrupted), ("WI-CLOSE-001", self.closed),
        )  # fmt: skip
        for name, check in checks:
            yield judged(name, self.profile, check)

    def bring_up(self) -> str:
        began = time.monotonic()
        self.worker.start("the startup prompt")
        took = time.monotonic() - began
        need(took < 10, f"{took:.1f} s")
        self._becomes(Phase.READY)
        need(self._told().count("the startup prompt") == 1, "the prompt was not said exactly once")
        return f"ready: in {took:.1f} s, prompted once"

    def held_up(self) -> str:
        other = Acting(self.profile, self.look, self.stage, f"{self.profile}-3")
        other.worker.start("The role.\n\n---\n\nUser message:\nmay I push")
        took = other._becomes(Phase.WAITING, 5.0)
        need(other.worker.pending() is not None, "it is held up and nobody can see by what")
        self.other = other
        return f"blocked: seen {took:.2f} s after its start"

    def two(self) -> str:
        """The same question of two sessions: answering one leaves the other as it is."""
        mine, theirs = self.worker.pending(), self.other.worker.pending()
        need(mine is not None and theirs is not None, "one of them is not seen")
        self.other.worker.respond(InteractionResponse("deny", theirs.request_id if theirs else ""))
        self.other._becomes(Phase.READY)
        need(self.worker.pending() == mine, "the other session's question is gone too")
        self.other.worker.close()
        return "two, each with its own answer"

    def transport(self) -> str:
        for text in ("a nudge", "two\nlines", "x" * 3000):
            receipt = self._settled(self._say(text))
            need(receipt.state is Delivery.TAKEN_UP, str(receipt))
            self._becomes(Phase.READY)
            need(self._told().count(text) == 1, f"{text[:20]!r} was not said exactly once")
        row = self.worker.row()
        need(row is not None, "it is not running")
        env = processes.environment(row.pid if row else 0)
        for name in (f"GC_PROVIDER={self.look.name}", "GC_STARTUP_PROMPT_DELIVERED=1", "GC_SESSION_ORIGIN=ephemeral"):
            need(name.encode() in env, f"{name} is not in its environment")
        return "three nudges, each once"

    def blocked(self) -> str:
        self._say("may I push")
        return f"waiting after {self._becomes(Phase.WAITING, 2.0):.2f} s"

    def pending(self) -> str:
        # Its program says that it waits a moment before its question is drawn.
        self.worker.pane.until(lambda: self.worker.pending() is not None, 2.0)
        asked = self.worker.pending()
        need(asked is not None and asked.request_id and asked.kind == "approval", f"{asked}")
        need(asked is not None and asked.options == ("Yes", "No") and "git push" in asked.detail + asked.prompt,
             f"{asked}")  # fmt: skip
        held = self.worker.nudge(NudgeRequest("not into the question")).receipt
        need("question" in held.note, f"typed into a question: {held}")
        return f"{asked.prompt if asked else ''} {asked.options if asked else ''}"

    def wrong(self) -> str:
        try:
            self.worker.respond(InteractionResponse("Yes", "another"))
        except NoInteraction:
            need(self.worker.pending() is not None, "the question is gone")
            return "refused, and still open"
        raise Unmet("an answer to another question was taken")

    def answered(self) -> str:
        asked = self.worker.pending()
        need(asked is not None, "nothing is asked")
        picked = self.worker.respond(InteractionResponse("approve", asked.request_id if asked else ""))
        need(picked == "Yes", picked)
        for held in self.worker.queue.unsettled(self.worker.record.instance):
            self._settled(held.receipt)
        self._becomes(Phase.READY)
        need(self._told().count("not into the question") == 1, "what waited was not said after")
        return "Yes; what waited came after"

    def interrupted(self) -> str:
        self._say("work slowly")
        self._becomes(Phase.BUSY, 5.0)
        said = self.worker.interrupt()
        need(said == "interrupted", said)
        self._becomes(Phase.READY)
        need(self.worker.interrupt() == "idle", "an idle agent was sent a key")
        return "interrupted, ready again"

    def failing(self) -> str:
        other = self.stage.worker(replace(self.look, ready_timeout_ms=5000), f"{self.profile}-2")
        try:
            other.start_resolved(Resolved(argv=("/bin/sh", "-c", "echo no such key; sleep 0.3; exit 3")))
        except CityError as e:
            need("no such key" in e.message, e.message)
            return f"failed: {e.message}"
        raise Unmet("a program that ended at once counts as started")

    def closed(self) -> str:
        self.worker.close()
        left = leftovers(self.worker.record.id, str(self.stage.path))
        need(not left, f"processes are left: {left}")
        return "no process is left"
