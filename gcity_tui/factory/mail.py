"""Mail between agents and people: beads of type `message`, as Gas City's beadmail keeps them. `check` is a hot verb.

Unread is: open, and without the label `read`. An address is what a session is called (alias, session name, id), or
`human`.
"""

from gcity_tui.beads.jsonout import dumps, stamp
from gcity_tui.factory.gc_words import options
from gcity_tui.factory.hook import Who
from gcity_tui.model.errors import NotFound, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from gcity_tui.beads.ledger import Ledger
    from gcity_tui.beads.tx import Tx
    from gcity_tui.model.bead import Bead
    from gcity_tui.model.declared import DeclaredCity
    from gcity_tui.model.snapshot import MailView

_UNREAD = "NOT EXISTS (SELECT 1 FROM labels l WHERE l.bead = b.id AND l.label = 'read')"
_FROM = "coalesce((SELECT m.value FROM bead_meta m WHERE m.bead = b.id AND m.key = 'from'), b.sender)"
OFTEN = ("read", "check", "count", "inbox")
"""What is asked at every turn; the rest of `gc mail` is in `mailbox`, which imports more."""
_FIELDS = ("id", "from", "to", "subject", "created_at", "read")


def mail(
    ledger: "Ledger", argv: "list[str]", env: "Mapping[str, str]", declared: "Callable[[], DeclaredCity]"
) -> "tuple[int, bytes, bytes]":
    """`gc mail` with one of the words that are asked OFTEN. `declared` is asked only who a name means."""
    verb, args = (argv[0], argv[1:]) if argv else ("inbox", [])
    if verb == "read":
        return _read(ledger, args, env)
    said, words = options(args, ("address",), ("inject", "json", "all"))
    name = said.get("address") or (words[0] if words else "")
    if name:
        from gcity_tui.factory.directory import addresses_of

        whose = addresses_of(ledger, declared(), name)
    else:
        whose = addresses(env)
    if verb == "check":
        return _check(ledger, said, whose)
    if verb == "inbox":
        return _inbox(ledger, said, whose)
    count = len(rows(ledger, whose))
    return 0, (dumps({"unread": count}, "") if "json" in said else str(count)).encode() + b"\n", b""


def addresses(env: "Mapping[str, str]") -> "tuple[str, ...]":
    """Everything that mail for the caller may be addressed to; outside of a session that is `human`."""
    return Who(env).mine or ("human",)


def rows(ledger: "Ledger", who: "tuple[str, ...]", *, every: bool = False) -> "list[tuple[Any, ...]]":
    """(id, from, to, subject, created, read) of open messages to any of the addresses, oldest first."""
    marks = ", ".join("?" * len(who))
    return ledger.store.rows(
        f"SELECT b.id, {_FROM}, b.assignee, b.title, b.created_at, NOT ({_UNREAD}) FROM beads b"
        f" WHERE b.assignee IN ({marks}) AND b.issue_type = 'message' AND b.status <> 'closed'"
        f"{'' if every else ' AND ' + _UNREAD} ORDER BY b.created_at, b.seq",
        who,
    )


def to_person(ledger: "Ledger", *, every: bool = False) -> "tuple[MailView, ...]":
    """Open messages to `human`, oldest first; the unread ones, or `every` one."""
    from gcity_tui.model.snapshot import MailView

    found = rows(ledger, ("human",), every=every)
    return tuple(MailView(r[0], _clean(r[1] or "unknown"), _clean(r[3]), r[4] / 1e6, bool(r[5])) for r in found)


