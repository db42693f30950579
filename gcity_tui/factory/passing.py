"""What an agent passes on: a note to its next session (`gc handoff`), a nudge to another, events to who asks."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gcity_tui.beads.follow import Follower
from gcity_tui.factory.directory import addressee
from gcity_tui.factory.gc_words import options
from gcity_tui.factory.hook import Who, note
from gcity_tui.factory.mail import send
from gcity_tui.model.errors import NotFound, Usage
from gcity_tui.model.names import seconds, session_name
from gcity_tui.model.text import clean, one_line
from gcity_tui.workers.queue import NudgeQueue
from gcity_tui.workers.telling import Done, emit, of_receipt, timed

if TYPE_CHECKING:
    from gcity_tui.beads.ledger import Ledger
    from gcity_tui.model.bead import Event
    from gcity_tui.model.declared import DeclaredCity

Answer = tuple[int, bytes, bytes]


def handoff(ledger: Ledger, declared: DeclaredCity | None, argv: list[str], env: Mapping[str, str]) -> Answer:
    """`gc handoff SUBJECT [MESSAGE] [--auto] [--target SESSION]`: mail to oneself, and a fresh conversation.

    `--auto` (a hook before a compaction) only sends the mail: the conversation goes on. `--target`: another's.
    """
    said, words = options(argv, ("target", "hook-format"), ("auto", "json"))
    if not words:
        raise Usage("gc handoff: say what is handed off", cure="gc handoff SUBJECT [MESSAGE]")
    me = Who(env).assignee
    to = addressee(ledger, declared, said["target"]) if said.get("target") else me
    if not to:
        raise Usage("gc handoff works inside a session, or with --target")
    made = send(ledger, to, " ".join(words[1:]) or words[0], subject=words[0], sender=me or "human",
                session=env.get("GC_SESSION_ID", ""))  # fmt: skip
    restarts = "auto" not in said
    if restarts and said.get("target"):
        _restart_other(ledger, to)
    elif restarts and not (note(ledger, env, "restart_requested") and note(ledger, env, "continuation_reset_pending")):
        raise NotFound("this session is closed, or was started anew since; the mail was sent")
    ledger.emit("session.handoff", env.get("GC_SESSION_ID", "") or to, me or "human", one_line(words[0], 200))
    told = f"handed off to {to} ({made}){'; a fresh session takes over' if restarts else ''}"
    return 0, (json.dumps({"mail": made, "restart": restarts}) if "json" in said else told).encode() + b"\n", b""


def _restart_other(ledger: Ledger, to: str) -> None:
    for bead in ledger.find(types=("session",), meta={"agent_name": to}, open_only=True):
        ledger.update(bead.id, meta={"restart_requested": "true", "continuation_reset_pending": "true"})


def drain(ledger: Ledger, declared: DeclaredCity | None, name: str, on: bool) -> Answer:
    """`gc runtime drain|undrain SESSION`: ask it to finish what it is at and leave, or take that back."""
    to = addressee(ledger, declared, name)
    for bead in ledger.find(types=("session",), meta={"agent_name": to}, open_only=True):
        since = f"{ledger.now() / 1e6:.3f}" if on else ""
        ledger.update(bead.id, meta={"drain_requested": "true" if on else "", "drain_at": since})
    return 0, f"{to}: {'asked to leave' if on else 'may stay'}\n".encode(), b""


def nudge_to(ledger: Ledger, declared: DeclaredCity | None, argv: list[str], env: Mapping[str, str]) -> Answer:
    """`gc nudge SESSION TEXT… [--delivery default|immediate|wait-idle|queue]`: queued; the controller types it."""
    said, words = options(argv, ("delivery", "message"), ("json", "force"))
    text = said.get("message") or " ".join(words[1:])
    if not words or not text.strip():
        raise Usage("gc nudge: whom, and what?", cure="gc nudge SESSION TEXT")
    when = "now" if said.get("delivery") == "immediate" else "boundary"
    to = addressee(ledger, declared, words[0])
    sender = Who(env).assignee or "human"
    about = {"session_name": session_name(to), "agent_name": to, "source": sender}

    def leave(done: Done) -> None:
        emit(ledger, to, done, about, sender)

    with timed("nudge", time.time, leave) as facts:
        receipt = NudgeQueue(ledger).put(to, text, when=when, source=sender)
        facts.update(of_receipt(receipt))
    told = json.dumps({"id": receipt.id, "session": to, "state": receipt.state.value})
    return 0, (told if "json" in said else f"queued for {to} ({receipt.id})").encode() + b"\n", b""


def events(ledger: Ledger, argv: list[str]) -> Answer:
    """`gc events [--seq] [--after N] [--since 5m] [--type T,…] [--watch [--timeout D]] [--json]`.

    `--seq` prints the newest number. `--watch` waits for the first that fits, up to `--timeout` (30 s): exit 1 when
    none came.
    """
    said, _ = options(argv, ("after", "type", "timeout", "since", "subject", "limit"), ("seq", "watch", "json"))
    newest = int(ledger.store.rows("SELECT coalesce(max(seq), 0) FROM events")[0][0])
    if "seq" in said:
        return 0, f"{newest}\n".encode(), b""
    kinds = tuple(t for t in said.get("type", "").split(",") if t) or None
    try:
        after = int(said["after"]) if "after" in said else newest if "watch" in said else 0
        limit = int(said.get("limit", "200"))
    except ValueError as e:
        raise Usage("--after and --limit are whole numbers") from e
    found = ledger.events(after, limit, kinds, said.get("subject"))
    if said.get("since"):
        earliest = time.time() - seconds(said["since"])
        found = [e for e in found if _at(e) >= earliest]
    if "watch" in said and not found:
        found = _wait(ledger, after, kinds, said.get("subject"), seconds(said.get("timeout", "30s")))
    out = "".join(_json(e) if "json" in said else _line(e) for e in found)
    return (1 if "watch" in said and not found else 0), out.encode("utf-8", "replace"), b""


def _wait(ledger: Ledger, after: int, kinds: tuple[str, ...] | None, subject: str | None, left: float) -> list[Event]:
    follower = Follower(ledger.path)
    until = time.monotonic() + left
    try:
        while True:
            found = ledger.events(after, 1, kinds, subject)
            left = until - time.monotonic()
            if found or left <= 0:
                return found
            follower.wait(timeout=left, limit=100)
    finally:
        follower.close()


def _at(event: Event) -> float:
    from datetime import datetime

    try:
        return datetime.fromisoformat(event.at.replace("Z", "+00:00")).timestamp()
    except (ValueError, AttributeError):
        return 0.0


def _line(event: Event) -> str:
    return f"{event.seq}  {event.at}  {event.type}  {event.subject}  {event.actor}  {one_line(event.message, 200)}\n"


def _json(event: Event) -> str:
    told = {"seq": event.seq, "type": event.type, "ts": event.at, "actor": event.actor, "subject": event.subject,
            "message": clean(event.message)}  # fmt: skip
    return json.dumps(told, ensure_ascii=False) + "\n"
