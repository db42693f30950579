"""`gc convoy` and `gc workflow`: beads that go together, and a source bead's runs taken away so that it can go again.

A convoy is a bead of that type with a `tracks` edge to each member; one of ours that is `owned` is closed by `land`
only. Shapes and words are Gas City's (`internal/convoy`, orchestration of a source bead).
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from gcity_tui.beads.ledger import Ledger
from gcity_tui.beads.tx import Tx
from gcity_tui.factory import scopes
from gcity_tui.factory.gc_words import options
from gcity_tui.factory.hook import Who
from gcity_tui.factory.run import Run
from gcity_tui.model.bead import Bead, Meta
from gcity_tui.model.errors import NotFound, Refused, Usage
from gcity_tui.model.text import one_line

Answer = tuple[int, bytes, bytes]
OWNED = "owned"
VERBS = ("create", "add", "list", "status", "target", "check", "close", "land")


def convoy(ledger: Ledger, argv: list[str], env: Mapping[str, str]) -> Answer:
    """`gc convoy create NAME [ID…] [--owned --target BRANCH --owner O] | add CONVOY ID… | list | status CONVOY |
    target CONVOY BRANCH | check [CONVOY] | close CONVOY | land CONVOY`, each with `--json`.
    """
    verb = argv[0] if argv else "list"
    if verb not in VERBS:
        raise Usage(f"gc convoy: no verb {verb!r}", cure=", ".join(VERBS))
    said, words = options(argv[1:], ("target", "owner", "notify", "merge", "reason"), ("json", OWNED, "force"))
    actor = Who(env).assignee or "human"
    if verb == "list":
        return _list(ledger, "json" in said)
    if verb == "check" and not words:
        done = [c for c in ledger.find(types=("convoy",), open_only=True) if _check(ledger, c, actor)]
        return 0, "".join(f'Auto-closed convoy {c.id} "{one_line(c.title)}"\n' for c in done).encode(), b""
    if not words:
        raise Usage(f"gc convoy {verb}: which?", cure=f"gc convoy {verb} {'NAME [ID…]' if verb == 'create' else 'ID'}")
    if verb == "create":
        return _create(ledger, words, said, actor)
    bead = _convoy(ledger, words[0])
    if verb == "status":
        return _status(ledger, bead, "json" in said)
    if verb == "add":
        for member in words[1:]:
            if ledger.get(member) is None:
                raise NotFound(f"no bead {member!r}")
        for member in words[1:]:
            ledger.dep_add(bead.id, member, "tracks", actor)
        told = f"Added {len(words) - 1} to convoy {bead.id}"
    elif verb == "target":
        if len(words) != 2:
            raise Usage("gc convoy target: which branch?", cure="gc convoy target CONVOY BRANCH")
        ledger.update(bead.id, meta={"target": one_line(words[1])}, actor=actor)
        told = f"Convoy {bead.id} targets {one_line(words[1])}"
    else:
        told = _end(ledger, bead, verb, actor)
    out = json.dumps({"id": bead.id, "done": verb}) if "json" in said else told
    return 0, f"{out}\n".encode("utf-8", "replace"), b""


def members(ledger: Ledger, bead: Bead) -> list[Bead]:
    """What the convoy tracks, and its children; each once."""
    ids = tuple(d.depends_on_id for d in bead.dependencies if d.type == "tracks")
    found = {b.id: b for b in (*(ledger.find(ids=ids) if ids else ()), *ledger.children(bead.id))}
    return list(found.values())


def _convoy(ledger: Ledger, id: str) -> Bead:
    bead = ledger.get(id)
    if bead is None or bead.issue_type != "convoy":
        raise NotFound(f"no convoy {id!r}", cure="gc convoy list")
    return bead


def _create(ledger: Ledger, words: list[str], said: Mapping[str, str], actor: str) -> Answer:
    for member in words[1:]:
        if ledger.get(member) is None:
            raise NotFound(f"no bead {member!r}")
    meta = {"target": said.get("target", "")} | {f"convoy.{k}": said.get(k, "") for k in ("owner", "notify", "merge")}

    def write(tx: Tx) -> str:
        made = tx.create(
            one_line(words[0], 160), issue_type="convoy", labels=(OWNED,) if OWNED in said else (),
            meta={k: one_line(v) for k, v in meta.items() if v}, deps=[(m, "tracks") for m in words[1:]], actor=actor,
        )  # fmt: skip
        tx.emit("convoy.created", made, actor, one_line(words[0], 160))
        return made

    made = ledger.transact(write, actor=actor)
    told = f'Created convoy {made} "{one_line(words[0], 160)}" tracking {len(words) - 1}'
    out = json.dumps({"id": made, "tracked": words[1:]}) if "json" in said else told
    return 0, f"{out}\n".encode("utf-8", "replace"), b""


def _told(ledger: Ledger, bead: Bead) -> dict[str, object]:
    found = members(ledger, bead)
    return {
        "convoy": {"id": bead.id, "title": one_line(bead.title), "status": bead.status, "owned": OWNED in bead.labels,
                   "target": bead.metadata.get("target", "")},
        "children": [{"id": b.id, "title": one_line(b.title), "status": b.status, "assignee": b.assignee,
                      "issue_type": b.issue_type} for b in found],
        "progress": {"total": len(found), "closed": sum(b.closed for b in found)},
    }  # fmt: skip


def _status(ledger: Ledger, bead: Bead, as_json: bool) -> Answer:
    """JSON: `{"convoy": {…}, "children": [{"id", "title", "status", …}], "progress": {"total", "closed"}}`."""
    told = _told(ledger, bead)
    if as_json:
        return 0, (json.dumps(told, ensure_ascii=False) + "\n").encode("utf-8", "replace"), b""
    found = members(ledger, bead)
    lines = [f"{bead.id}  {bead.status}  {one_line(bead.title)}  {sum(b.closed for b in found)}/{len(found)} closed"]
    lines += [f"  {b.id}  {b.status}  {b.assignee or '-'}  {one_line(b.title)}" for b in found]
    return 0, ("\n".join(lines) + "\n").encode("utf-8", "replace"), b""


def _list(ledger: Ledger, as_json: bool) -> Answer:
    found = ledger.find(types=("convoy",), open_only=True, sort="created_asc")
    if as_json:
        told = {"convoys": [_told(ledger, b) for b in found]}
        return 0, (json.dumps(told, ensure_ascii=False) + "\n").encode("utf-8", "replace"), b""
    lines = []
    for b in found:
        inside = members(ledger, b)
        lines.append(f"{b.id}  {sum(m.closed for m in inside)}/{len(inside)}  {one_line(b.title)}\n")
    return 0, "".join(lines).encode("utf-8", "replace") or b"No convoys.\n", b""


def _check(ledger: Ledger, bead: Bead, actor: str) -> bool:
    """Close it when all of at least one member are closed, unless it is owned."""
    found = members(ledger, bead)
    missing = sum(d.type == "tracks" for d in bead.dependencies) > len(found)
    if bead.closed or OWNED in bead.labels or missing or not found or not all(b.closed for b in found):
        return False
    _close(ledger, bead, "every member is closed", actor)
    return True


def _end(ledger: Ledger, bead: Bead, verb: str, actor: str) -> str:
    if verb == "check":
        done = _check(ledger, bead, actor)
        return f'Auto-closed convoy {bead.id} "{one_line(bead.title)}"' if done else f"{bead.id} stays open"
    if verb == "land" and OWNED not in bead.labels:
        raise Refused(f"convoy {bead.id} is not owned (missing 'owned' label)")
    if not bead.closed:
        _close(ledger, bead, "landed" if verb == "land" else "closed", actor)
    return f"{'Landed' if verb == 'land' else 'Closed'} convoy {bead.id}"


def _close(ledger: Ledger, bead: Bead, reason: str, actor: str) -> None:
    def write(tx: Tx) -> None:
        if tx.close(bead.id, reason, actor, force=True):
            tx.emit("convoy.closed", bead.id, actor, reason)

    ledger.transact(write, actor=actor)


# -- the runs of a source bead -----------------------------------------------------------------------------------------


def workflow(ledger: Ledger, argv: list[str], env: Mapping[str, str]) -> Answer:
    """`gc workflow delete-source BEAD [--apply]`: end every live run that was started for it (without --apply: name
    them). `gc workflow reopen-source BEAD`: make it open and nobody's again; refused while a run is alive.
    """
    verb, rest = (argv[0], argv[1:]) if argv else ("", [])
    if verb not in ("delete-source", "reopen-source"):
        raise Usage(f"gc workflow: no verb {verb!r}", cure="delete-source BEAD [--apply], reopen-source BEAD")
    said, words = options(rest, ("reason",), ("apply", "json", "force"))
    bead = ledger.get(words[0]) if words else None
    if bead is None:
        raise NotFound(f"no bead {words[0]!r}" if words else f"gc workflow {verb}: which bead?")
    actor = Who(env).assignee or "human"
    alive = [b for b in ledger.by_meta({Meta.SOURCE: bead.id}) if b.kind == "workflow" and not b.closed]
    if verb == "delete-source":
        if "apply" in said:
            ledger.transact(lambda tx: _delete(ledger, tx, alive), actor=actor)
        word = "ended" if "apply" in said else "would end (--apply does it)"
        told = f"{bead.id}: {word} {', '.join(b.id for b in alive) or 'nothing: no live workflow'}"
    else:
        if alive and "force" not in said:
            names = ", ".join(b.id for b in alive)
            raise Refused(
                f"{bead.id} has live workflow(s): {names}", cure=f"gc workflow delete-source {bead.id} --apply"
            )
        ledger.transact(lambda tx: _reopen(tx, bead.id, actor), actor=actor)
        told = f"{bead.id} is open again"
    out = json.dumps({"source": bead.id, "workflows": [b.id for b in alive]}) if "json" in said else told
    return 0, f"{out}\n".encode("utf-8", "replace"), b""


def _delete(ledger: Ledger, tx: Tx, alive: list[Bead]) -> None:
    for root in alive:
        run = Run.load(ledger, root.id)
        if run is not None:
            scopes.close(tx, root, "skipped", "its source is taken back")
            scopes.skip(tx, run.members, reason="its source is taken back")


def _reopen(tx: Tx, bead: str, actor: str) -> None:
    if tx.status(bead) == "closed":
        tx.reopen(bead, "its workflow was taken back", actor)
    tx.update(bead, set={"status": "open", "assignee": ""}, unset_meta=("workflow_id", Meta.OUTCOME), actor=actor)