def _check(ledger: "Ledger", said: "Mapping[str, str]", whose: "tuple[str, ...]") -> "tuple[int, bytes, bytes]":
    """Exit 0 when there is unread mail, else 1; with --inject always 0, with the text for an agent's hook."""
    found = rows(ledger, whose)
    if "inject" in said:
        lines = [f"- {r[0]} from {r[1] or 'unknown'}: {_clean(r[3])}" for r in found[:20]]
        if not lines:
            return 0, b"", b""
        head = f"You have {len(found)} unread message{'' if len(found) == 1 else 's'}. `gc mail read <id>` shows one.\n"
        from gcity_tui.factory.reminder import reminder

        return 0, (reminder(head + "\n".join(lines)) + "\n").encode("utf-8", "replace"), b""
    if "json" in said:
        return (0 if found else 1), (dumps({"unread": len(found)}, "") + "\n").encode(), b""
    return (0, f"{len(found)} unread\n".encode(), b"") if found else (1, b"", b"")


def _clean(text: str) -> str:
    from gcity_tui.model.text import one_line

    return one_line(text)


def _inbox(ledger: "Ledger", said: "Mapping[str, str]", whose: "tuple[str, ...]") -> "tuple[int, bytes, bytes]":
    found = rows(ledger, whose, every="all" in said)
    if "json" in said:
        listed = [dict(zip(_FIELDS, (*r[:4], stamp(r[4]), bool(r[5])), strict=True)) for r in found]
        return 0, (dumps(listed) + "\n").encode(), b""
    if not found:
        return 0, b"No messages.\n", b""
    return 0, "".join(f"{r[0]}  {r[1] or 'unknown'}  {_clean(r[3])}\n" for r in found).encode(), b""


def _read(ledger: "Ledger", args: "list[str]", env: "Mapping[str, str]") -> "tuple[int, bytes, bytes]":
    from gcity_tui.model.text import clean

    said, words = options(args, (), ("json",))
    if not words:
        raise Usage("gc mail read: which message?")
    bead = read(ledger, words[0], Who(env).assignee or "human")
    sender = bead.metadata.get("from") or bead.sender
    if "json" in said:
        told = {
            "id": bead.id,
            "from": sender,
            "to": bead.assignee,
            "subject": clean(bead.title),
            "body": clean(bead.description),
            "created_at": bead.created_at,
            "read": True,
        }
        return 0, (dumps(told) + "\n").encode(), b""
    text = f"From: {sender}\nSubject: {clean(bead.title)}\n\n{clean(bead.description)}\n"
    return 0, text.encode(), b""


def read(ledger: "Ledger", id: str, reader: str = "human") -> "Bead":
    """The message, which counts as read from now on. Raises NotFound."""
    bead = ledger.get(id)
    if bead is None or bead.issue_type != "message":
        raise NotFound(f"no message {id!r}")

    def write(tx: "Tx") -> None:
        if tx.update(id, add_labels=("read",), meta={"mail.read": "true"}):
            tx.emit("mail.read", id)

    ledger.transact(write, actor=reader)
    return bead


def send(
    ledger: "Ledger", to: str, body: str, *, subject: str = "", sender: str = "human", session: str = "",
    thread: str = "", reply_to: str = "",
) -> str:  # fmt: skip
    """A message; returns its bead. Raises Usage when it has no recipient or says nothing."""
    from binascii import hexlify
    from posix import urandom

    from gcity_tui.model.text import clean, one_line

    if not to.strip():
        raise Usage("gc mail send: no recipient")
    text = clean(body)
    title = one_line(subject or next((line for line in text.splitlines() if line.strip()), ""), 80)
    if not title:
        raise Usage("gc mail send: nothing to say", cure="-s SUBJECT -m BODY")
    meta = {"from": sender, "mail.read": "false"} | ({"mail.from_session_id": session} if session else {})
    meta |= {"mail.reply_to": reply_to} if reply_to else {}

    def write(tx: "Tx") -> str:
        made = tx.create(
            title,
            issue_type="message",
            description=text,
            assignee=to.strip(),
            sender=sender,
            meta=meta,
            labels=(thread or f"thread:thread-{hexlify(urandom(6)).decode()}",),
            ephemeral=1,
        )
        tx.emit("mail.sent", made, message=to.strip())
        return made

    return ledger.transact(write, actor=sender)
