"""Questions that programs ask: found at once, answered by label, once; and turns that are interrupted."""

from __future__ import annotations

import queue
import time
from pathlib import Path

import pytest
from workers_ground import Ground, becomes, said_to, settled, wait_for

from gcity_tui.model.errors import NoInteraction, PendingInteraction, Refused, Usage
from gcity_tui.model.session import Phase
from gcity_tui.workers.bells import Bells
from gcity_tui.workers.protocol import InteractionResponse, Observation
from gcity_tui.workers.tmux_worker import TmuxWorker

pytestmark = pytest.mark.tmux
LOOKS = ["rehearsal-claude", "rehearsal-codex", "rehearsal-gemini", "rehearsal-opencode"]


def asking(ground: Ground, provider: str, text: str = "may I push") -> TmuxWorker:
    worker = ground.worker(provider)
    worker.start()
    becomes(worker, Phase.READY)
    settled(worker, worker.send(text))
    wait_for(lambda: worker.pending())
    return worker


@pytest.mark.parametrize("provider", LOOKS)
def test_an_approval_is_read_whole_and_answered_by_label(ground: Ground, provider: str) -> None:
    worker = asking(ground, provider)
    found = worker.pending()
    assert found is not None and found.kind == "approval"
    assert "git push origin main" in found.detail + found.prompt
    assert found.options == ("Yes", "Yes, and don't ask again", "No")
    assert worker.state().phase is Phase.WAITING and worker.pending_status() == "pending"
    with pytest.raises(NoInteraction):
        worker.respond(InteractionResponse("Yes", request_id="0" * 16))
    with pytest.raises(Usage, match="options: Yes"):
        worker.respond(InteractionResponse("Perhaps"))
    assert worker.pending() == found
    assert worker.respond(InteractionResponse("yes", request_id=found.request_id)) == "Yes"
    becomes(worker, Phase.READY)
    assert "pushed" in worker.observe(worker.row(), worker.clock()).last_said
    with pytest.raises(NoInteraction):
        worker.respond(InteractionResponse("Yes"))


ALWAYS = "Yes, and don't ask again"


@pytest.mark.parametrize(("answer", "label"), [("deny", "No"), ("no", "No"), ("approve", "Yes"), ("yes, and", ALWAYS)])
def test_words_for_labels(ground: Ground, answer: str, label: str) -> None:
    worker = asking(ground, "rehearsal-claude")
    assert worker.respond(InteractionResponse(answer)) == label


def test_cancelled_and_told_why(ground: Ground) -> None:
    worker = asking(ground, "rehearsal-codex")
    assert worker.respond(InteractionResponse("cancel", text="do something else")) == "cancel"
    wait_for(lambda: (worker.pump().result(), said_to(worker)[-1] == "do something else")[1])


def test_found_soon_after_the_programs_own_word(ground: Ground) -> None:
    """As the controller does it: a cheap look at every session four times a second, told the row that Eyes last saw."""
    worker = ground.worker()
    worker.start()
    becomes(worker, Phase.READY)
    worker.send("may I push")
    state = worker.senses.state_file
    assert state is not None
    row = worker.pane.alive()
    looks = 0
    deadline = time.monotonic() + 10
    while (seen := worker.observe(row, time.time())).pending is None:
        looks += 1
        assert time.monotonic() < deadline
        time.sleep(0.1)
    told = state.read(row.pid if row else 0, "", time.time())
    assert told is not None and told.status == "waiting"
    assert time.time() - told.at < 3.0  # on a busy machine too; that it is within 0.3 s is measured by bench/
    assert seen.judgement.phase is Phase.WAITING and looks < 60


@pytest.mark.parametrize("provider", LOOKS)
def test_a_bell_rings_when_a_question_comes(ground: Ground, provider: str) -> None:
    """Without any polling: the file's bell, one look, and the question is there."""
    worker = ground.worker(provider)
    worker.start()
    becomes(worker, Phase.READY)
    row = worker.pane.alive()
    assert row is not None
    found: queue.Queue[tuple[float, Observation]] = queue.Queue()

    def ring(path: Path) -> None:
        if worker.observer.concerns(path, row.pid):
            seen = worker.observe(row, time.time())
            if seen.pending:
                found.put((time.time(), seen))

    with Bells(ring) as bells:
        assert bells.watch(worker.observer.watched())
        worker.send("may I push")
        at, seen = found.get(timeout=10)
    told = next(e for e in seen.judgement.evidence if e.source in ("state_file", "hook"))
    assert told.claim is Phase.WAITING and at - told.at < 3.0  # as above
    assert seen.judgement.phase is Phase.WAITING


def test_two_questions_in_a_row_are_two(ground: Ground) -> None:
    worker = asking(ground, "rehearsal-claude", "two questions")
    first = worker.pending()
    assert first is not None and "build" in first.detail
    assert worker.respond(InteractionResponse("Yes", first.request_id)) == "Yes"
    second = wait_for(lambda: (p := worker.pending()) and "dist" in p.detail and p)
    assert second.request_id != first.request_id  # type: ignore[attr-defined]
    with pytest.raises(NoInteraction):
        worker.respond(InteractionResponse("Yes", first.request_id))
    assert worker.respond(InteractionResponse("No", second.request_id)) == "No"  # type: ignore[attr-defined]
    becomes(worker, Phase.READY)


@pytest.mark.parametrize("provider", LOOKS)
def test_interrupting(ground: Ground, provider: str) -> None:
    worker = ground.worker(provider)
    with pytest.raises(Refused):
        worker.interrupt()
    worker.start()
    becomes(worker, Phase.READY)
    assert worker.interrupt() == "idle"
    settled(worker, worker.send("work slowly", when="now"))
    becomes(worker, Phase.BUSY)
    assert worker.interrupt() == "interrupted"
    assert worker.state().phase is Phase.READY
    assert worker.history().entries[-1].event == "interrupted" or worker.history().tail.activity == "idle"
    settled(worker, worker.send("may I push"))
    becomes(worker, Phase.WAITING)
    with pytest.raises(PendingInteraction):
        worker.interrupt()
    assert wait_for(worker.pending), "the file of its state tells of the question before it is drawn"
