"""The event that every operation of a worker leaves: what it was, how it came out, how long it took, what was used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import GeneratorType
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from gcity_tui.model.errors import CityError
from gcity_tui.model.receipt import Delivery, Receipt
from gcity_tui.model.session import SessionRecord
from gcity_tui.transcripts import Standing
from gcity_tui.workers.lanes import Lanes, Steps
from gcity_tui.workers.queue import EVENT

if TYPE_CHECKING:
    from gcity_tui.beads.ledger import Ledger

T = TypeVar("T")


READS = ("attach", "history", "transcript", "agent_mappings", "agent_transcript")
"""Operations that reach neither pane nor lane: a process that may not write the ledger has them told by who may."""


@dataclass(frozen=True, slots=True)
class Done:
    """An operation that is over: milliseconds that it took, unix time at which it began, why it failed if it did."""

    name: str
    ms: int
    began: float = 0.0
    error: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)


@contextmanager
def timed(name: str, clock: Callable[[], float], leave: Callable[[Done], None]) -> Iterator[dict[str, object]]:
    """Tell `leave` how what is done inside came out."""
    began = clock()
    facts: dict[str, object] = {}
    error = ""
    try:
        yield facts
    except CityError as e:
        error = e.message
        raise
    except BaseException as e:
        error = repr(e)
        raise
    finally:
        leave(Done(name, round((clock() - began) * 1000), began, error, facts))


def emit(ledger: Ledger, session: str, done: Done, about: Mapping[str, object], actor: str = "") -> None:
    """Write the event of an operation that is over; `session` is the instance's name."""
    outcome = "failed" if done.error else "succeeded"
    told = {"operation": done.name, "result": outcome, **done.facts, **about, "duration_ms": done.ms}
    told["started_at"] = round(done.began, 3)
    if done.error:
        told["error"] = done.error
    ledger.emit(EVENT, session, actor or session, f"{done.name} {outcome}", told)


class Operations:
    """Leaves one event for each operation. `about` is asked at its end: who did it, by Gas City's names.

    In the lane by `in_lane`; an operation that reaches no pane by `of`.
    """

    def __init__(
        self, ledger: Ledger, lanes: Lanes, session: str, about: Callable[[], Mapping[str, object]],
        clock: Callable[[], float],
    ) -> None:  # fmt: skip
        self._ledger, self._lanes, self._session, self._about, self._clock = ledger, lanes, session, about, clock

    @overload
    def in_lane(self, name: str, fn: Callable[[], Steps[T]]) -> T: ...

    @overload
    def in_lane(self, name: str, fn: Callable[[], T]) -> T: ...

    def in_lane(self, name: str, fn: Callable[[], Any]) -> Any:
        """Carry out `fn` in the session's lane and wait for it."""
        return self._lanes.run(self._session, lambda: self.steps(name, fn))

    def steps(self, name: str, fn: Callable[[], Steps[T] | T]) -> Steps[T]:
        """The operation as the lane carries it out, with the rests that it takes."""
        with self.of(name) as facts:
            made = fn()
            result: T = (yield from made) if isinstance(made, GeneratorType) else cast("T", made)
            facts.update(of_receipt(result) if isinstance(result, Receipt) else {})
            return result

    @contextmanager
    def of(self, name: str) -> Iterator[dict[str, object]]:
        """One operation. What is put into the yielded facts goes along."""
        with timed(name, self._clock, self.leave) as facts:
            yield facts

    def leave(self, done: Done) -> None:
        """The event of an operation that is over."""
        began = done.began or self._clock() - done.ms / 1000
        emit(self._ledger, self._session, replace(done, began=began), self._about())


def unhanded(ledger: Ledger, lanes: Lanes, record: SessionRecord, clock: Callable[[], float]) -> Operations:
    """Those of a session that has no handle: its agent is not declared any more."""
    about = {
        "session_id": record.id, "session_name": record.name, "provider": record.provider, "transport": "tmux",
        "template": record.agent, "agent_name": record.instance,
    }  # fmt: skip
    return Operations(ledger, lanes, record.instance, lambda: about, clock)


def of_receipt(receipt: Receipt) -> dict[str, object]:
    """What an operation that carried text says of it."""
    state = receipt.state
    return {"nudge": receipt.id, "delivered": state is Delivery.TAKEN_UP, "queued": state is Delivery.QUEUED}


def used(standing: Standing) -> dict[str, object]:
    """The conversation's tokens so far, those of its last call, and what all of it cost, as far as prices are known."""
    found: dict[str, object] = {}
    if standing.model:
        found["model"] = standing.model
    if standing.usage is not None:
        u = standing.usage
        found |= {"tokens": standing.tokens, "prompt_tokens": u.input, "completion_tokens": u.output}
        found |= {"cache_read_tokens": u.cache_read, "cache_creation_tokens": u.cache_creation}
        found |= {"unpriced": True} if standing.cost is None else {"cost_usd_estimate": round(standing.cost, 6)}
    return found
