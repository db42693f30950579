"""Plays a turn: answers what was said, then works until the city has nothing more to do."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path

from gcity_tui.rehearsal.acts import ActError, Hand
from gcity_tui.rehearsal.parts import Act, Parts, Rule
from gcity_tui.rehearsal.reach import Bead, CityError, Reach, own_names
from gcity_tui.rehearsal.refusals import TurnRefused
from gcity_tui.rehearsal.repository import Repository, RepositoryError
from gcity_tui.rehearsal.stage import Stage
from gcity_tui.rehearsal.wording import one_line

_USER_PART = "User message:\n"


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds that a thought and an act take, so that a person can follow; next to none in tests."""

    thought: float
    act: float


PACES = {"live": Pace(1.6, 0.7), "fast": Pace(0.03, 0.01)}


class Player:
    """One per agent; `turn` runs in a thread of its own, one at a time."""

    def __init__(self, stage: Stage, parts: Parts, pace: Pace) -> None:
        self._stage, self._parts, self._pace = stage, parts, pace
        self._reach = Reach(stage)
        self._announced = False  # the city was told that there is nothing to do
        self.topic = ""

    def turn(self, text: str, is_start: bool) -> None:
        """One turn. `text` is what was said (empty: start by itself); `is_start`: it is the role's prompt.

        Raises `Interrupted` and nothing else of its own.
        """
        started, refused = time.monotonic(), False
        try:
            heard = self._hear(text, is_start) if text else False
            if self._work():
                self._stage.says("No more work is ready. Waiting.", last=True)
            elif not heard:
                self._stage.says("Nothing to do. Ready.", last=True)
            self._answer_steering()
        except TurnRefused:
            refused = True
        except (CityError, ActError, RepositoryError) as error:
            self._stage.says(f"I could not go on: {one_line(str(error), 400)}", last=True)
        if self._stage.transcript.owes_words and not refused:
            self._stage.says("Done.", last=True)
        self._stage.transcript.turn_over(int((time.monotonic() - started) * 1000))

    # What is said to the agent.

    def _hear(self, text: str, is_start: bool) -> bool:
        if is_start:
            # A start prompt is the role; only what a person added to it is a message.
            if _USER_PART not in text:
                return False
            text = text.split(_USER_PART, 1)[1]
        rule = self._parts.for_nudge(own_names(), text)
        if rule is not None:
            self._play(rule.acts, None)
        else:
            self._stage.programs.pause(self._pace.thought)
            self._stage.says(self._free_answer(text), last=True)
        return True

    def _free_answer(self, text: str) -> str:
        if re.search(r"\b(remember|recall|repeat|first (said|asked|message))\b", text, re.IGNORECASE):
            first = self._first_said(text)
            if not first:
                return "I cannot repeat anything: this is a fresh conversation."
            return f"You first said: {one_line(first, 300)}"
        if "gc hook" in text:
            return "I look for work."
        lines = text.count("\n") + 1
        size = f" ({lines} lines, {len(text)} characters)" if lines > 1 else ""
        return f"Heard{size}: {one_line(text, 200)}"

    def _first_said(self, now: str) -> str:
        return next((text for who, text in self._stage.transcript.earlier if who == "user" and text != now), "")

    def _answer_steering(self) -> None:
        for text in self._stage.take_steering():
            self._stage.line("user", "\n" + self._stage.look.user.format(text=text))
            self._stage.transcript.user(text)
            self._hear(text, is_start=False)

    # The work loop.

    def _work(self) -> bool:
        """Claim and play until there is nothing; True when something was played."""
        if not self._reach.has_city:
            return False
        worked = False
        while True:
            self._stage.programs.pause(self._pace.act)
            key = self._reach.claim()
            if key is None:
                break
            worked, self._announced = True, False
            self._step(self._reach.show(key))
            self._answer_steering()
        if not self._announced:
            self._reach.call(["gc", "runtime", "drain-ack"])
            self._announced = True
        return worked

    def _step(self, bead: Bead) -> None:
        self.topic = bead.title or bead.id
        self._stage.ring()
        rule = self._parts.for_work(bead.work())
        if rule is None:
            self._stage.programs.pause(self._pace.thought)
            self._stage.says(f"Nothing is written for {bead.step or bead.id}; it passes.")
            rule = Rule((Act("close", "pass", {}, 0),), "")
        try:
            closed = self._play(rule.acts, bead)
            if not closed:
                self._play((Act("close", "pass", {}, 0),), bead)
        except (ActError, RepositoryError) as error:
            # An honest failure: the step says why, and the city decides what follows.
            reason = one_line(str(error), 300)
            self._stage.says(f"This failed: {reason}")
            self._play((Act("fail", "hard", {"reason": reason}, 0),), bead)

    def _play(self, acts: tuple[Act, ...], bead: Bead | None) -> bool:
        """Play acts in order; True when one of them closed the step."""
        folder = bead.folder() if bead else Path.cwd()
        programs = self._stage.programs
        repository = Repository(folder, programs, own_names()[0], bead.born if bead else 0.0)
        hand = Hand(self._stage, self._reach, self._parts, repository, bead, self._pace.act)
        return self._run(acts, hand)

    def _run(self, acts: tuple[Act, ...], hand: Hand) -> bool:
        for act in acts:
            self._stage.programs.pause(self._pace.thought if act.name in ("say", "think") else self._pace.act)
            self._answer_steering()
            if act.once and hand.did_once(act):
                continue
            if not hand.do(act) and self._run(act.other, hand):
                return True
            if act.name in ("close", "fail") and hand.bead is not None:
                return True
        return False
