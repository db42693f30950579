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


SMALL = r"""
import json, os, select, sys, time, tty, uuid
key, folder = sys.argv[sys.argv.index("--id") + 1], os.path.dirname(os.path.abspath(__file__))
up = None

def here(name):
    return os.path.exists(os.path.join(folder, name))

def log(name, row):
    with open(os.path.join(folder, name), "a") as f:
        f.write(json.dumps(row) + "\n")

def say(text):
    global up
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    told = {"role": "user", "content": text}
    row = {"uuid": uuid.uuid4().hex, "parentUuid": up, "type": "user", "timestamp": at, "message": told}
    log(key + ".jsonl", row)
    up = row["uuid"]

def draw(*rows):
    sys.stdout.write("\x1b[2J\x1b[H" + "\r\n".join(rows))
    sys.stdout.flush()

"""
"""What small programs of a test's own begin with: `say` writes to the conversation, `draw` to the screen, and `here`
tells whether the test has put a file into the folder."""
PROVIDER = """
[providers.{name}]
command = "{{python}} {folder}/program.py"
prompt_mode = "none"
session_id_flag = "--id"
settle_ms = 50
transcript = "claude"
transcript_root = "{folder}"
transcript_glob = "{{key}}.jsonl"
sees = ["screen"]
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

    def declare(self, toml: str) -> None:
        """Add to the city's file."""
        with (self.path / "city.toml").open("a") as f:
            f.write(toml)
        self.city = load_city(self.path)

    def small(self, name: str, program: str, toml: str) -> tuple[TmuxWorker, Path]:
        """A living session of a program of one's own, and its folder. `toml` is what its provider has besides."""
        folder = self.path / name
        folder.mkdir()
        (folder / "program.py").write_text(SMALL + program)
        self.declare(PROVIDER.format(name=name, folder=folder) + toml)
        worker = self.worker(name, agent=Agent("eddie", provider=name))
        worker.start()
        becomes(worker, Phase.READY)
        return worker, folder

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
