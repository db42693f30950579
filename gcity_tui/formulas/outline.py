"""A recipe as a person reads it: its steps by turns, one inside another, with the beads that only steer folded away.

Attempts, iterations, scope-checks, fan-outs, specs and finalize stand for the step that they belong to; what waits for
one of them waits for that step. Steps of a round are inside its check, members inside their scope, children inside
their parent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gcity_tui.formulas.recipe import Node, Recipe
from gcity_tui.formulas.step import VARIABLE

MOST_REDUCED = 12_000
"""Siblings up to which needs that follow from other needs are left out."""
_FOLDED = ("spec", "scope-check", "workflow-finalize", "fanout")


@dataclass(frozen=True, slots=True)
class Item:
    """A step. `turn` (from 1) is the earliest in which it can run among its siblings; `after` their names that it waits
    for, without those that follow from the others.
    """

    node: Node
    name: str
    title: str
    turn: int
    after: tuple[str, ...]
    says: tuple[str, ...]
    inside: tuple[Item, ...] = ()


def outline(recipe: Recipe) -> tuple[Item, ...]:
    """The steps at the top, in the order of their turns."""
    return _Fold(recipe).items("")


class _Fold:
    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.nodes = {n.ref: n for n in recipe.nodes[1:]}
        self.steps = {ref: n for ref, n in self.nodes.items() if not self._folded(n)}
        self.holder = {ref: self._holder(n) for ref, n in self.steps.items()}
        self.before: dict[str, dict[str, None]] = {ref: {} for ref in self.steps}
        self.place: dict[str, int] = {}
        for node in self.nodes.values():
            mine = self._stands(node)
            self.place.setdefault(mine, len(self.place))  # a control is made after what it steers
            for target in (*node.blocks, *(t for t, _, _ in node.edges)):
                other = self._stands(self.nodes[target]) if target in self.nodes else ""
                if mine and other and mine != other:
                    self._edge(mine, other)
        self.kids: dict[str, list[str]] = {}
        for ref, above in self.holder.items():
            self.kids.setdefault(above, []).append(ref)

    def _folded(self, node: Node) -> bool:
        gate = node.type == "gate" and node.gate[0] != ""
        return node.kind in _FOLDED or node.logical in self.nodes or gate

    def _full(self, name: str) -> str:
        return f"{self.recipe.name}.{name}"

    def _stands(self, node: Node) -> str:
        """The step that a bead belongs to; empty for a spec and for finalize."""
        for _ in range(100):
            if node.ref in self.steps:
                return node.ref
            if node.logical in self.nodes:
                node = self.nodes[node.logical]
                continue
            name = node.metadata.get("gc.control_for", "")
            if not name and node.type == "gate":
                head, _, tail = node.ref.rpartition("gate-")
                name = (head + tail).removeprefix(self.recipe.name + ".")
            subject = self.nodes.get(self._full(name))
            if subject is None or subject is node:
                break
            node = subject
        return ""

    def _holder(self, node: Node) -> str:
        """The step that this one is inside of, or empty."""
        scope = self.nodes.get(self._full(node.metadata.get("gc.scope_ref", "")))
        if scope is not None and scope is not node:
            if scope.logical in self.steps:
                return scope.logical
            if scope.ref in self.steps and node.metadata.get("gc.scope_role") != "teardown":
                return scope.ref
        above = node.parent
        while not above and "." in node.ref:  # a graph has no edge to a parent: its name says it
            head = node.ref.rpartition(".")[0]
            while head and not (head in self.steps and self.steps[head].type == "epic"):
                head = head.rpartition(".")[0]
            return head
        return above if above in self.steps else ""

    def _chain(self, ref: str) -> list[str]:
        chain = [ref]
        while (above := self.holder.get(chain[-1], "")) and above not in chain:
            chain.append(above)
        return chain[::-1]

    def _edge(self, ref: str, other: str) -> None:
        """`ref` waits for `other`: said of the two that stand side by side."""
        if self.holder[ref] == self.holder[other]:
            self.before[ref][other] = None
            return
        for mine, its in zip(self._chain(ref), self._chain(other), strict=False):
            if mine != its:
                self.before[mine][its] = None
                return

    def items(self, holder: str) -> tuple[Item, ...]:
        refs = self.kids.get(holder, [])
        turn = _turns(refs, self.before)
        names = {ref: self._name(ref, holder) for ref in refs}
        needs = _reduced(sorted(refs, key=lambda r: turn[r]), self.before)
        made = [
            Item(
                self.steps[ref], names[ref], self._title(self.steps[ref]), turn[ref],
                tuple(names[n] for n in needs[ref]), self._says(self.steps[ref]), self.items(ref),
            ) for ref in refs
        ]  # fmt: skip
        return tuple(sorted(made, key=lambda i: (i.turn, self.place[i.node.ref])))

    def _name(self, ref: str, holder: str) -> str:
        for head in (f"{holder}.iteration.1.", f"{holder}.", f"{self.recipe.name}."):
            if (holder or head.startswith(self.recipe.name)) and ref.startswith(head):
                return ref[len(head) :]
        return ref

    def _title(self, node: Node) -> str:
        return filled(node.title, self.recipe.values)

    def _says(self, node: Node) -> tuple[str, ...]:
        meta, told = node.metadata, []
        if node.kind == "ralph":
            script = meta.get("gc.check_path", "").rpartition("/")[2]
            told.append(f"until {script} passes, {_times(meta, 'round')} at most")
        elif node.kind == "retry":
            soft = ", then without it" if meta.get("gc.on_exhausted") == "soft_fail" else ""
            told.append(f"{_times(meta, 'try')}{soft}")
        elif node.kind == "drain":
            shared = " in one session" if meta.get("gc.drain_context") == "shared" else ""
            told.append(f"{meta.get('gc.drain_formula', '')} for each bead of its convoy{shared}")
        elif node.kind == "scope":
            told.append("one failure ends all of it")
        elif node.kind == "cleanup":
            told.append("whatever becomes of it")
        gate = self.nodes.get(f"{node.ref.rpartition('.')[0]}.gate-{node.ref.rpartition('.')[2]}")
        if gate is not None and gate.gate[0]:
            told.append(" ".join(("waits for", *(g for g in gate.gate if g))))
        fan = self.nodes.get(f"{node.ref}-fanout")
        if fan is not None:
            way = ", one after the other" if fan.metadata.get("gc.fanout_mode") == "sequential" else ""
            bond, each = fan.metadata.get("gc.bond", ""), fan.metadata.get("gc.for_each", "")
            told.append(f"then {bond} for each of {each}{way}")
        who = filled(node.assignee or meta.get("gc.run_target", ""), self.recipe.values)
        return (f"→ {who}", *told) if who else tuple(told)


def _times(meta: Mapping[str, str], what: str) -> str:
    most = meta.get("gc.max_attempts", "")
    return f"{most} {what}" if most == "1" else f"{most} {what.removesuffix('y')}{'ies' if what.endswith('y') else 's'}"


def filled(text: str, values: Mapping[str, str]) -> str:
    """`{{name}}` by its value where it has one; a name without stays to be read."""
    return VARIABLE.sub(lambda m: values.get(m.group(1)) or m.group(0), text)


def _turns(refs: list[str], before: Mapping[str, Mapping[str, None]]) -> dict[str, int]:
    """Ref → 1 + the longest chain of siblings that it waits for. What waits in a circle comes last."""
    here = set(refs)
    left = {ref: sum(b in here for b in before[ref]) for ref in refs}
    users: dict[str, list[str]] = {}
    for ref in refs:
        for b in before[ref]:
            users.setdefault(b, []).append(ref)
    turn = dict.fromkeys((ref for ref in refs if not left[ref]), 1)
    waiting = list(turn)
    for ref in waiting:
        for user in users.get(ref, ()):
            left[user] -= 1
            turn[user] = max(turn.get(user, 1), turn[ref] + 1)
            if not left[user]:
                waiting.append(user)
    return {ref: turn.get(ref, 1) for ref in refs}


def _reduced(refs: list[str], before: Mapping[str, Mapping[str, None]]) -> dict[str, list[str]]:
    """Ref → the siblings it waits for, without those that another of them waits for. `refs` in the order of turns."""
    place = {ref: 1 << n for n, ref in enumerate(refs)}
    if len(refs) > MOST_REDUCED:
        return {ref: [b for b in before[ref] if b in place] for ref in refs}
    far: dict[str, int] = {}
    for ref in refs:
        far[ref] = 0
        for b in before[ref]:
            far[ref] |= place.get(b, 0) | far.get(b, 0)
    found = {}
    for ref in refs:
        near = [b for b in before[ref] if b in place]
        found[ref] = [b for b in near if not any(far.get(o, 0) & place[b] for o in near if o != b)]
    return found
