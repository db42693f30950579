"""`gc nudge status|drain`: what waits to be said to a session, and taking it up through the agent's own hook.

A nudge is a bead (label `gc:nudge`) that the session's lane types when it can. A hook that drains takes it instead: one
transaction leases it (`typing`), and the lane, which looks first, leaves it alone. Whoever printed it says so under the
same lease (`drain --printed`), and then it is taken up; `--unprinted` puts it back. Of a lease that nobody ends it is
not known whether the program heard it: the lane settles it as `unknown`. Hot: no heavy imports.
"""

from gcity_tui.beads.jsonout import dumps
from gcity_tui.beads.schema import LEASE, NUDGE, NUDGE_EXPIRES
from gcity_tui.factory.hook import Who, meta_of
from gcity_tui.model.errors import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from gcity_tui.beads.ledger import Ledger
    from gcity_tui.beads.tx import Tx

ROOM = 6000
"""Bytes that a hook hands over at once. claude 2.1.197 shows its model only the beginning of a hook's output that is
longer than 10,000 characters, and names to the mail come in the same output."""
_VALUE = "coalesce((SELECT m.value FROM bead_meta m WHERE m.bead = b.id AND m.key = 'nudge.{}'), '')"


def nudge(ledger: "Ledger", argv: "list[str]", env: "Mapping[str, str]") -> "tuple[int, bytes, bytes]":
    verb = argv[0] if argv else ""
    if verb == "status":
        waiting = queued(ledger, Who(env).mine)
        text = dumps({"pending": len(waiting)}, "") if "--json" in argv else f"{len(waiting)} pending"
        return 0, (text + "\n").encode(), b""
    if verb == "drain" and (said := [a for a in argv if a in ("--printed", "--unprinted")]):
        ended(ledger, env.get(LEASE, ""), said[-1] == "--printed")
        return 0, b"", b""
    if verb == "drain":
        texts = drain(ledger, Who(env), env, ROOM if "--inject" in argv else 0)
        if texts and "--inject" in argv:
            from gcity_tui.factory.reminder import reminder

            texts = [reminder("\n\n".join(texts))]
        return 0, "".join(f"{t}\n" for t in texts).encode("utf-8", "replace"), b""
    raise Usage(f"gc nudge: no verb {verb!r}", cure="status, drain")


def queued(ledger: "Ledger", names: "tuple[str, ...]") -> "list[tuple[Any, ...]]":
    """(id, text, epoch) of what is queued for a session, oldest first."""
    if not names:
        return []
    marks = ", ".join("?" * len(names))
    return ledger.store.rows(
        f"SELECT b.id, {_VALUE.format('text')}, {_VALUE.format('epoch')} FROM beads b"
        f" JOIN labels l ON l.bead = b.id AND l.label = '{NUDGE}'"
        f" WHERE b.status <> 'closed' AND {_VALUE.format('state')} = 'queued'"
        f" AND {_VALUE.format('session')} IN ({marks}) ORDER BY b.created_at, b.seq",
        names,
    )


def drain(ledger: "Ledger", who: Who, env: "Mapping[str, str]", room: int = 0) -> "list[str]":
    """Hand over what is queued for the caller, oldest first; returns the texts.

    `room` in bytes: what does not fit stays queued, with all that comes after it, and is typed. 0: no end to it. What
    is meant for another session or conversation, or is too old, is left to the lane, which settles it; and a process
    of an earlier start gets nothing. Asked again under the same lease, it is given the same. A caller that names no
    lease says nothing of its print either: what it is given counts as taken up.
    """
    if superseded(ledger, env):
        return []
    lease = env.get(LEASE, "")

    def write(tx: "Tx") -> "list[str]":
        if held := [tx.meta(id_, "nudge.text") or "" for id_, state in leased(ledger, lease) if state == "typing"]:
            return held
        given = []
        left = room
        now = ledger.now() / 1e6
        for id_, text, epoch in queued(ledger, who.mine):
            if tx.meta(id_, "nudge.state") != "queued" or not _meant(tx, id_, epoch, env, now):
                continue
            left -= len(text.encode("utf-8", "replace"))
            if room and left < 0:
                break
            if lease:
                note = {"nudge.note": "handed to its hook", "nudge.lease": lease}
                tx.update(id_, meta={"nudge.state": "typing", "nudge.at": f"{now:.3f}", **note})
            else:
                _take_up(tx, id_, now)
            given.append(text)
        return given

    if not queued(ledger, who.mine) and not leased(ledger, lease):
        return []
    return ledger.transact(write, actor=who.assignee)


