"""`bd find-duplicates`, `lint`, `preflight`, `orphans`, `archive`: what wants a second look, and clearing out."""

from gcity_tui.beads import schema, select
from gcity_tui.beads.dialect import items, values
from gcity_tui.beads.dialect.call import Fail
from gcity_tui.model.errors import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gcity_tui.beads.dialect.call import Call

_AT = schema.AT
_DULL = frozenset(
    ["a", "an", "and", "as", "at", "be", "by", "for", "from", "in", "is", "it", "not", "of", "on", "or", "that", "the"]
) | {"this", "to", "was", "when", "with"}
MOST = 3000
"""Beads compared with each other at most: pairs grow with the square."""


def words_of(text: str) -> frozenset[str]:
    """The telling words of a text, in lower case."""
    return frozenset("".join(c if c.isalnum() else " " for c in text.lower()).split()) - _DULL


def alike(a: frozenset[str], b: frozenset[str]) -> float:
    """Jaccard's share of common words: 0 to 1."""
    return len(a & b) / len(a | b) if a and b else 0.0


def find_duplicates(call: "Call") -> None:
    """Pairs of unclosed beads whose words are much the same (title counts half, description half)."""
    o = call.opts
    try:
        least = float(o.get("threshold", "0.5"))
    except ValueError as e:
        raise Usage(f"invalid --threshold {o['threshold']!r}", cure="a number from 0 to 1") from e
    if not 0 <= least <= 1:
        raise Usage(f"invalid --threshold {o['threshold']!r}", cure="a number from 0 to 1")
    if o.get("method", "mechanical") != "mechanical":
        raise Usage(f"invalid --method {o['method']!r}", cure="mechanical: no model is asked from here")
    found: dict[str, Any] = {
        "prefixes": call.prefixes,
        "open_only": True,
        "exclude_types": (*schema.INFRA_TYPES,),
        "no_nudges": True,
    }
    if o.get("status"):
        found["status"] = values.status(call, o["status"])
    rows = select.find(call.ledger.store, found, sort="created", limit=MOST)
    told = [(words_of(r[_AT["title"]]), words_of(r[_AT["description"]])) for r in rows]
    pairs: list[tuple[float, int, int]] = []
    for i, (title, text) in enumerate(told):
        for k in range(i + 1, len(rows)):
            other = told[k]
            share = alike(title, other[0])
            if text and other[1]:
                share = (share + alike(text, other[1])) / 2
            if share >= least and share > 0:
                pairs.append((share, i, k))
    pairs.sort(key=lambda p: (-p[0], p[1], p[2]))
    most = int(o["limit"]) if o.get("limit", "").isdecimal() else 50
    shown = [
        {
            "issue_a_id": rows[i][0],
            "issue_b_id": rows[k][0],
            "issue_a_title": rows[i][1],
            "issue_b_title": rows[k][1],
            "similarity": round(share, 3),
            "method": "mechanical",
        }
        for share, i, k in pairs[: most or len(pairs)]
    ]
    if call.json:
        call.give({"pairs": shown, "count": len(shown), "method": "mechanical", "threshold": least})
        return
    for p in shown:
        call.say(f"{p['similarity']:.0%}  {p['issue_a_id']}: {items.one_line(p['issue_a_title'])}")
        call.say(f"      {p['issue_b_id']}: {items.one_line(p['issue_b_title'])}")
    if not shown:
        call.say("No similar issues found")


_SECTIONS = {
    "bug": ("Steps to Reproduce", "Acceptance Criteria"),
    "task": ("Acceptance Criteria",),
    "feature": ("Acceptance Criteria",),
    "epic": ("Success Criteria",),
}


def missing(kind: str, description: str, design: str, acceptance: str) -> list[str]:
    """The sections that a bead of this type should have and does not."""
    text = f"{description}\n{design}".lower()
    lacks = [s for s in _SECTIONS.get(kind, ()) if s.lower() not in text]
    return [s for s in lacks if s != "Acceptance Criteria" or not acceptance]


