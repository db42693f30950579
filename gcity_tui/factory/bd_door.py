"""`bd` with the verbs that read formula files: `mol pour`, `mol wisp`, `cook`, `formula`; and `meta`, which Gas City's
prompts say. Every other word goes to the ledger's own language at once; what these need is imported when they are said.
"""

from gcity_tui.beads.dialect.answer import answer as answer_bd
from gcity_tui.beads.door import BEYOND
from gcity_tui.model.errors import CityError, NotFound, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from gcity_tui.beads.dialect.call import Call
    from gcity_tui.beads.ledger import Ledger
    from gcity_tui.factory.formulary import Formulary
    from gcity_tui.model.declared import DeclaredCity

    Answer = tuple[int, bytes, bytes]

_VALUES = ("var", "assignee", "actor", "rig", "db", "attach", "attach-type", "dir", "C")
_FLAGS = ("json", "dry-run", "root-only", "quiet", "verbose", "persist", "force", "all", "resolve")


def answer(
    ledger: "Ledger | None",
    declared: "Callable[[], DeclaredCity]",
    argv: "list[str]",
    env: "Mapping[str, str]",
    stdin: bytes = b"",
    cwd: str = "/",
) -> "Answer":
    """One `bd` call → (exit code, output, errors). `declared()` is asked only by the verbs that need formulas."""
    if ledger is None or not any(word in BEYOND for word in argv[:4]):
        return answer_bd(ledger, argv, env, stdin, cwd)
    words = [w for w in argv if not w.startswith("-")]
    if words[:1] == ["meta"]:
        return _meta(ledger, [w for w in argv if w != "meta"], env, stdin, cwd)
    if not _ours(words):
        return answer_bd(ledger, argv, env, stdin, cwd)
    return _formulas(ledger, declared, argv, env, cwd)


def _ours(words: "list[str]") -> bool:
    if words[:1] in (["cook"], ["formula"]):
        return True
    if words[:1] not in (["mol"], ["molecule"]) or len(words) < 2:
        return False
    return words[1] == "pour" or (words[1] == "wisp" and len(words) > 2 and words[2] not in ("list", "gc"))


def _meta(ledger: "Ledger", argv: "list[str]", env: "Mapping[str, str]", stdin: bytes, cwd: str) -> "Answer":
    """`meta set ID KEY VALUE`, `meta get ID KEY`, `meta unset ID KEY`."""
    flags = [a for a in argv if a.startswith("--")]
    verb, bead, key, value = ([a for a in argv if not a.startswith("--")] + [""] * 4)[:4]
    if verb == "set" and bead and key:
        return answer_bd(ledger, ["update", bead, f"--set-metadata={key}={value}", *flags], env, stdin, cwd)
    if verb == "unset" and bead and key:
        return answer_bd(ledger, ["update", bead, f"--unset-metadata={key}", *flags], env, stdin, cwd)
    if verb == "get" and bead and key:
        found = ledger.get(bead)
        if found is None:
            return 1, b"", f'Error: no issue found matching "{bead}"\n'.encode()
        return 0, f"{found.metadata.get(key, '')}\n".encode("utf-8", "replace"), b""
    return 1, b"", b"Error: bd meta set ID KEY VALUE, bd meta get ID KEY, bd meta unset ID KEY\n"


def _formulas(
    ledger: "Ledger", declared: "Callable[[], DeclaredCity]", argv: "list[str]", env: "Mapping[str, str]", cwd: str
) -> "Answer":
    from gcity_tui.beads.dialect.call import Call, Fail

    call = Call(ledger, "mol", {"json": "--json" in argv}, [], env)
    call.cwd = cwd
    try:
        _run(call, declared(), argv)
        code = 0
    except Fail as e:
        code = e.code
    except CityError as e:
        call.refuse(f"{e.where}: {e.message}" if e.where else e.message, hint=e.cure)
        code = 1
    return code, "".join(call.out).encode("utf-8", "replace"), "".join(call.err).encode("utf-8", "replace")


def _run(call: "Call", declared: "DeclaredCity", argv: "list[str]") -> None:
    from gcity_tui.factory.converge_verbs import variables
    from gcity_tui.factory.formulary import Formulary
    from gcity_tui.factory.gc_words import options

    given, rest = variables(argv)
    said, words = options(rest, _VALUES, _FLAGS)
    call.opts = {**said, "json": call.json}
    rig = next((r.name for r in declared.rigs if r.prefix == call.prefix), "")
    formulas = Formulary(declared, rig)
    if words[0] == "formula":
        return _formula(call, formulas, words[1:])
    if words[0] == "cook":
        return _cook(call, formulas, words[1:], given)
    short = words[1] == "wisp"
    name = words[3] if words[1:3] == ["wisp", "create"] and len(words) > 3 else words[2] if len(words) > 2 else ""
    if not name or name == "create":
        raise Usage(f"bd mol {words[1]} needs the name of a formula")
    _pour(call, formulas, name, given, short=short)


