"""Sling: give work to an agent. Text becomes a bead; a bead is routed as it is, or a formula is poured around it.

One ledger transaction makes bead, graph and links, so that a crash leaves all of it or nothing. Names and refusals are
Gas City's (`internal/sling`); formulas are compiled before the transaction begins, which then reads no files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from gcity_tui.beads.ids import prefix_of
from gcity_tui.beads.ledger import Ledger
from gcity_tui.beads.pour import pour
from gcity_tui.beads.tx import Tx
from gcity_tui.factory import git, input_convoy, scopes
from gcity_tui.factory.formulary import Formulary
from gcity_tui.factory.routes import target
from gcity_tui.factory.run import Run
from gcity_tui.factory.worktrees import branch_name, check_rig, target_branch
from gcity_tui.formulas import plan
from gcity_tui.model.bead import Bead, Meta
from gcity_tui.model.declared import Agent, DeclaredCity, Rig
from gcity_tui.model.errors import NotFound, Refused, Usage
from gcity_tui.model.graph import GraphPlan
from gcity_tui.model.names import bead_prefix
from gcity_tui.model.text import clean, one_line

_Compile = Callable[[str, str, str], tuple[GraphPlan, bool]]
NONE = "none"
"""As a formula's name: route plainly, even when the agent has a default formula."""
MERGES = ("direct", "mr", "local")
"""Gas City's words for it: onto the target branch, by a pull request, not at all. `merge_strategy` on the bead."""
REPLACED = "graphv2_force_replaced"


@dataclass(frozen=True, slots=True)
class Slung:
    """`bead` is the work, `root` the run that was started for it (or empty), `target` who gets it."""

    bead: str
    root: str
    target: str
    note: str


@dataclass(frozen=True, slots=True)
class _Order:
    """A sling that has been looked at: what is known before anything is written."""

    agent: Agent
    instance: str
    rig: Rig | None
    formula: str
    given: Mapping[str, str]
    actor: str
    force: bool
    merge: str = ""

    @property
    def route(self) -> str:
        return self.agent.qualified


def sling(
    ledger: Ledger,
    declared: DeclaredCity,
    target_name: str,
    what: str,
    *,
    formula: str = "",
    variables: Mapping[str, str] | None = None,
    title: str = "",
    force: bool = False,
    merge: str = "",
    actor: str = "human",
) -> Slung:
    """Give `what` (text, or the id of a bead) to an agent, an instance or a rig's default target.

    `merge`: how what is made of it is to be handed over, noted on the bead for who does that.

    Raises NotFound (agent, bead, formula; with the nearest name), Ambiguous, Usage (variables), BadConfig (formula),
    Refused (a live workflow, another rig's bead, a closed one, a rig without a repository).
    """
    if not what.strip():
        raise Usage("nothing to sling", cure="give a bead's id or a text")
    if merge and merge not in MERGES:
        raise Usage(f"merge cannot be {merge!r}", cure=", ".join(MERGES))
    agent, instance = target(declared, target_name)
    rig = declared.rig(agent.dir) if agent.dir else None
    name = "" if formula == NONE else formula or agent.default_sling_formula
    order = _Order(agent, instance, rig, name, dict(variables or {}), actor, force, merge)
    bead = existing(ledger, declared, what, order)
    if not name:
        if variables:
            raise Usage("variables need a formula", cure="add --formula NAME")
        return ledger.transact(lambda tx: _plain(tx, declared, order, bead, what, title), actor=actor)
    return _poured(ledger, declared, order, bead, what, title)


def existing(ledger: Ledger, declared: DeclaredCity, what: str, order: _Order) -> Bead | None:
    """The bead that `what` names, fit to be slung; None when it is text."""
    word = what.strip()
    if len(word.split()) != 1:
        return None
    bead = ledger.get(word)
    if bead is None:
        known = {declared.prefix, *(r.prefix for r in declared.rigs)} - {""}
        if "-" in word and prefix_of(word) in known and any(c.isdigit() for c in word.rsplit("-", 1)[-1]):
            raise NotFound(f"no bead {word!r}", cure="quote a text of several words")
        return None
    if bead.closed:
        raise Refused(f"{bead.id} is closed", cure="reopen it first: bd reopen")
    if order.rig is not None and prefix_of(bead.id) != order.rig.prefix and not order.force:
        raise Refused(
            f"{bead.id} does not belong to rig {order.rig.name} (its beads begin with {order.rig.prefix}-)",
            cure="--force slings it all the same",
        )
    return bead


def made(tx: Tx, declared: DeclaredCity, order: _Order, what: str, title: str) -> str:
    """A bead of a text: its first line is the title, all of it the description."""
    text = clean(what).strip()
    name = one_line(title or text.splitlines()[0], 160)
    prefix = order.rig.prefix if order.rig else declared.prefix or bead_prefix(declared.name)
    body = "" if text == name else text
    return tx.create(name, prefix=prefix, description=body, issue_type="task", actor=order.actor)


def _plain(tx: Tx, declared: DeclaredCity, order: _Order, bead: Bead | None, what: str, title: str) -> Slung:
    if bead is not None:
        assignee, status = tx.columns(bead.id, "assignee, status")
        if status == "in_progress" and not order.force:
            raise Refused(f"{bead.id} is in the hands of {assignee}", cure="--force takes it away")
    id_ = bead.id if bead else made(tx, declared, order, what, title)
    tx.update(
        id_, set={"assignee": order.instance, "status": "open"}, meta={Meta.ROUTED_TO: order.route, **_merge(order)}
    )
    return Slung(id_, "", order.instance or order.route, f"slung {id_} → {order.instance or order.route}")


