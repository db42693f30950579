"""`gc converge …` in words: arguments in, text or JSON out. What the verbs do is in `converge`."""

from __future__ import annotations

import json
from collections.abc import Mapping

from gcity_tui.beads.ledger import Ledger
from gcity_tui.factory import converge as loops
from gcity_tui.factory import scripts
from gcity_tui.factory.converge_gates import script_of, trigger_of
from gcity_tui.factory.converge_words import TYPE, says, verdict_of
from gcity_tui.factory.gc_words import options
from gcity_tui.model.bead import Bead
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.errors import Refused, Usage
from gcity_tui.model.text import one_line

Answer = tuple[int, bytes, bytes]
VERBS = ("create", "list", "status", "approve", "iterate", "stop", "retry", "test-gate", "test-trigger")
_CREATE = (
    "formula", "target", "title", "max-iterations", "gate", "gate-condition", "gate-timeout", "gate-timeout-action",
    "evaluate-prompt", "var", "trigger", "trigger-condition",
)  # fmt: skip


def converge(ledger: Ledger, declared: DeclaredCity, argv: list[str], env: Mapping[str, str]) -> Answer:
    """Exit 0 when it is done; test-gate and test-trigger: 0 when the script passes, 1 when not."""
    verb = argv[0] if argv else ""
    if verb not in VERBS:
        raise Usage(f"gc converge: no verb {verb!r}", cure=", ".join(VERBS))
    actor = env.get("GC_ALIAS") or env.get("GC_AGENT") or "human"
    if verb == "create":
        return _create(ledger, declared, argv[1:], actor)
    said, words = options(argv[1:], (), ("json", "all"))
    as_json = "json" in said
    if verb == "list":
        return _list(ledger, "all" in said, as_json)
    if len(words) != 1:
        raise Usage(f"gc converge {verb}: which loop?", cure="gc converge list")
    if verb == "status":
        bead = loops.find(ledger, words[0])
        return _told(standing(bead) if as_json else None, "\n".join(f"{k}: {v}" for k, v in standing(bead).items()))
    if verb == "retry":
        made, warnings = loops.retry(ledger, declared, words[0], actor)
        return _made(made, warnings, as_json)
    if verb in ("test-gate", "test-trigger"):
        return _test(ledger, declared, words[0], verb == "test-trigger", as_json)
    line = loops.act(ledger, words[0], verb, actor)
    return _told({"id": words[0], "action": verb, "outcome": line} if as_json else None, line)


def _create(ledger: Ledger, declared: DeclaredCity, argv: list[str], actor: str) -> Answer:
    given, rest = variables(argv)
    said, words = options(rest, _CREATE, ("json",))
    formula, target = said.get("formula", ""), said.get("target", "")
    if words or not formula or not target:
        raise Usage("gc converge create --formula NAME --target AGENT", cure=f"also: --{', --'.join(_CREATE[2:])}")
    limit = said.get("max-iterations", "5")
    if not limit.isdigit():
        raise Usage(f"--max-iterations {limit!r} is no number")
    wanted = loops.Wanted(
        formula, target, said.get("title", ""), int(limit), said.get("gate", "manual"), said.get("gate-condition", ""),
        said.get("gate-timeout", "5m"), said.get("gate-timeout-action", "iterate"), said.get("evaluate-prompt", ""),
        given, trigger=said.get("trigger", ""), trigger_condition=said.get("trigger-condition", ""),
    )  # fmt: skip
    made, warnings = loops.create(ledger, declared, wanted, actor)
    return _made(made, warnings, "json" in said)


def variables(argv: list[str]) -> tuple[dict[str, str], list[str]]:
    """`--var name=value`, as often as it is said, and the other words."""
    found: dict[str, str] = {}
    rest: list[str] = []
    todo = list(argv)
    while todo:
        word = todo.pop(0)
        if word == "--var" or word.startswith("--var="):
            pair = word.removeprefix("--var=") if word != "--var" else todo.pop(0) if todo else ""
            name, eq, value = pair.partition("=")
            if not name or not eq:
                raise Usage(f"--var {pair!r}", cure="--var name=value")
            found[name] = value
        else:
            rest.append(word)
    return found, rest


def _made(made: str, warnings: tuple[str, ...], as_json: bool) -> Answer:
    code, out, _ = _told({"id": made, "warnings": list(warnings)} if as_json else None, made)
    return code, out, "".join(f"warning: {w}\n" for w in warnings).encode()


def standing(bead: Bead) -> dict[str, str]:
    """Where a loop stands, by Gas City's names without their prefix; its variables as they are."""
    told = {"id": bead.id, "title": one_line(bead.title)}
    told |= {k.removeprefix("convergence."): v for k, v in bead.metadata.items() if k.startswith("convergence.")}
    return told | {k: v for k, v in bead.metadata.items() if k.startswith("var.")}


def _list(ledger: Ledger, every: bool, as_json: bool) -> Answer:
    found = ledger.find(types=(TYPE,), open_only=not every, sort="created_asc")
    rows = [standing(b) for b in found]
    lines = []
    for r in rows:
        state = r.get("terminal_reason") or r.get("waiting_reason") or ""
        where = f"{r.get('state', '')}{f' ({state})' if state else ''}"
        lines.append(f"{r['id']}  {r.get('iteration', '0')}/{r.get('max_iterations', '?')}  {where}  {r['title']}")
    return _told(rows if as_json else None, "\n".join(lines) or "no convergence loops")


def _test(ledger: Ledger, declared: DeclaredCity, name: str, trigger: bool, as_json: bool) -> Answer:
    bead = loops.find(ledger, name)
    if not says(bead, "trigger_condition" if trigger else "gate_condition"):
        cure = "its iterations follow each other" if trigger else "its gate is a person"
        raise Refused(f"loop {bead.id} has no {'trigger' if trigger else 'condition'} to test", cure=cure)
    script = (
        trigger_of(declared, bead) if trigger else script_of(declared, bead, verdict_of(says(bead, "agent_verdict")))
    )
    result = scripts.run(script)
    told = {"passed": result.passed, "exit": result.exit, "stdout": result.out, "stderr": result.err or result.note}
    line = f"{'passes' if result.passed else 'does not pass'}: {result.reason}"
    return (0 if result.passed else 1), _told(told if as_json else None, line)[1], b""


def _told(value: object, line: str) -> Answer:
    text = json.dumps(value, indent=2, ensure_ascii=False) if value is not None else line
    return 0, f"{text}\n".encode("utf-8", "replace"), b""
