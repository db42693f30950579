"""A session that runs and has no record (its bead was deleted, or the ledger is another): its record is made again.

What it was started as stands in its tmux session's own environment: whose it is, under which bead and token. Nothing
is ended here, and what does not say that it is ours is left alone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gcity_tui.beads.tx import Tx
from gcity_tui.factory import records
from gcity_tui.factory.hook import branch_of
from gcity_tui.model.declared import Provider
from gcity_tui.model.errors import Refused
from gcity_tui.model.names import rig_of, session_name
from gcity_tui.model.session import SessionRecord
from gcity_tui.tmux.panes import PaneRow
from gcity_tui.tmux.protocol import line

if TYPE_CHECKING:
    from gcity_tui.factory.site import Site

LEFT = "left alone"


def take_in(site: Site, name: str) -> SessionRecord:
    """The record, made anew under its own bead's id, of the tmux session `name`. Raises Refused: it is left alone."""
    told = _environment(site, name)
    instance, id, token = told.get("GC_ALIAS", ""), told.get("GC_SESSION_ID", ""), told.get("GC_INSTANCE_TOKEN", "")
    if told.get("GC_CITY_PATH") != str(site.path) or not (id and token and session_name(instance) == name):
        raise Refused(f"no record of it, and it does not say that it is of this city: {LEFT}")
    agent = site.declared.agent(told.get("GC_TEMPLATE", ""))
    provider = site.declared.provider_of(agent) if agent else None
    if agent is None or provider is None:
        raise Refused(f"no record of it, and its agent {told.get('GC_TEMPLATE', '')!r} is not declared: {LEFT}")
    bead, other = site.ledger.get(id), records.session(site.ledger, instance)
    if bead is not None or other is not None:
        raise Refused(f"its record {id} is closed: {LEFT}" if other is None else f"{other.id} is {instance}: {LEFT}")
    row = site.hands.pane(name)
    if row.dead:
        raise Refused(f"no record of it, and its program has ended: {LEFT}", cure="gcity-tui down clears it away")
    rig = site.declared.rig(rig_of(instance))
    meta = {
        "agent_name": instance, "alias": instance, "template": agent.qualified, "session_name": name,
        "provider": told.get("GC_PROVIDER") or provider.name, "state": "active", "instance_token": token,
        "continuation_epoch": told.get("GC_CONTINUATION_EPOCH") or "1",
        "generation": told.get("GC_RUNTIME_EPOCH") or "1",
        "session_key": _key(provider, row), "work_dir": told.get("GC_DIR") or str(rig.path if rig else site.path),
        "wake_mode": agent.wake_mode, "session_origin": told.get("GC_SESSION_ORIGIN") or "ephemeral",
        "pool_managed": "true" if agent.pool else "false", "pool_slot": instance.rsplit("-", 1)[-1],
        "last_woke_at": f"{float(row.created):.3f}", records.STARTS: "1", records.SERVER: site.server_id(),
    }  # fmt: skip
    meta[records.BRANCH] = branch_of(meta["work_dir"])
    said = "it runs and had no record: made again from what it was started as"

    def make(tx: Tx) -> None:
        tx.create(instance, id=id, issue_type="session", meta=meta, actor=records.ACTOR, no_history=1)
        tx.emit("session.updated", instance, records.ACTOR, said)

    site.ledger.transact(make, actor=records.ACTOR)
    made = site.ledger.get(id)
    assert made is not None
    return records.record_of(made)


def _environment(site: Site, name: str) -> dict[str, str]:
    """What the session was made with, as tmux keeps it. Raises NotFound, RuntimeUnavailable."""
    rows = site.hands.ask(line("show-environment", "-t", f"={name}:"))
    return dict(row.split("=", 1) for row in rows if "=" in row and not row.startswith("-"))


def _key(provider: Provider, row: PaneRow) -> str:
    """The conversation that its command line names; empty when the program chose one itself: that is found out."""
    try:
        with open(f"/proc/{row.pid}/cmdline", "rb") as f:
            argv = f.read().decode("utf-8", "replace").split("\0")
    except OSError:
        return ""
    flags = [f for f in (provider.session_id_flag, *provider.resume_flag.split()[-1:]) if f]
    for flag in flags:
        if "{key}" in flag:
            stem = re.escape(flag.rpartition("/")[2]).replace(re.escape("{key}"), r"([A-Za-z0-9][\w.-]*)")
            found = next((m for word in argv if (m := re.search(f"/{stem}$", word))), None)
            if found:
                return found[1]
    return next((argv[i + 1] for i, word in enumerate(argv[:-1]) if word in flags), "")
