"""A private tmux server, a ledger and rehearsal agents in real panes; ended with the test, and nothing may be left."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gcity_tui.beads.ledger import Ledger
from gcity_tui.config import load_city
from gcity_tui.model.declared import Agent, Provider
from gcity_tui.model.history import Entry
from gcity_tui.model.names import session_name
from gcity_tui.model.receipt import Receipt
from gcity_tui.model.session import Phase, SessionRecord
from gcity_tui.tmux.environment import inherited
from gcity_tui.tmux.hands import Hands
from gcity_tui.tmux.server import Server
from gcity_tui.transcripts import reader
from gcity_tui.workers.bringup import leftovers
from gcity_tui.workers.lanes import Lanes
from gcity_tui.workers.launch import Places
from gcity_tui.workers.tmux_worker import TmuxWorker

_count = itertools.count()

PARTS = """
[[when]]
text = "work slowly"
do = [{sleep = 30}, {say = "done at last"}]
[[when]]
text = "work a little"
do = [{sleep = 0.7}]
[[when]]
text = "may I push"
do = [
  {ask = "Bash: git push origin main", options = ["Yes", "Yes, and don't ask again", "No"], else = [{say = "no"}]},
  {say = "pushed"},
]
[[when]]
text = "two questions"
do = [
  {ask = "Bash: rm -rf build", options = ["Yes", "No"], else = []},
  {ask = "Bash: rm -rf dist", options = ["Yes", "No"], else = []},
]
[[when]]
text = "die now"
do = [{crash = 7}]
"""


def wait_for(ask: Callable[[], object], seconds: float = 10.0) -> object:
    """What `ask()` returns as soon as it is true. For what no program announces."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)
    return answer


class Ground:
    """A city's folder with all that workers stand on."""

    def __init__(self, path: Path) -> None:
        self._make(path)
        self._stand(path, f"gcity-test-{os.getpid()}-{next(_count)}", create=True)
        self.server.ensure(inherited(os.environ))

    @classmethod
    def join(cls, path: Path, socket: str) -> Ground:
        """The ground that another process made."""
        found = cls.__new__(cls)
        found._stand(path, socket, create=False)
        return found

    @staticmethod
    def _make(path: Path) -> None:
        (path / "city.toml").write_text('[workspace]\nname = "ground"\n')
        (path / "parts").mkdir()
        (path / "parts" / "all.toml").write_text(PARTS)
        (path / ".gc").mkdir()

    def _stand(self, path: Path, socket: str, *, create: bool) -> None:
        self.path = path
        self.city = load_city(path)
        self.ledger = Ledger.open(path / ".gc" / "ledger.db", create=create)
        self.server = Server(socket, city=str(path))
        self.hands = Hands(self.server, launch_dir=path / ".gc" / "launch")
        self.lanes = Lanes(8)
        self.made: list[TmuxWorker] = []

    def provider(self, name: str) -> Provider:
        return self.city.providers[name]

    def worker(self, provider: str = "rehearsal-claude", slot: int = 1, **changes: object) -> TmuxWorker:
        """A worker with a record in the ledger and a folder of its own; not started."""
        agent = changes.pop("agent", Agent("eddie", provider=provider))
        assert isinstance(agent, Agent)
        instance = f"eddie-{slot}"
        work_dir = self.path / "work" / instance
        work_dir.mkdir(parents=True, exist_ok=True)
        meta = {"agent_name": instance, "session_name": session_name(instance)}
        made = self.ledger.create(instance, issue_type="session", labels=("gc:session",), meta=meta)
        record = SessionRecord(
            made, instance, agent.qualified, provider=provider, name=session_name(instance), work_dir=str(work_dir)
        )
        worker = self.again(record, agent)
        self.made.append(worker)
        return worker

    def again(self, record: SessionRecord, agent: Agent | None, provider: Provider | None = None) -> TmuxWorker:
        """Another handle on the same session, as after a restart."""
        places = Places("ground", self.path, dict(os.environ), parts=(self.path / "parts",), pace="fast")
        return TmuxWorker(
            record,
            agent or Agent("eddie", provider=record.provider),
            provider or self.provider(record.provider),
            hands=self.hands,
            ledger=self.ledger,
            lanes=self.lanes,
            places=places,
        )

    def close(self) -> None:
        self.lanes.close()
        self.hands.close()
        self.server.kill()
        self.ledger.shut()


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    found = Ground(tmp_path)
    yield found
    found.close()
    wait_for(lambda: not [p for w in found.made for p in leftovers(w.record.id, str(tmp_path))], 3.0)


def said_to(worker: TmuxWorker) -> list[str]:
    """What the program says that it was told: the user records of its own transcript."""
    path = worker.transcript_path()
    return [e.text for e in _entries(worker, path) if e.actor == "user" and not e.event]


def _entries(worker: TmuxWorker, path: Path) -> tuple[Entry, ...]:
    return reader(worker.provider.transcript).history(path).entries


def settled(worker: TmuxWorker, receipt: Receipt, seconds: float = 10.0) -> Receipt:
    """The receipt once nothing more will become of it, the lane being set on as a controller would."""

    def over() -> object:
        worker.pump().result()
        found = worker.queue.receipt(receipt.id)
        return found if found.state.settled else None

    try:
        found = wait_for(over, seconds)
    except AssertionError:
        raise AssertionError(f"{worker.queue.get(receipt.id)}\n{worker.state()}\n{worker.peek(30)}") from None
    assert isinstance(found, Receipt)
    return found


def becomes(worker: TmuxWorker, phase: Phase, seconds: float = 10.0) -> None:
    wait_for(lambda: worker.state().phase is phase, seconds)
