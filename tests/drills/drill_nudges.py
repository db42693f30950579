"""Numbered texts sent into a city under fire. The agents' own transcripts tell afterwards which of them arrived."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from pathlib import Path

from gcity_tui.city import City
from gcity_tui.model.errors import CityError, Temporary
from gcity_tui.model.receipt import Delivery, Receipt
from gcity_tui.transcripts import reader

SETTLE = 60.0
"""Seconds after the run in which what was sent to living sessions must be settled."""


class Nudges:
    """A thread that sends; `check` holds receipts against transcripts. `base` is where the city lies."""

    def __init__(self, city: City, base: Path, seed: int) -> None:
        self.city, self.base, self.seed = city, base, seed
        self.sent: dict[str, str] = {}
        """Text → its nudge's id; empty when the controller was killed over it, so that it may or may not be queued."""
        self._random = random.Random(seed ^ 0x5EED)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)

    def begin(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join(30.0)

    def _send(self) -> None:
        number = 0
        while not self._over.wait(self._random.uniform(0.1, 1.0)) and number < 60:
            known = sorted(self.city.records())
            if not known:
                continue
            number += 1
            # The author mostly: it lives through the run. Reviewers come and go, which is the harder case.
            authors = [n for n in known if "/eddie" in n]
            to = self._random.choice(authors if authors and self._random.random() < 0.6 else known)
            text = f"drill {self.seed} nudge {number} to {to}."
            if number % 4 == 0:
                text += "\n" + "\n".join(f"line {i} of `$(it)`; #{{x}}" for i in range(self._random.choice((2, 40))))
            self._one(to, text)

    def _one(self, to: str, text: str) -> None:
        when = self._random.choice(("boundary", "boundary", "now"))
        try:
            self.sent[text] = self.city.nudge(to, text, when=when, source="drill").id
        except Temporary:
            self.sent[text] = ""
        except CityError:
            pass  # refused before anything was queued

    # -- what must hold ----------------------------------------------------------------------------------------------

    def receipts(self) -> dict[str, Receipt]:
        """Text → receipt of everything of ours that was queued."""
        found = self.city.site.queue.receipts("")
        ours = {r.text: r for r in found if r.text.startswith(f"drill {self.seed} ")}
        for text, id in self.sent.items():
            if id:
                ours[text] = self.city.receipt(id)
        return ours

    def settle(self) -> None:
        """Wait until what is under way is over; what waits for an agent that does not run may go on waiting."""
        deadline = time.monotonic() + SETTLE
        while time.monotonic() < deadline:
            live = {s.instance for s in self.city.snapshot().sessions if s.pid}
            under_way = [r for r in self.receipts().values() if not r.state.settled
                         and (r.session in live or r.state is not Delivery.QUEUED)]  # fmt: skip
            if not under_way:
                return
            time.sleep(0.2)
        raise AssertionError(f"nudges that never settle: {[(r.text[:60], str(r)) for r in under_way]}")

    def check(self, kills: list[str]) -> str:
        """Raises AssertionError; returns a line of figures."""
        receipts, arrived = self.receipts(), self.arrived()
        lost = [t for t, id in self.sent.items() if id and t not in receipts]
        assert lost == [], f"no record of {lost}"
        for text, r in receipts.items():
            times = arrived[letters(text)]
            said = f"{text[:60]!r}: {r}, in transcripts {times} times, kills {kills}"
            if r.state is Delivery.TAKEN_UP:
                assert times == 1, said
            elif r.state is Delivery.UNKNOWN:
                assert times <= 1, said
            else:
                assert times == 0, said
        states = Counter(r.state for r in receipts.values())
        assert states[Delivery.UNKNOWN] <= len(kills), f"{states}, kills {kills}"
        died = [k for k in kills if not k.startswith("watcher")]
        assert states[Delivery.UNDELIVERED] == 0 or died, "undelivered, and nothing was killed"
        return ", ".join(f"{s.value} {n}" for s, n in states.items())

    def arrived(self) -> Counter[str]:
        """How often each text stands in a transcript as said by a person, blanks left out."""
        found: Counter[str] = Counter()
        homes = [self.base, Path(os.environ["HOME"]) / ".gcity-rehearsal"]
        for path in {p.resolve() for home in homes for p in home.rglob("*.jsonl")}:
            family = next((f for f, mark in FAMILIES.items() if mark in path.parts), "")
            for entry in reader(family).history(path).entries if family else ():
                if entry.actor == "user" and not entry.event:
                    found[letters(entry.text)] += 1
        return found


FAMILIES = {"claude": "projects", "codex": "sessions", "gemini": "chats"}
"""Which program's form a transcript has, by the folder that it is in."""


def letters(text: str) -> str:
    return "".join(text.split())