def lint(call: "Call") -> None:
    """Beads whose description lacks what their type should tell; exit 1 when there are any."""
    store = call.ledger.store
    found: dict[str, Any] = {"prefixes": call.prefixes, "types": tuple(_SECTIONS)}
    if call.opts.get("type"):
        found["types"] = tuple(schema.TYPE_ALIASES.get(t, t) for t in values.csv([call.opts["type"]]))
    if call.rest:
        rows = items.by_ids(store, [call.resolve(n) for n in call.rest])
    else:
        wanted = call.opts.get("status", "open")
        rows = select.find(store, found if wanted == "all" else {**found, "status": values.status(call, wanted)})
    told = []
    for row in rows:
        kind = row[_AT["issue_type"]]
        lacks = missing(kind, *(row[_AT[name]] for name in ("description", "design", "acceptance_criteria")))
        if lacks:
            told.append({"id": row[0], "title": row[1], "type": kind, "missing": lacks})
    if call.json:
        call.give({"total": sum(len(t["missing"]) for t in told), "issues": len(told), "results": told})
    else:
        for t in told:
            call.say(f"{t['id']} [{t['type']}]: {items.one_line(t['title'])}\n  missing: {', '.join(t['missing'])}")
        if not told:
            call.say(f"✓ {len(rows)} issues, nothing missing")
    if told:
        raise Fail(1)


def preflight(call: "Call") -> None:
    """What to look at before a change is handed over: the ledger's part of it."""
    store, who = call.ledger.store, call.actor
    mine = select.find(store, {"assignee": who, "status": "in_progress", "prefixes": call.prefixes})
    checks: list[dict[str, Any]] = [
        {
            "name": "in progress",
            "passed": not mine,
            "message": "nothing of yours is in progress"
            if not mine
            else f"still in progress: {', '.join(r[0] for r in mine)}",
        }
    ]
    clean = _git(call, "status", "--porcelain")
    if clean is not None:
        said = "the working tree is clean" if not clean else f"{len(clean.splitlines())} files are not committed"
        checks.append({"name": "git", "passed": not clean, "message": said})
    good = all(c["passed"] for c in checks)
    if call.json:
        passed = sum(1 for c in checks if c["passed"])
        call.give({"checks": checks, "passed": good, "summary": f"{passed}/{len(checks)} checks passed"})
        return
    for c in checks:
        call.say(f"[{'x' if c['passed'] else ' '}] {c['name']}: {c['message']}")
    if not good and call.opts.get("check"):
        raise Fail(1)


def _git(call: "Call", *words: str) -> "str | None":
    """What git prints in the caller's folder, or None where there is no repository."""
    import subprocess

    argv = ["git", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=", *words]
    try:
        done = subprocess.run(argv, cwd=call.cwd, capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else None


def orphans(call: "Call") -> None:
    """Beads that commits name in brackets (`(gc-12)`) and that are not closed."""
    log = _git(call, "log", "--oneline", "--no-color", "-n", "5000")
    named: dict[str, tuple[str, str]] = {}
    for line in (log or "").splitlines():
        commit, _, message = line.partition(" ")
        at = 0
        while (start := message.find("(", at)) >= 0:
            end = message.find(")", start)
            at = end if end > start else len(message)
            word = message[start + 1 : end]
            if end > start and "-" in word and word.isprintable() and " " not in word:
                named.setdefault(word, (commit, message))
    rows = [r for r in items.by_ids(call.ledger.store, sorted(named)) if r[_AT["status"]] != "closed"]
    told = [
        {
            "issue_id": r[0],
            "title": r[1],
            "status": r[_AT["status"]],
            "latest_commit": named[r[0]][0],
            "latest_commit_message": named[r[0]][1],
        }
        for r in rows
    ]
    if call.json:
        call.give(told)
        return
    for t in told:
        call.say(f"{t['issue_id']} [{t['status']}] {items.one_line(t['title'])}  ← {t['latest_commit']}")
    if not told:
        call.say("No orphaned issues found" if log is not None else "No git repository here")


def archive(call: "Call") -> None:
    """Move events older than --older-than (30d) into the file beside the ledger; followers read on across the seam."""
    age = values.span(call.opts.get("older-than", "30d"))
    if age is None:
        raise Usage(f"invalid --older-than {call.opts['older-than']!r}", cure="write it as 30d, 12h")
    before = call.ledger.now() - age
    if call.opts.get("dry-run"):
        n = call.ledger.store.rows("SELECT count(*) FROM events WHERE at < ?", (before,))[0][0]
    else:
        n = call.ledger.archive_events(before)
    body: dict[str, Any] = {"archived": n, **({"dry_run": True} if call.opts.get("dry-run") else {})}
    call.give(body) if call.json else call.say(f"{'Would archive' if 'dry_run' in body else '✓ Archived'} {n} events")
