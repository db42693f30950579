"""`gc hook`: which bead an agent works on next, and the claim of it. Asked at every turn, so nothing heavy is imported.

Choice, identity, fence and answer are Gas City's (`cmd/gc/cmd_hook`). A claim, what is noted with it and the rest of
its continuation group are one transaction.
"""

from gcity_tui.beads import select
from gcity_tui.beads.jsonout import dumps
from gcity_tui.beads.schema import READY_EXCLUDED
from gcity_tui.model.errors import NotFound, Refused, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from gcity_tui.beads.ledger import Ledger
    from gcity_tui.beads.tx import Tx

LIVE = ("", "active", "awake", "creating", "start-pending")
"""Session states in which work may be taken."""
HOLD = ("hold:mayor", "hold:external")
CONTROLS = ("ralph", "check", "retry", "scope-check", "workflow-finalize", "fanout", "drain")
_RECORDS = ", ".join(f"'{t}'" for t in READY_EXCLUDED)
_HELD = ", ".join(f"'{label}'" for label in HOLD)
_COLUMNS = "b.id, b.assignee"
FOLDER = ("gc.work_dir", "gc.work_commit", "gc.review_base", "gc.review_baseline")
"""What a leg's next step of the same round inherits: it is done in the same folder."""


class Who:
    """The caller: what it is called, what is assigned to it, which routes are its own."""

    __slots__ = ("assignee", "mine", "named", "routes", "session", "session_name")

    def __init__(self, env: "Mapping[str, str]", given: str = "") -> None:
        self.session, self.session_name = env.get("GC_SESSION_ID", ""), env.get("GC_SESSION_NAME", "")
        template = env.get("GC_TEMPLATE", "")
        alias, agent = env.get("GC_ALIAS", ""), env.get("GC_AGENT", "")
        in_session = bool(self.session or self.session_name)
        self.named = given or (template if in_session else "") or alias or agent
        self.assignee = alias or given or agent or self.named or self.session_name or self.session
        names = (self.assignee, self.session, self.session_name, alias, agent)
        self.mine = tuple(n for n in dict.fromkeys(names) if n and (n != template or n in (alias, agent)))
        self.routes = tuple(dict.fromkeys(n for n in (self.named, template) if n))


def hook(ledger: "Ledger", argv: "list[str]", env: "Mapping[str, str]", cwd: str) -> "tuple[int, bytes, bytes]":
    """`gc hook [agent] [--claim [--json] [--drain-ack]]`."""
    flags = {a for a in argv if a.startswith("-")}
    unknown = flags - {"--claim", "--json", "--drain-ack", "--inject"}
    if unknown:
        raise Usage(f"unknown flag: {min(unknown)}")
    if "--drain-ack" in flags and "--claim" not in flags:
        raise Usage("--drain-ack needs --claim")
    given = next((a for a in argv if not a.startswith("-")), "")
    who = Who(env, given)
    if "--inject" in flags:
        return 0, _injected(ledger, who, env) if who.named else b"", b""
    if not who.named:
        return 1, b"", b"gc hook: agent not specified (set $GC_AGENT or pass as argument)\n"
    pool = env.get("GC_SESSION_ORIGIN", "ephemeral") in ("", "ephemeral")
    if "--claim" not in flags:
        rows = [row for tier in tiers(ledger, who, pool) for row in tier]
        return _shown(ledger, rows, env)
    reason, found = "stale_session", None
    if not stale(ledger, env):
        reason, found = claim(ledger, who, pool, branch_of(cwd))
    answer: dict[str, Any] = {"schema_version": "1", "ok": True, "command": "hook"}
    if found is not None:
        answer |= {"action": "work", "reason": reason, **{k: v for k, v in found.items() if v}}
        out = dumps(answer, "") if "--json" in flags else found["bead_id"]
        return 0, out.encode() + b"\n", b""
    acked = "--drain-ack" in flags and drain_ack(ledger, env)
    answer |= {"action": "drain", "reason": reason, **({"drain_acknowledged": True} if acked else {})}
    out = dumps(answer, "") + "\n" if "--json" in flags else ""
    return (0 if acked else 1), out.encode(), b""


def stale(ledger: "Ledger", env: "Mapping[str, str]") -> bool:
    """True when the caller is not the session it believes to be: closed, started anew since, or on its way out."""
    session, token = env.get("GC_SESSION_ID", ""), env.get("GC_INSTANCE_TOKEN", "")
    if not session or not token:
        return False
    rows = ledger.store.rows("SELECT status FROM beads WHERE id = ?", (session,))
    if not rows:
        return False
    known = meta_of(ledger, session)
    return rows[0][0] == "closed" or known.get("instance_token", "") != token or known.get("state", "") not in LIVE


