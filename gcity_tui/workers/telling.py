"""The event that every operation of a worker leaves: what it was, how it came out, how long it took, what was used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gcity_tui.model.errors import CityError
from gcity_tui.model.receipt import Delivery, Receipt
from gcity_tui.transcripts import Standing
from gcity_tui.workers.queue import EVENT

if TYPE_CHECKING:
    from gcity_tui.beads.ledger import Ledger


@contextmanager
def operation(
    ledger: Ledger, clock: Callable[[], float], name: str, instance: str, about: Callable[[], Mapping[str, object]]
) -> Iterator[dict[str, object]]:
    """One operation. What is put into the yielded facts goes along; `about` is asked at its end."""
    began = clock()
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
        told = {"operation": name, "result": outcome, **facts, **about()}
        told["duration_ms"] = round((clock() - began) * 1000)
        if error:
            told["error"] = error
        ledger.emit(EVENT, instance, instance, f"{name} {outcome}", told)


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