def _merge(order: _Order) -> dict[str, str]:
    return {"merge_strategy": order.merge} if order.merge else {}


# -- with a formula --------------------------------------------------------------------------------------------------


def _poured(ledger: Ledger, declared: DeclaredCity, order: _Order, bead: Bead | None, what: str, title: str) -> Slung:
    rig, note = order.rig, ""
    if rig is not None:
        check_rig(rig)
        dirty = git.ask(rig.path, "status", "--porcelain=v1", "--untracked-files=no").text
        note = "; its checkout has uncommitted changes: a merge will be refused until they are gone" if dirty else ""
    known = _variables(declared, order)
    recipe_of = _compiler(declared, order, known)
    heading = bead.title if bead else one_line(title or clean(what).strip().splitlines()[0], 160)
    # Every file is read and every error raised before we write.
    _, targeted = recipe_of(bead.id if bead else "new-bead", heading, "new-convoy")

    def write(tx: Tx) -> Slung:
        id_ = bead.id if bead else made(tx, declared, order, what, title)
        before = _before(ledger, tx, order, id_) if bead else 0
        prefix = rig.prefix if rig else declared.prefix or bead_prefix(declared.name)
        convoy = input_convoy.of(tx, id_, prefix, order.actor) if targeted else ""
        graph, _ = recipe_of(id_, heading, convoy)
        graph = replace(graph, idempotency_key=f"sling:{id_}:{order.formula}:{before + 1}")
        root = pour(tx, graph, order.actor, prefix=prefix)[graph.nodes[0].key]
        tx.update(root, set={"status": "in_progress"})
        held = tx.columns(id_, "status")[0]
        tx.update(
            id_,
            meta={Meta.EXECUTION_ROUTED_TO: order.route, "workflow_id": root, **_merge(order)},
            unset_meta=(Meta.ROUTED_TO,),
            set={"status": "open", "assignee": ""} if held == "in_progress" else {},
        )
        words = f'Started workflow {root} (formula "{order.formula}") → {order.instance or order.route}{note}'
        return Slung(id_, root, order.instance or order.route, words)

    return ledger.transact(write, actor=order.actor)


def _before(ledger: Ledger, tx: Tx, order: _Order, bead: str) -> int:
    """How many runs there were for the bead. Raises Refused while one is alive, unless forced: then it is closed."""
    runs = [b for b in ledger.by_meta({Meta.SOURCE: bead}) if b.kind == "workflow"]
    alive = [b for b in runs if not b.closed]
    if alive and not order.force:
        raise Refused(
            f"source bead {bead} already has live workflow(s): {', '.join(b.id for b in alive)}",
            cure="stop it first, or --force",
        )
    for root in alive:
        run = Run.load(ledger, root.id)
        if run is not None:
            scopes.close(tx, root, "skipped", "replaced", **{Meta.FAILURE_REASON: REPLACED})
            scopes.skip(tx, run.members, reason="replaced by another workflow")
            input_convoy.over(tx, root, "skipped")
    return len(runs)


def _variables(declared: DeclaredCity, order: _Order) -> dict[str, str]:
    """What sling knows by itself, under what the rig declares, under what the caller gave."""
    rig = order.rig
    branch = target_branch(rig) if rig else ""
    own = {
        "rig_name": rig.name if rig else "",
        "binding_name": order.agent.binding,
        "binding_prefix": f"{order.agent.binding}." if order.agent.binding else "",
        "base_branch": branch,
        "target_branch": branch,
    }
    return {**own, **(rig.formula_vars if rig else {}), **order.given}


def _compiler(declared: DeclaredCity, order: _Order, known: Mapping[str, str]) -> _Compile:
    """(bead, title, its convoy or "") → (the plan of its run, whether it asks for that convoy). Files are read once."""
    scope = order.rig.name if order.rig else ""
    formulas = Formulary(declared, scope)
    about = formulas.formula(order.formula)
    formulas.check(about, order.given)
    known = {k: v for k, v in known.items() if v or k in about.variables}

    def plan_of(bead: str, title: str, convoy: str) -> tuple[GraphPlan, bool]:
        said = {"issue": bead, "issue_title": title, "author_target": order.route}
        values = {**{k: v for k, v in said.items() if k in about.variables or k == "issue"}, **known}
        if convoy:
            values[input_convoy.VARIABLE] = convoy
        routed = formulas.compiled(order.formula, values, order.route)
        meta = {Meta.SOURCE: bead, Meta.WORK_BRANCH: branch_name(order.agent.name, bead)}
        if known.get("target_branch"):
            meta["gc.target_branch"] = known["target_branch"]
        meta = meta if scope else {Meta.SOURCE: bead}
        targeted = input_convoy.wanted(routed)
        if targeted:
            meta |= input_convoy.about(convoy, order.formula, routed.values)
        return _given(plan(routed, root_metadata=meta), order), targeted

    return plan_of


def _given(graph: GraphPlan, order: _Order) -> GraphPlan:
    """When an instance was named, the steps routed to its agent are its own."""
    if not order.instance:
        return graph
    nodes = tuple(
        replace(n, assignee=order.instance) if n.metadata.get(Meta.ROUTED_TO) == order.route and not n.assignee
        and n.key != graph.nodes[0].key else n
        for n in graph.nodes
    )  # fmt: skip
    return replace(graph, nodes=nodes)