def meta_of(ledger: "Ledger", bead: str) -> "dict[str, str]":
    return dict(ledger.store.rows("SELECT key, value FROM bead_meta WHERE bead = ?", (bead,)))


def tiers(ledger: "Ledger", who: Who, pool: bool = True) -> "list[list[tuple[Any, ...]]]":
    """(id, assignee) of what is in hand, what is assigned and ready, what the pool may take; each oldest first."""
    mine = ", ".join("?" * len(who.mine))
    held = f"NOT EXISTS (SELECT 1 FROM labels l WHERE l.bead = b.id AND l.label IN ({_HELD}))"
    in_hand = ledger.store.rows(
        f"SELECT {_COLUMNS} FROM beads b WHERE b.assignee IN ({mine}) AND b.status = 'in_progress' AND b.blockers = 0"
        f" AND b.issue_type NOT IN ({_RECORDS}) AND {held} ORDER BY b.created_at, b.seq",
        who.mine,
    )
    ready: list[tuple[Any, ...]] = []
    for name in who.mine:
        ready += _ready(ledger, {"assignee": name}, 5)
    if not pool:
        return [in_hand, ready, []]
    free: list[tuple[Any, ...]] = []
    for route in who.routes:
        asked = {
            "meta": {"gc.routed_to": route},
            "unassigned": True,
            "exclude_types": ("epic",),
            "exclude_labels": HOLD,
        }
        free += _ready(ledger, asked, 20)
    if not free:
        for route in who.routes:
            asked = {
                "meta": {"gc.run_target": route, "gc.kind": "workflow"},
                "unassigned": True,
                "exclude_labels": HOLD,
            }
            free += [r for r in _ready(ledger, asked, 5) if not meta_of(ledger, r[0]).get("gc.routed_to")]
    return [in_hand, ready, free]


def _ready(ledger: "Ledger", filters: "dict[str, Any]", limit: int) -> "list[tuple[Any, ...]]":
    return select.ready(
        ledger.store, filters, now=ledger.now(), sort="oldest", limit=limit, include_ephemeral=True, columns=_COLUMNS
    )


def claim(ledger: "Ledger", who: Who, pool: bool, branch: str) -> "tuple[str, dict[str, Any] | None]":
    """(reason, the claimed bead's fields) or (reason, None) when there is nothing for the caller."""
    in_hand, ready, free = tiers(ledger, who, pool)
    reason = "no_work"
    for name, rows in (("existing_assignment", in_hand), ("ready_assignment", ready), ("claimed", free)):
        for bead, assignee in rows:
            try:
                return name, ledger.transact(
                    lambda tx, b=bead, a=assignee or who.assignee, n=name: _take(tx, who, b, a, n, branch),  # type: ignore[misc]
                    actor=who.assignee,
                )
            except Refused as e:
                lost = str(e).removeprefix("issue already claimed by ")
                ledger.emit("bead.claim_rejected", bead, who.assignee, lost)
            except NotFound:
                reason = "claims_errored"
    return reason, None


def _take(tx: "Tx", who: Who, bead: str, assignee: str, reason: str, branch: str) -> "dict[str, Any]":
    if reason != "existing_assignment":
        tx.claim(bead, assignee)
    known = dict(tx.cx.execute("SELECT key, value FROM bead_meta WHERE bead = ?", (bead,)).fetchall())
    # Who prepared a place for the bead knows its branch; where the caller happens to stand is only a guess.
    wanted = {"gc.work_branch": known.get("gc.work_branch") or branch}
    if known.get("gc.kind", "") not in CONTROLS:
        wanted |= {"gc.session_id": who.session, "gc.session_name": who.session_name}
    changed = {k: v for k, v in wanted.items() if v and known.get(k) != v}
    if changed:
        tx.update(bead, meta=changed)
    root, group = known.get("gc.root_bead_id", ""), known.get("gc.continuation_group", "")
    route = known.get("gc.routed_to", "")
    more = _continued(tx, who, assignee, known, route) if root and group and reason != "existing_assignment" else []
    return {
        "bead_id": bead, "assignee": assignee, "route": route, "root_bead_id": root, "continuation_group": group,
        "continuation_assigned": more,
    }  # fmt: skip


