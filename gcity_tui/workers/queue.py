"""The queue of texts for agents: durable, in the ledger, each with its receipt. It knows nothing of panes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gcity_tui.beads.jsonout import dumps
from gcity_tui.beads.schema import NUDGE, NUDGE_EXPIRES
from gcity_tui.model.errors import NotFound, Refused, Usage
from gcity_tui.model.receipt import LEGAL, WHEN, Delivery, Receipt
from gcity_tui.model.text import clean, one_line

if TYPE_CHECKING:
    from gcity_tui.beads.ledger import Ledger
    from gcity_tui.beads.tx import Tx
    from gcity_tui.model.bead import Bead

LABEL = NUDGE
EVENT = "worker.operation"
"""What every operation of a worker leaves in the ledger; here: a text that is settled, in the same transaction."""
EXPIRES = NUDGE_EXPIRES
ATTEMPTS = 5
LONGEST = 256 * 1024
ANSWERED = 200
"""How many texts that were answered are remembered, with the records that answer for them."""
_BLANK_HEAD = re.compile(r"\A(?:[ \t]*\n)+")


class Elsewhere(Refused):
    """Somebody else has taken the nudge on: another lane's process, the agent's own hook, a person."""


@dataclass(frozen=True, slots=True)
class Nudge:
    """One text for one session. `mark` is where the transcript stood before typing (`<bytes> <path>`).

    `epoch` 0 fits any conversation, `record` (a session's bead) "" any session of that name. Times are unix seconds.
    """

    id: str
    session: str
    text: str
    state: Delivery = Delivery.QUEUED
    when: str = "boundary"
    epoch: int = 0
    wake: bool = True
    source: str = ""
    created: float = 0.0
    at: float = 0.0
    attempts: int = 0
    mark: str = ""
    pane: str = ""
    note: str = ""
    record: str = ""
    seen: bool = False
    """A person knows that it did not arrive."""
    lease: str = ""
    """Names the call of the agent's own hook that it was handed to; the one who drains writes it."""

    @property
    def receipt(self) -> Receipt:
        return Receipt(self.id, self.session, self.state, self.note, self.at, self.text)


class NudgeQueue:
    """The nudges of one ledger. Every change is one transaction that checks the state it starts from."""

    def __init__(self, ledger: Ledger, clock: Callable[[], float] = time.time) -> None:
        self._ledger, self._clock = ledger, clock

    def put(
        self, session: str, text: str, *, when: str = "boundary", epoch: int = 0, wake: bool = True, source: str = "",
        record: str = "",
    ) -> Receipt:  # fmt: skip
        """Queue `text`, made harmless. Raises Usage: nothing is left of it, too long, no such `when`.

        `record` and `epoch` fence it: in another session of that name, or another conversation, it is not said.
        """
        words = _BLANK_HEAD.sub("", clean(text)).rstrip()
        if not words.strip():
            raise Usage("the text is empty")
        if len(words) > LONGEST:
            raise Usage(f"the text has {len(words)} characters", cure=f"at most {LONGEST}; put it in a file")
        if when not in WHEN:
            raise Usage(f"when {when!r}", cure=", ".join(WHEN))
        now = self._clock()
        nudge = Nudge("", session, words, Delivery.QUEUED, when, epoch, wake, source, now, now, record=record)
        made = self._ledger.create(
            one_line(f"to {session}: {words}", 120),
            issue_type="chore",
            ephemeral=1,
            labels=(LABEL,),
            meta=_meta(nudge),
            actor=source or "gcity-tui",
        )
        return replace(nudge, id=made).receipt

    def get(self, id: str) -> Nudge:
        """Raises NotFound."""
        bead = self._ledger.get(id)
        if bead is None or LABEL not in bead.labels:
            raise NotFound(f"no nudge {id!r}")
        return _of(bead)

    def receipt(self, id: str) -> Receipt:
        return self.get(id).receipt

    def receipts(self, session: str = "", *, limit: int = 100) -> tuple[Receipt, ...]:
        """The newest first, settled ones too."""
        meta = {"nudge.session": session} if session else None
        found = self._ledger.find(labels=(LABEL,), meta=meta, sort="created", limit=limit)
        return tuple(_of(b).receipt for b in found)

    def unsettled(self, session: str = "") -> tuple[Nudge, ...]:
        """What is not over yet, oldest first."""
        meta = {"nudge.session": session} if session else None
        found = self._ledger.find(labels=(LABEL,), meta=meta, open_only=True, sort="created_asc")
        return tuple(n for n in map(_of, found) if not n.state.settled)

    def lost(self, *, limit: int = 20) -> tuple[Receipt, ...]:
        """Texts that did not arrive, or of which that is not known, and which nobody has looked at; the newest first.
        Their beginnings only. What the controller said of its own accord and did not arrive is left out: it says that
        again.
        """
        found = []
        for state in (Delivery.UNKNOWN, Delivery.UNDELIVERED):
            meta = {"nudge.state": state.value}
            found += self._ledger.find(labels=(LABEL,), meta=meta, sort="created", limit=limit * 2)
        since = self._clock() - EXPIRES * 2
        told = [n for n in map(_of, found) if n.at > since and not n.seen]
        said = [n for n in told if n.state is Delivery.UNKNOWN or n.source != "controller"]
        newest = sorted(said, key=lambda n: -n.at)[:limit]
        return tuple(replace(n.receipt, text=one_line(n.text, 200)) for n in newest)

    def looked_at(self, id: str) -> Receipt:
        """A person has looked at what became of it. Raises NotFound."""
        nudge = self.get(id)
        self._ledger.update(id, meta={"nudge.seen": "1"})
        return nudge.receipt

    def answered(self, session: str) -> dict[str, list[str]]:
        """Records of conversations that answer for texts already, as `move` was told (`entry`), and those texts; the
        newest last."""
        meta = {"nudge.session": session, "nudge.state": Delivery.TAKEN_UP.value}
        found = self._ledger.find(labels=(LABEL,), meta=meta, sort="created", limit=ANSWERED)
        texts: dict[str, list[str]] = {}
        for bead in reversed(found):
            if entry := bead.metadata.get("nudge.entry", ""):
                texts.setdefault(entry, []).append(bead.metadata.get("nudge.text", ""))
        return texts

    def move(
        self, nudge: Nudge, state: Delivery, note: str = "", *, mark: str | None = None, pane: str | None = None,
        entry: str = "",
    ) -> Nudge:  # fmt: skip
        """Take `nudge` to `state`. Raises Refused when that is not legal, Elsewhere when it has moved meanwhile.

        A settled nudge's bead is closed in the same transaction.
        """
        if state not in LEGAL[nudge.state]:
            raise Refused(f"a nudge cannot go from {nudge.state.value} to {state.value}")
        now = self._clock()
        after = replace(nudge, state=state, note=note, at=now)
        if mark is not None:
            after = replace(after, mark=mark)
        if pane is not None:
            after = replace(after, pane=pane)
        if state is Delivery.TYPING:
            after = replace(after, attempts=nudge.attempts + 1)

        def write(tx: Tx) -> None:
            if tx.meta(nudge.id, "nudge.state") != nudge.state.value:
                raise Elsewhere(f"nudge {nudge.id} is not {nudge.state.value} any more")
            tx.update(nudge.id, meta=_meta(after) | ({"nudge.entry": entry} if entry else {}))
            if state.settled:
                tx.close(nudge.id, str(after.receipt), force=True)
                told = _told(after)
                tx.emit(EVENT, nudge.session, nudge.session, f"delivery {told['result']}", dumps(told, ""))

        self._ledger.transact(write)
        return after

    def wait(self, nudge: Nudge, note: str) -> Nudge:
        """Leave it as it is and say what is waited for; written only when that changed. Raises Elsewhere."""
        if nudge.note == note:
            return nudge
        after = replace(nudge, note=note, at=self._clock())

        def write(tx: Tx) -> None:
            if tx.meta(nudge.id, "nudge.state") != nudge.state.value:
                raise Elsewhere(f"nudge {nudge.id} is not {nudge.state.value} any more")
            tx.update(nudge.id, meta={"nudge.note": note, "nudge.at": _stamp(after.at)})

        self._ledger.transact(write)
        return after

    def drop_old(self, nudge: Nudge, epoch: int, record: str = "") -> Nudge:
        """Settle what must not be typed any more: too old, tried too often, meant for an earlier conversation.

        `epoch` and `record` are those of the session that would get it. Raises Elsewhere.
        """
        why = ""
        if self._clock() - nudge.created > EXPIRES:
            why = "expired after 24 h"
        elif nudge.record and record and nudge.record != record:
            why = "that session is over"
        elif nudge.epoch and epoch and nudge.epoch != epoch:
            why = "that conversation is over"
        elif nudge.attempts >= ATTEMPTS:
            why = f"given up after {ATTEMPTS} attempts"
        if why and nudge.state is Delivery.QUEUED:
            return self.move(nudge, Delivery.UNDELIVERED, why)
        return nudge


def _told(n: Nudge) -> dict[str, object]:
    """What became of a text, as its event says it. Milliseconds from queueing to the end."""
    taken = n.state is Delivery.TAKEN_UP
    told: dict[str, object] = {
        "operation": "delivery", "result": "succeeded" if taken else "failed", "session_name": n.session,
        "nudge": n.id, "delivered": taken, "attempts": n.attempts, "source": n.source,
        "duration_ms": round((n.at - n.created) * 1000),
    }  # fmt: skip
    return told if taken else {**told, "error": str(n.receipt)}


def _stamp(at: float) -> str:
    return f"{at:.3f}"


def _meta(n: Nudge) -> dict[str, str]:
    return {
        "nudge.session": n.session, "nudge.text": n.text, "nudge.state": n.state.value, "nudge.when": n.when,
        "nudge.epoch": str(n.epoch), "nudge.wake": "1" if n.wake else "0", "nudge.source": n.source,
        "nudge.created": _stamp(n.created), "nudge.at": _stamp(n.at), "nudge.attempts": str(n.attempts),
        "nudge.mark": n.mark, "nudge.pane": n.pane, "nudge.note": n.note, "nudge.record": n.record,
    }  # fmt: skip


def _of(bead: Bead) -> Nudge:
    """What cannot be read (anybody may write metadata) counts as not given: one bead must not stop the queue."""
    m = bead.metadata

    def value(key: str) -> str:
        return str(m.get(f"nudge.{key}", ""))

    def number(key: str) -> float:
        try:
            found = float(value(key) or 0)
        except ValueError:
            return 0.0
        return found if abs(found) < 1e12 else 0.0

    state = next((d for d in Delivery if d.value == value("state")), Delivery.UNKNOWN)
    when = value("when") if value("when") in WHEN else "boundary"
    return Nudge(
        bead.id, value("session"), value("text"), state, when, int(number("epoch")), value("wake") != "0",
        value("source"), number("created"), number("at"), int(number("attempts")), value("mark"), value("pane"),
        value("note"), value("record"), value("seen") == "1", value("lease"),
    )  # fmt: skip
