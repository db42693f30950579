"""Requirements on a worker's work over time: tasks, several turns, a restart that remembers, a reset that does not."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from gcity_tui.model.declared import Provider
from gcity_tui.model.receipt import Delivery
from gcity_tui.model.session import Phase
from gcity_tui.tmux import processes
from gcity_tui.workers.conformance.lived import Acting, Stage
from gcity_tui.workers.conformance.report import Result, Unsupported, judged, need
from gcity_tui.workers.protocol import NudgeRequest, Resolved


class Tasks(Acting):
    """Gas City's live requirements, played by the scripted agent in the provider's look."""

    def __init__(self, profile: str, look: Provider, stage: Stage) -> None:
        super().__init__(profile, look, stage, f"{profile}-5")

    def results(self) -> Iterator[Result]:
        checks: tuple[tuple[str, Callable[[], str]], ...] = (
            ("WI-START-001", self.spawned), ("WI-TASK-001", self.file), ("WI-TOOL-001", self.tool),
            ("WI-MTURN-001", self.turns), ("WI-TX-001", self.read), ("WC-USAGE-RECORD-001", self.counted),
            ("WI-CONT-001", self.continued), ("WC-INPUT-004", self.work_in_hand), ("WC-INPUT-005", self.demand),
            ("WI-RESET-001", self.reset), ("WI-START-002", self.template),
        )  # fmt: skip
        for name, check in checks:
            yield judged(name, self.profile, check)
        self.worker.close()

    def spawned(self) -> str:
        self.worker.start("The role of a worker.")
        self._becomes(Phase.READY)
        need(self._told() == ["The role of a worker."], f"it was told {self._told()}")
        return "a conversation of its own"

    def file(self) -> str:
        self._answer("write the file")
        path = Path(self.worker.record.work_dir) / "task.txt"
        need(path.is_file() and path.read_text() == "as asked", "the file is not there")
        return path.name

    def tool(self) -> str:
        self._answer("how many files")
        entries = self.worker.history().entries
        calls = [b for e in entries for b in e.blocks if b.kind == "tool_use" and "ls" in b.input]
        results = [b.text for e in entries for b in e.blocks if b.kind == "tool_result" and "task.txt" in b.text]
        need(calls and results, "the call or what it gave back is not in the conversation")
        return "a call in its own folder, and what it gave back"

    def turns(self) -> str:
        answers = [self._answer(text) for text in ("first of three", "second of three", "third of three")]
        need(
            all(f"{n} of three" in a for n, a in zip(("first", "second", "third"), answers, strict=True)), f"{answers}"
        )
        return "three turns, each answered"

    def read(self) -> str:
        h, path = self.worker.history(), self.worker.transcript_path()
        need(h.path == str(path) and h.continuity == "continuous" and not h.diagnostics, f"{h.continuity}")
        need(h.tail.activity == "idle" and not h.tail.open_tools, f"{h.tail}")
        return f"{len(h.entries)} entries of {h.provider}"

    def counted(self) -> str:
        """An operation that made the agent say something tells what it used."""
        mine = (e.payload for e in self.stage.ledger.events(limit=10_000) if e.type == "worker.operation")
        who = self.worker.record.id
        told = [p for p in mine if p.get("session_id") == who and p["operation"] == "nudge"]
        need(told, "no nudge left an event")
        used = told[-1].get("tokens")
        need(isinstance(used, int) and used > 0, f"tokens {used}")
        need(told[-1].get("model") == self.worker.observer.senses.standing.model, f"{told[-1].get('model')}")
        return f"{used} tokens of {told[-1].get('model')}"

    def continued(self) -> str:
        if not self.look.resume_flag:
            raise Unsupported("it cannot go on with a conversation")
        before = self.worker.history()
        self.worker.stop()
        need(self.worker.state().phase is Phase.STOPPED, "it runs on")
        self.worker.start("never said")
        self._becomes(Phase.READY)
        after = self.worker.history()
        same = [e.id for e in after.entries[: len(before.entries)]] == [e.id for e in before.entries]
        need(after.session == before.session and same, "another conversation")
        need("never said" not in self._told(), "the prompt was said again")
        recalled = self._answer("what did I say first? remember")
        need("The role of a worker." in recalled, f"it does not remember: {recalled[:100]}")
        return f"{len(before.entries)} entries kept, and remembered"

    def work_in_hand(self) -> str:
        """Gone on with while it has work: it is told by a nudge, and the first message is not said again."""
        told = self._answer("You were restarted with work in hand.")
        need("You were restarted" in told, f"{told[:100]}")
        need(self._told().count("You were restarted with work in hand.") == 1, "not told exactly once")
        need("never said" not in self._told(), "the first message was said again")
        return "told once, by a nudge"

    def demand(self) -> str:
        """Work that came while it was not running waits for its start."""
        self.worker.stop()
        held = self.worker.nudge(NudgeRequest("There is work for you.")).receipt
        need(held.state is Delivery.QUEUED, f"{held}")
        self.worker.start("never said either")
        need(self._settled(held).state is Delivery.TAKEN_UP, f"{self.worker.queue.receipt(held.id)}")
        self._becomes(Phase.READY)
        told = self._told()
        need(told.count("There is work for you.") == 1 and "never said either" not in told, f"{told[-3:]}")
        return "waited for the start, said once"

    def reset(self) -> str:
        alive = self.worker.live_observation().alive
        self.worker.reset()
        bead = self.stage.ledger.get(self.worker.record.id)
        asked = bead is not None and bead.metadata.get("continuation_reset_pending") == "true"
        need(asked and alive and self.worker.live_observation().alive, "it was not asked for, or it ended at once")
        before = self.worker.history()
        self.worker.stop()
        record = self.worker.record
        self.worker.start("A new role.")
        need(self.worker.record.epoch == record.epoch + 1 and self.worker.record.id == record.id, "not the same record")
        self._becomes(Phase.READY)
        after = self.worker.history()
        need(after.session != before.session and self._told() == ["A new role."], "the same conversation")
        answer = self._answer("what did I say first? remember")
        need("The role of a worker" not in answer, f"it remembers: {answer[:100]}")
        return "nothing ended by the asking; then another conversation that remembers nothing"

    def template(self) -> str:
        """A start whose command somebody else worked out."""
        self.worker.stop()
        argv = (sys.executable, "-P", "-m", "gcity_tui.rehearsal", "--look", self.look.transcript)
        self.worker.start_resolved(Resolved(argv=argv, env={"WORKER_CORE_MARKER": "here"}))
        self._becomes(Phase.READY)
        row = self.worker.row()
        env = processes.environment(row.pid if row else 0)
        need(b"WORKER_CORE_MARKER=here" in env, "its environment is not as it was given")
        return "as it was given"
