"""`gc nudge status|drain`: what waits to be said to a session, and taking it up through the agent's own hook.

A nudge is a bead (label `gc:nudge`) that the session's lane types when it can. A hook that drains takes it instead: one
transaction moves it from queued to taken up, and the lane, which looks first, leaves it alone. Hot: no heavy imports.
"""

from gcity_tui.beads.jsonout import dumps
from gcity_tui.beads.schema import NUDGE
from gcity_tui.factory.hook import Who
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
    if verb == "drain":
        texts = drain(ledger, Who(env), ROOM if "--inject" in argv else 0)
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


def drain(ledger: "Ledger", who: Who, room: int = 0) -> "list[str]":
    """Take up what is queued for the caller, oldest first; returns the texts.

    `room` in bytes: what does not fit stays queued, with all that comes after it, and is typed. 0: no end to it.
    """

    def write(tx: "Tx") -> "list[str]":
        taken = []
        left = room
        for id_, text, _ in queued(ledger, who.mine):
            if tx.meta(id_, "nudge.state") != "queued":
                continue
            left -= len(text.encode("utf-8", "replace"))
            if room and left < 0:
                break
            tx.update(id_, meta={"nudge.state": "taken up", "nudge.note": "through its hook"})
            tx.close(id_, "taken up (through its hook)", force=True)
            taken.append(text)
        return taken

    if not queued(ledger, who.mine):
        return []
    return ledger.transact(write, actor=who.assignee)
