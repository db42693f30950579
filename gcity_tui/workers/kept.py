"""What a handle holds of its session: its record and its agent, and the bead in which the record is kept."""

from __future__ import annotations

import math
import secrets
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from gcity_tui.model.declared import Agent, Provider
from gcity_tui.model.errors import SessionClosed, Unsupported, Usage
from gcity_tui.model.session import SessionRecord
from gcity_tui.transcripts.shape import seconds
from gcity_tui.workers.state import Beside

if TYPE_CHECKING:
    from gcity_tui.beads.ledger import Ledger


RESET = "continuation_reset_pending"
"""Gas City's name for: the next start begins a new conversation."""


class Kept:
    """`record` is replaced as it changes; what changes goes to its bead too, if it has one."""

    def __init__(self, record: SessionRecord, agent: Agent, ledger: Ledger) -> None:
        self.record, self.agent, self.ledger = record, agent, ledger

    def need_open(self) -> None:
        if self.record.state == "closed":
            raise SessionClosed(f"{self.record.instance} is closed")

    def say(self, what: str) -> None:
        """An event in the session's own name."""
        instance = self.record.instance
        self.ledger.emit("session.updated", instance, instance, what)

    def create(self) -> str:
        """Make its bead, unless there is one; returns its id."""
        if not self.record.id:
            r = self.record
            meta = {"template": r.agent, "provider": r.provider, "work_dir": r.work_dir, "session_name": r.name}
            meta |= {"state": r.state, "agent_name": r.instance, "continuation_epoch": str(r.epoch)}
            meta |= {"generation": str(r.generation), **r.metadata}
            labels = ("gc:session", f"template:{r.agent}")
            made = self.ledger.create(
                r.title or r.instance, issue_type="session", labels=labels, meta=meta, actor=r.instance
            )
            self.record = replace(r, id=made)
        return self.record.id

    def rename(self, title: str) -> None:
        """Raises Usage for a title of blanks."""
        title = title.strip()
        if not title:
            raise Usage("the title is empty")
        if self.record.id:
            self.ledger.update(self.record.id, set={"title": title}, actor=self.record.instance)
        self.record = replace(self.record, title=title)

    def ask_reset(self) -> None:
        """Ask whoever starts it next for a new conversation. Raises Unsupported without a bead: nobody would know."""
        self.need_open()
        if not self.record.id:
            raise Unsupported("a session without a record cannot be reset")
        self.write(**{"restart_requested": "true", RESET: "true"})

    def reset_asked(self) -> bool:
        """Whether a new conversation was asked for since the last one began."""
        bead = self.ledger.get(self.record.id) if self.record.id and self.record.generation else None
        return bead is not None and bead.metadata.get(RESET) == "true"

    def close(self) -> None:
        if self.record.id:
            instance = self.record.instance
            self.ledger.close(self.record.id, "closed", instance, force=True, meta={"state": "closed"})
        self.record = replace(self.record, state="closed")

    # -- its conversation

    def begin(self, provider: Provider) -> None:
        """Token and generation of the start that comes, and a key where we choose it; before it happens."""
        record = self.record
        key = record.key or _new_key(provider)
        self.record = replace(record, key=key, token=secrets.token_hex(16), generation=record.generation + 1)
        self.write(session_key=key, instance_token=self.record.token, generation=str(self.record.generation))

    def begin_anew(self, provider: Provider) -> None:
        """Another conversation than the one so far."""
        self.record = replace(self.record, key=_new_key(provider), epoch=self.record.epoch + 1)
        epoch = str(self.record.epoch)
        self.write(**{"session_key": self.record.key, "continuation_epoch": epoch, RESET: "", "restart_requested": ""})

    def learn_key(self, key: str) -> None:
        """The conversation's key, of a program that chose it itself."""
        if key and key != self.record.key:
            self.record = replace(self.record, key=key)
            self.write(session_key=key)

    def beside(self, provider: Provider) -> Beside:
        """Who else works, or worked, in the folder of this session."""
        keys, keyless = set(), 0.0
        for bead in self.ledger.find(types=("session",), meta={"work_dir": self.record.work_dir}):
            m = bead.metadata
            if bead.id == self.record.id:
                continue
            if m.get("session_key"):
                keys.add(m["session_key"])
            elif m.get("provider") in (provider.name, provider.base) and m.get("generation", "0") != "0":
                keyless = max(keyless, seconds(bead.closed_at) if bead.closed else math.inf)
        return Beside(frozenset(keys), keyless)

    def write(self, **meta: str) -> None:
        if self.record.id:
            self.ledger.update(self.record.id, meta=meta, actor=self.record.instance)


def _new_key(provider: Provider) -> str:
    return str(uuid.uuid4()) if provider.session_id_flag else ""
