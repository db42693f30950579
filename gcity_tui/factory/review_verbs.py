"""`gc review …` in words: arguments in, text or JSON out. What the verbs do is in `review` and `merge`."""

from __future__ import annotations

import json
from pathlib import Path

from gcity_tui.beads.ledger import Ledger
from gcity_tui.factory import merge
from gcity_tui.factory import review as reviews
from gcity_tui.factory.gc_words import options
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.errors import BadData, Usage
from gcity_tui.model.text import one_line

Answer = tuple[int, bytes, bytes]
VERBS = ("submit", "open", "synthesize", "verdict", "merge")


def review(ledger: Ledger, declared: DeclaredCity, argv: list[str], stdin: bytes, cwd: str) -> Answer:
    """Exit 0 when it is done (verdict: when it is clean), 1 for a void leg or a verdict that is not clean."""
    verb = argv[0] if argv else ""
    if verb not in VERBS:
        raise Usage(f"gc review: no verb {verb!r}", cure=", ".join(VERBS))
    said, words = options(argv[1:], ("bead",), ("json",))
    bead = said.get("bead", "")
    as_json = "json" in said
    if verb == "submit":
        return _submit(ledger, declared, bead, words, stdin, cwd, as_json)
    bead = bead or (words[0] if words else "")
    if verb == "open":
        return _open(ledger, bead, as_json)
    if verb == "synthesize":
        told = reviews.synthesis(ledger, declared, bead)
        line = f"round {told.get('round')}: {told.get('review_verdict')}, {told.get('findings_count')} open"
        return _said(told if as_json else None, line)
    if verb == "verdict":
        word = reviews.verdict(ledger, bead)
        clean = word.startswith("approve")
        return (0 if clean else 1), _said({"verdict": word, "clean": clean} if as_json else None, word)[1], b""
    done = merge.merge(ledger, declared, bead)
    line = f"{done.branch} is at {done.commit[:12]}"
    if done.left:
        line += f"; {done.left} later commit{'' if done.left == 1 else 's'} that no round approved stay out"
    return _said({"branch": done.branch, "commit": done.commit, "left": done.left} if as_json else None, line)


def _said(value: object, line: str) -> Answer:
    text = json.dumps(value, indent=2, ensure_ascii=False) if value is not None else line
    return 0, f"{text}\n".encode("utf-8", "replace"), b""


def _submit(
    ledger: Ledger, declared: DeclaredCity, bead: str, words: list[str], stdin: bytes, cwd: str, as_json: bool
) -> Answer:
    if len(words) != 1:
        raise Usage("gc review submit --bead ID FILE", cure="FILE is the lane's JSON; - reads it from standard input")
    path = Path(cwd, words[0])
    data = stdin if words[0] == "-" else reviews.lane_bytes(path)
    if not data.strip():
        raise BadData("the lane is empty")
    besides = "" if words[0] == "-" else str(path.resolve())
    done = reviews.submit(ledger, declared, bead, data, where=Path(cwd), besides=besides)
    told = {"bead": done.bead, "void": done.void, "findings": done.findings, "note": done.note} if as_json else None
    if done.void:
        return 1, _said(told, "")[1] if as_json else b"", f"gc review submit: {done.note}; close this step\n".encode()
    return _said(told, f"recorded: {done.note}")


def _open(ledger: Ledger, bead: str, as_json: bool) -> Answer:
    told = reviews.open_findings(ledger, bead)
    if as_json:
        return _said(told, "")
    found = told["findings"]
    lines = [
        one_line(f"{f['id']} {f['severity']} {f['file']}:{f['line']} {f['title']}")
        for f in (found if isinstance(found, list) else ())
    ]
    return _said(None, "\n".join(lines) or "nothing is open")
