"""The event that every operation of a worker leaves: what it was, how it came out, how long it took, what was used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import GeneratorType
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from gcity_tui.model.errors import CityError
from gcity_tui.model.receipt import Delivery, Receipt
from gcity_tui.transcripts import Standing
from gcity_tui.workers.lanes import Lanes, Steps
from gcity_tui.workers.queue import EVENT

if TYPE_CHECKING:
    from gcity_tui.beads.ledger import Ledger

T = TypeVar("T")


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
        began = self._clock()
        facts: dict[str, object] = {}
        outcome, error = "succeeded", ""
        try:
            yield facts
        except CityError as e:
            outcome, error = "failed", e.message
            raise
        except BaseException as e:
            outcome, error = "failed", repr(e)
            raise
        finally:
            told = {"operation": name, "result": outcome, **facts, **self._about()}
            told["duration_ms"] = round((self._clock() - began) * 1000)
            if error:
                told["error"] = error
            self._ledger.emit(EVENT, self._session, self._session, f"{name} {outcome}", told)


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
