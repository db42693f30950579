"""What is done with mail that is there: look without reading, answer, put away, follow a thread; and mail to all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from gcity_tui.factory.directory import addressee
from gcity_tui.factory.gc_words import options
from gcity_tui.factory.hook import Who
from gcity_tui.factory.mail import send
from gcity_tui.model.errors import NotFound, Usage
from gcity_tui.model.text import clean

if TYPE_CHECKING:
    from gcity_tui.beads.ledger import Ledger
    from gcity_tui.beads.tx import Tx
    from gcity_tui.model.bead import Bead
    from gcity_tui.model.declared import DeclaredCity

Answer = tuple[int, bytes, bytes]
VERBS = ("peek", "send", "reply", "archive", "delete", "mark-read", "mark-unread", "thread")
SHORT = {"s": "subject", "m": "message"}


def more(
    ledger: Ledger, verb: str, args: list[str], env: Mapping[str, str], declared: Callable[[], DeclaredCity]
) -> Answer:
    """`gc mail send …`, `gc mail peek|reply|archive|delete|mark-read|mark-unread|thread ID …`."""
    if verb not in VERBS:
        raise Usage(f"gc mail: no verb {verb!r}", cure=", ".join(("check", "inbox", "read", "count", *VERBS)))
    if verb == "send":
        return _send(ledger, args, env, declared)
    said, words = options(args, tuple(SHORT.values()), ("json", "notify"), SHORT)
    if not words:
        raise Usage(f"gc mail {verb}: which message?")
    if verb == "reply":
        return _reply(ledger, words, said, env)
    if verb == "thread":
        return _thread(ledger, words[0], "json" in said)
    done = []
    for wanted in words:
        bead = _message(ledger, wanted)
        if verb == "peek":
            done.append(_shown(bead))
        else:
            _change(ledger, bead, verb, Who(env).assignee or "human")
            done.append(f"{verb}: {bead.id}\n")
    return 0, "".join(done).encode("utf-8", "replace"), b""


def _message(ledger: Ledger, wanted: str) -> Bead:
    bead = ledger.get(wanted)
    if bead is None or bead.issue_type != "message":
        raise NotFound(f"no message {wanted!r}")
    return bead


def _shown(bead: Bead) -> str:
    sender = bead.metadata.get("from") or bead.sender
    return f"From: {clean(sender)}\nSubject: {clean(bead.title)}\n\n{clean(bead.description)}\n"


def _change(ledger: Ledger, bead: Bead, verb: str, actor: str) -> None:
    def write(tx: Tx) -> None:
        if verb == "mark-unread":
            tx.update(bead.id, remove_labels=("read",), meta={"mail.read": "false"})
        else:
            tx.update(bead.id, add_labels=("read",), meta={"mail.read": "true"})
        if verb in ("archive", "delete") and bead.status != "closed":
            tx.close(bead.id, "archived" if verb == "archive" else "deleted", force=True)
        tx.emit({"archive": "mail.archived", "delete": "mail.deleted", "mark-unread": "mail.marked_unread"}
                .get(verb, "mail.marked_read"), bead.id)  # fmt: skip

    ledger.transact(write, actor=actor)


def answer(
    ledger: Ledger, id: str, body: str, subject: str = "", *, sender: str = "human", session: str = ""
) -> tuple[str, str]:
    """Answers a message, in its thread: the answer's bead and whom it goes to. Raises NotFound; Usage: it is empty."""
    bead = _message(ledger, id)
    to = bead.metadata.get("from") or bead.sender
    thread = next((label for label in bead.labels if label.startswith("thread:")), "")
    named = subject or (bead.title if bead.title.startswith("Re: ") else f"Re: {bead.title}")
    return send(ledger, to, body, subject=named, sender=sender, session=session, thread=thread, reply_to=bead.id), to


def _send(ledger: Ledger, args: list[str], env: Mapping[str, str], declared: Callable[[], DeclaredCity]) -> Answer:
    """`gc mail send TO|--to TO|--all [-s SUBJECT] [-m BODY | BODY…] [--from F] [--json]`.

    A name is the instance that is meant: a message to a name that nobody has is refused, as it would be lost. Who gets
    one is told by the controller, so that `--notify` asks for nothing more.
    """
    said, words = options(args, (*SHORT.values(), "to", "from"), ("all", "json", "notify"), SHORT)
    sender = said.get("from") or Who(env).assignee or "human"
    if "all" in said:
        whom = everybody(ledger, sender)
    else:
        name = said.get("to") or (words.pop(0) if words else "")
        whom = [addressee(ledger, declared(), name)]
    body, subject = said.get("message") or " ".join(words), said.get("subject", "")
    if not whom:
        return 0, b"[]\n" if "json" in said else b"Nobody is there\n", b""
    made = [(send(ledger, to, body, subject=subject, sender=sender, session=env.get("GC_SESSION_ID", "")), to)
            for to in whom]  # fmt: skip
    if "json" in said:
        return 0, (json.dumps([{"id": id, "to": to} for id, to in made]) + "\n").encode("utf-8", "replace"), b""
    return 0, "".join(f"Sent {id} to {to}\n" for id, to in made).encode("utf-8", "replace"), b""


def everybody(ledger: Ledger, but: str) -> list[str]:
    """The names of all open sessions but the sender's own."""
    found = (b.metadata.get("agent_name", "") for b in ledger.find(types=("session",), open_only=True))
    return sorted({n for n in found if n and n != but})


def _reply(ledger: Ledger, words: list[str], said: Mapping[str, str], env: Mapping[str, str]) -> Answer:
    body = said.get("message") or " ".join(words[1:])
    made, to = answer(ledger, words[0], body, said.get("subject", ""), sender=Who(env).assignee or "human",
                      session=env.get("GC_SESSION_ID", ""))  # fmt: skip
    told = json.dumps({"id": made, "to": to}) if "json" in said else f"Sent {made} to {to}"
    return 0, f"{told}\n".encode("utf-8", "replace"), b""


def _thread(ledger: Ledger, wanted: str, as_json: bool) -> Answer:
    bead = ledger.get(wanted)
    label = wanted if wanted.startswith("thread:") else f"thread:{wanted}"
    if bead is not None:
        label = next((x for x in bead.labels if x.startswith("thread:")), "")
    found = ledger.find(labels=(label,), sort="created_asc") if label else []
    if not found:
        raise NotFound(f"no thread {wanted!r}")
    if as_json:
        rows = [{"id": b.id, "from": b.metadata.get("from") or b.sender, "to": b.assignee, "subject": clean(b.title),
                 "body": clean(b.description), "created_at": b.created_at} for b in found]  # fmt: skip
        return 0, (json.dumps(rows, ensure_ascii=False) + "\n").encode("utf-8", "replace"), b""
    return 0, "\n".join(_shown(b) for b in found).encode("utf-8", "replace"), b""
