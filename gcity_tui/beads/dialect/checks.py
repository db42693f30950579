"""`bd gate check` and `discover`: which gates are satisfied. GitHub's are asked of `gh`, the others of the ledger."""

from gcity_tui.beads import schema, select
from gcity_tui.beads.dialect import github, items
from gcity_tui.beads.guards import MACHINE_GATES, satisfied
from gcity_tui.model.errors import CityError, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from gcity_tui.beads.dialect.call import Call
    from gcity_tui.beads.ledger import Ledger
    from gcity_tui.beads.tx import Tx

PATIENCE = 60.0
"""Seconds one `gate check` asks GitHub for; gates it has not come to are told as errors, the next check goes on."""
FAILED = "gate:failed"
"""The label of a gate whose run failed or whose pull request was closed: it will not open by itself."""


def check(call: "Call") -> None:
    """Open what is satisfied, never a person's gate. What failed on GitHub stays shut; --escalate marks it."""
    from time import monotonic

    o, at = call.opts, schema.AT
    kind, dry, end = o.get("type", "all"), bool(o.get("dry-run")), monotonic() + PATIENCE
    told = {"checked": 0, "resolved": 0, "escalated": 0, "errors": 0}
    for row in waiting(call.ledger, call.prefixes, kind):
        told["checked"] += 1
        if row[at["await_type"]] not in MACHINE_GATES:
            continue
        try:
            if monotonic() > end:
                raise Refused("not asked: GitHub took too long over the others", cure="check again")
            state, why = standing(call.ledger, row, call.env)
        except CityError as e:
            told["errors"] += 1
            call.warn(f"{row[0]}: {e.message}" + (f" ({e.cure})" if e.cure else ""))
            continue
        if state == "waiting":
            continue
        done = state == "met" or bool(o.get("escalate"))
        told["resolved" if state == "met" else "escalated"] += done
        if done and not dry:
            settle(call.ledger, row[0], state, why, call.actor)
        if not call.json:
            verb = {"met": "Resolved", "failed": "Escalated" if done else "Failed"}[state]
            call.say(f"✓ {'Would be ' if dry else ''}{verb} {row[0]}: {items.one_line(why)}")
    if call.json:
        call.give({**told, "dry_run": dry})
    else:
        call.say(", ".join(f"{name} {n}" for name, n in told.items()).capitalize())


def waiting(ledger: "Ledger", prefixes: "tuple[str, ...] | None", kind: str) -> "list[tuple[Any, ...]]":
    """Open gates of a kind (`gh` is both of GitHub's), oldest first."""
    rows = select.find(ledger.store, {"types": "gate", "open_only": True, "prefixes": prefixes}, sort="created_asc")
    at = schema.AT["await_type"]
    return [r for r in rows if kind in ("all", "", r[at]) or r[at].startswith(kind + ":")]


def standing(ledger: "Ledger", row: "tuple[Any, ...]", env: "Mapping[str, str]") -> tuple[str, str]:
    """("met" | "failed" | "waiting", why) of a machine's gate. Asks `gh`, in the folder of its rig, where it must."""
    kind, name, timeout, made = (row[schema.AT[c]] for c in ("await_type", "await_id", "timeout", "created_at"))
    if kind.startswith("gh:"):
        return github.ask(kind, name, made, _folder(ledger, row[0]), env)
    met = ledger.transact(lambda tx: satisfied(tx.cx, kind, name, timeout, made, tx.now))
    return ("met" if met else "waiting"), f"{kind} gate satisfied"


def _folder(ledger: "Ledger", bead: str) -> str:
    """Where the repository of a bead's rig lies."""
    rows = ledger.store.rows("SELECT s.path FROM scopes s JOIN beads b ON b.prefix = s.prefix WHERE b.id = ?", (bead,))
    return str(rows[0][0]) if rows else ledger.path.rpartition("/")[0].removesuffix("/.gc").removesuffix("/.beads")


def settle(ledger: "Ledger", gate: str, state: str, why: str, actor: str) -> bool:
    """Open a gate that is met; mark one that failed, once. False when there was nothing to do any more."""

    def run(tx: "Tx") -> bool:
        if tx.status(gate) == "closed":
            return False
        if state == "met":
            return tx.close(gate, why, force=True, meta={"gc.outcome": "pass"})
        if not tx.update(gate, add_labels=[FAILED]):
            return False
        tx.comment(gate, why)
        return True

    return ledger.transact(run, actor=actor)


def discover(call: "Call") -> None:
    """Give gates that wait for a workflow by its name the number of the run they wait for."""
    at, done = schema.AT, []
    for row in waiting(call.ledger, call.prefixes, "gh:run"):
        name = row[at["await_id"]]
        if not name or name.isdecimal():
            continue
        try:
            number = github.found(name, row[at["created_at"]], _folder(call.ledger, row[0]), call.env)
        except CityError as e:
            call.warn(f"{row[0]}: {e.message}" + (f" ({e.cure})" if e.cure else ""))
            continue
        if not number:
            continue
        if not call.opts.get("dry-run"):
            call.ledger.update(row[0], set={"await_id": number}, actor=call.actor)
        done.append({"id": row[0], "workflow": name, "await_id": number})
    if call.json:
        call.give({"discovered": done, "count": len(done), "dry_run": bool(call.opts.get("dry-run"))})
        return
    for one in done:
        call.say(f"✓ {one['id']}: {items.one_line(one['workflow'])} is run {one['await_id']}")
    if not done:
        call.say("No gate waits for a workflow's run that could be found")