def _continued(tx: "Tx", who: Who, assignee: str, known: "dict[str, str]", route: str) -> "list[str]":
    """The rest of the group's open work of this route goes to the same hands, and stays open."""
    meta = "EXISTS (SELECT 1 FROM bead_meta m WHERE m.bead = b.id AND m.key = ? AND m.value = ?)"
    rows = tx.cx.execute(
        "SELECT b.id FROM bead_meta r JOIN beads b ON b.id = r.bead WHERE r.key = 'gc.root_bead_id'"
        " AND substr(r.value, 1, 64) = substr(?, 1, 64) AND r.value = ? AND b.status = 'open' AND b.assignee = ''"
        f" AND {meta} AND {meta} ORDER BY b.created_at, b.seq",
        (known["gc.root_bead_id"], known["gc.root_bead_id"], "gc.continuation_group", known["gc.continuation_group"],
         "gc.routed_to", route),
    ).fetchall()  # fmt: skip
    place = {k: known[k] for k in FOLDER if known.get(k)} if known.get("gc.review_baseline") else {}
    taken = []
    for (bead,) in rows:
        if route in who.routes and tx.assign_if_unassigned(bead, assignee):
            taken.append(bead)
            if place and tx.meta(bead, "gc.scope_ref") == known.get("gc.scope_ref"):
                tx.update(bead, meta=place)
    return taken


def drain_ack(ledger: "Ledger", env: "Mapping[str, str]") -> bool:
    """Note on the session's bead that it has nothing to do and may be ended. False outside of a session."""
    return note(ledger, env, "drain_acked")


def note(ledger: "Ledger", env: "Mapping[str, str]", key: str, value: str = "true") -> bool:
    """Write a fact to the caller's own session bead, fenced by its token."""
    session = env.get("GC_SESSION_ID", "")
    token = env.get("GC_INSTANCE_TOKEN", "")

    def write(tx: "Tx") -> bool:
        if token and (tx.meta(session, "instance_token") or "") != token:
            return False
        if tx.status(session) == "closed":
            return False
        tx.update(session, meta={key: value})
        return True

    if not session:
        return False
    try:
        return ledger.transact(write, actor=env.get("GC_ALIAS", "") or session)
    except NotFound:
        return False


def _shown(ledger: "Ledger", rows: "list[tuple[Any, ...]]", env: "Mapping[str, str]") -> "tuple[int, bytes, bytes]":
    """The rows as `bd` shows beads, as one array."""
    ids = list(dict.fromkeys(r[0] for r in rows))
    if not ids:
        return 1, b"[]\n", b""
    from gcity_tui.beads.dialect.answer import answer

    code, out, err = answer(ledger, ["show", *ids, "--json"], dict(env))
    return code, out, err


def _injected(ledger: "Ledger", who: Who, env: "Mapping[str, str]") -> bytes:
    """What waits for the caller, for its program's hook; nothing when nothing does."""
    pool = env.get("GC_SESSION_ORIGIN", "ephemeral") in ("", "ephemeral")
    rows = list(dict.fromkeys(row[0] for tier in tiers(ledger, who, pool) for row in tier))[:5]
    if not rows:
        return b""
    from gcity_tui.factory.reminder import reminder
    from gcity_tui.model.text import one_line

    marks = ", ".join("?" * len(rows))
    told = dict(ledger.store.rows(f"SELECT id, title FROM beads WHERE id IN ({marks})", tuple(rows)))
    items = "\n".join(f"- {id_}: {one_line(told.get(id_, ''))}" for id_ in rows)
    text = f"<work-items>\n{items}\n</work-items>\nTake one with `gc hook --claim --json`."
    return (reminder(text) + "\n").encode("utf-8", "replace")


def branch_of(cwd: str) -> str:
    """The git branch of a folder, read from its `.git` without asking git; "" when detached or no repository."""
    from posix import stat

    at = cwd.rstrip("/")
    while at:
        place = f"{at}/.git"
        try:
            mode = stat(place).st_mode & 0o170000
        except OSError:
            at = at.rpartition("/")[0]
            continue
        try:
            if mode != 0o040000:
                with open(place) as file:
                    place = file.read(4096).strip().removeprefix("gitdir: ")
                if not place.startswith("/"):
                    place = f"{at}/{place}"
            with open(f"{place}/HEAD") as file:
                head = file.read(4096).strip()
        except (OSError, UnicodeDecodeError):
            return ""
        return head.removeprefix("ref: refs/heads/") if head.startswith("ref: refs/heads/") else ""
    return ""