def leased(ledger: "Ledger", lease: str) -> "list[tuple[Any, ...]]":
    """(id, state) of what was handed over under a lease, oldest first."""
    if not lease:
        return []
    return ledger.store.rows(
        f"SELECT b.id, {_VALUE.format('state')} FROM bead_meta l JOIN beads b ON b.id = l.bead"
        " WHERE l.key = 'nudge.lease' AND substr(l.value, 1, 64) = substr(?, 1, 64) AND l.value = ?"
        " ORDER BY b.created_at, b.seq",
        (lease, lease),
    )


def ended(ledger: "Ledger", lease: str, printed: bool) -> None:
    """What became of a print: all of it is out, or nothing of it. Safe to repeat."""

    def write(tx: "Tx") -> None:
        now = ledger.now() / 1e6
        for id_, _ in leased(ledger, lease):
            state = tx.meta(id_, "nudge.state")
            if printed and state in ("typing", "unknown"):  # unknown: it took longer than the lease
                _take_up(tx, id_, now)
            elif state == "typing":
                note = {"nudge.note": "its hook could not print it", "nudge.lease": ""}
                tx.update(id_, meta={"nudge.state": "queued", "nudge.at": f"{now:.3f}", **note})

    if leased(ledger, lease):
        ledger.transact(write)


def _take_up(tx: "Tx", id_: str, now: float) -> None:
    tx.update(id_, meta={"nudge.state": "taken up", "nudge.note": "through its hook", "nudge.at": f"{now:.3f}"})
    tx.close(id_, "taken up (through its hook)", force=True)
    session = tx.meta(id_, "nudge.session") or ""
    told = {
        "operation": "delivery", "result": "succeeded", "session_name": session, "nudge": id_,
        "delivered": True, "source": tx.meta(id_, "nudge.source") or "", "through": "hook",
        "duration_ms": round((now - _number(tx.meta(id_, "nudge.created"))) * 1000),
    }  # fmt: skip
    tx.emit("worker.operation", session, session, "delivery succeeded", dumps(told, ""))


def superseded(ledger: "Ledger", env: "Mapping[str, str]") -> bool:
    """Whether the caller is of an earlier start of its session than the present one, or its session is closed."""
    session, token = env.get("GC_SESSION_ID", ""), env.get("GC_INSTANCE_TOKEN", "")
    rows = ledger.store.rows("SELECT status FROM beads WHERE id = ?", (session,)) if session and token else []
    return bool(rows) and (rows[0][0] == "closed" or meta_of(ledger, session).get("instance_token", "") != token)


def _meant(tx: "Tx", id_: str, epoch: str, env: "Mapping[str, str]", now: float) -> bool:
    session, talk = env.get("GC_SESSION_ID", ""), env.get("GC_CONTINUATION_EPOCH", "")
    record = tx.meta(id_, "nudge.record")
    if (record and session and record != session) or (epoch not in ("", "0") and talk and epoch != talk):
        return False
    return now - _number(tx.meta(id_, "nudge.created"), now) <= NUDGE_EXPIRES


def _number(text: "str | None", default: float = 0.0) -> float:
    try:
        return float(text or default)
    except ValueError:
        return default