def _pour(call: "Call", formulas: "Formulary", name: str, given: "dict[str, str]", *, short: bool) -> None:
    """Make the beads of a formula. A wisp has only its root, unless the formula says `pour = true`."""
    from dataclasses import replace

    from gcity_tui.formulas import plan

    about = formulas.formula(name)
    formulas.check(about, given)
    recipe = formulas.compiled(name, given, claimable=False)  # who pours it may assign it
    made = plan(recipe, ephemeral=short)
    graph = "gc.formula_contract" in made.nodes[0].metadata
    if short and not graph and (call.opts.get("root-only") or not about.pour):
        root = replace(made.nodes[0], type="task", metadata={**made.nodes[0].metadata, "gc.kind": "wisp"})
        made = replace(made, nodes=(root,), edges=())
    who = str(call.opts.get("assignee") or "")
    if who:
        made = replace(made, nodes=(replace(made.nodes[0], assignee=who), *made.nodes[1:]))
    if call.opts.get("dry-run"):
        call.say(f"Would create {len(made.nodes)} issues from {name}:")
        for node in made.nodes:
            call.say(f"  {node.title}")
        return
    for warning in recipe.warnings:
        call.warn(f"warning: {warning}")
    ids = call.ledger.pour(made, call.actor, prefix=call.prefix)
    root_id, phase = ids[made.nodes[0].key], "vapor" if short else "liquid"
    told: dict[str, Any] = {"new_epic_id": root_id, "id_mapping": ids, "created": len(ids), "phase": phase}
    if call.json:
        call.give(told if short else {**told, "attached": 0})
    else:
        call.say(f"✓ {'Created wisp' if short else 'Poured mol'}: created {len(ids)} issues")
        call.say(f"  Root issue: {root_id}")


def _cook(call: "Call", formulas: "Formulary", words: "list[str]", given: "dict[str, str]") -> None:
    """The recipe as it would be poured; nothing is written. A path to a file of the city's layers means its name."""
    if len(words) != 1:
        raise Usage("bd cook needs the name of a formula")
    if call.opts.get("persist"):
        raise Usage("bd cook --persist: templates are not kept as beads here", cure="bd mol pour makes the beads")
    name = words[0].rsplit("/", 1)[-1].removesuffix(".toml").removesuffix(".json").removesuffix(".formula")
    formulas.check(formulas.formula(name), given)
    recipe = formulas.compiled(name, given, claimable=False)
    steps = [
        {"id": n.ref, "title": n.title, "type": n.type, "description": n.description, "needs": list(n.blocks)}
        for n in recipe.nodes
    ]
    for warning in recipe.warnings:
        call.warn(f"warning: {warning}")
    if call.json:
        call.give({"formula": recipe.name, "source": recipe.source, "graph": recipe.graph, "steps": steps})
        return
    call.say(f"{recipe.name}: {len(recipe.nodes)} issues")
    for n in recipe.nodes:
        call.say(f"  {n.ref}  {n.title}" + (f"  needs {', '.join(n.blocks)}" if n.blocks else ""))


def _formula(call: "Call", formulas: "Formulary", words: "list[str]") -> None:
    from gcity_tui.config import formula_names

    names = formula_names(formulas.declared, formulas.scope)
    if words[:1] in ([], ["list"]):
        if call.json:
            call.give([{"name": n, "source": str(p)} for n, p in sorted(names.items())])
            return
        for n, p in sorted(names.items()):
            call.say(f"{n}  {p}")
        if not names:
            call.say("No formulas")
        return
    if words[0] != "show" or len(words) != 2:
        raise Usage("bd formula list, bd formula show NAME")
    if words[1] not in names:
        formulas.formula(words[1])  # says what is near
        raise NotFound(f"no formula {words[1]!r}")
    about = formulas.formula(words[1])
    if call.json:
        variables = {n: {"default": v.default, "required": v.required} for n, v in about.variables.items()}
        steps = [{"id": s.id, "title": s.title, "needs": list(s.needs)} for s in about.steps]
        call.give({"formula": about.name, "description": about.description, "type": about.type, "vars": variables,
                   "steps": steps})  # fmt: skip
        return
    call.say(f"{about.name}  {about.source}")
    if about.description:
        call.say(about.description)
    for n, v in about.variables.items():
        call.say(f"  var {n}{' (required)' if v.required else f' = {v.default}' if v.default is not None else ''}")
    for s in about.steps:
        call.say(f"  {s.id}  {s.title}" + (f"  needs {', '.join(s.needs)}" if s.needs else ""))
