"""The words that may stand in a formula file, and the kind of value each takes; for hints, and for the reference.

Kinds: str bool int strs (list of str) map (str → str) table tables (list of tables) steps duration any.
Gas City ignores a word it does not know, except in `requires` and `check`; here a word that is nearly known is told.
"""

from __future__ import annotations

from collections.abc import Mapping

from gcity_tui.model.names import nearest

Words = Mapping[str, str]


def _words(**kinds: str) -> dict[str, str]:
    return {name: kind for kind, names in kinds.items() for name in names.split()}


FORMULA = _words(
    str="formula description contract type phase",
    int="version",
    bool="pour target_required internal single_lane squash review_only",
    any="extends mode sling_container_mode",
    table="requires vars compose catalog metadata inputs prompts output synthesis presets",
    tables="advice pointcuts legs",
    steps="steps template",
)
STEP = _words(
    str="id title description notes description_file type condition assignee expand waits_for acceptance",
    int="priority",
    strs="tags labels depends_on needs",
    map="metadata expand_vars",
    table="loop gate check ralph retry drain on_complete",
    steps="children",
    duration="timeout",
    bool="parallel interactive",
)
VARIABLE = _words(str="description default pattern type", bool="required", strs="enum")
LOOP = _words(int="count max", str="range var until", steps="body")
GATE = _words(str="type id await_id", duration="timeout")
CHECK = _words(any="max_attempts", table="check")
SCRIPT = _words(str="mode path", duration="timeout")
RETRY = _words(any="max_attempts", str="on_exhausted")
DRAIN = _words(str="formula context member_access on_item_failure continuation_group", int="max_units", table="item")
ON_COMPLETE = _words(str="for_each bond", map="vars", bool="parallel sequential")
COMPOSE = _words(tables="bond_points hooks expand map branch gate", strs="aspects")
EXPAND = _words(str="target with", map="vars")
MAP = _words(str="select with", map="vars")
BRANCH = _words(str="from join", strs="steps")
COMPOSE_GATE = _words(str="before condition")
ADVICE = _words(str="target", table="before after around")
ADVICE_STEP = _words(str="id title description type", any="args output")
POINTCUT = _words(str="glob type label")
LEG = _words(str="id title focus description agent", bool="review_only")
SYNTHESIS = _words(str="title description", strs="depends_on")
INPUT = _words(str="description type default", bool="required", strs="required_unless")
OUTPUT = _words(str="directory leg_pattern synthesis")


def hint(key: str, known: Words) -> str:
    """A known word that `key` may have been meant for, or empty."""
    return "" if key in known else nearest(key, tuple(known), 1 if len(key) < 6 else 2)
