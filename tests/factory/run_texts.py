"""Formulas, one for each construct: played in process with deaths at every boundary, and in real panes under fire."""

from __future__ import annotations

import os
from pathlib import Path

from scope_text import scope

CORPUS = Path(os.environ.get("GCITY_CORPUS") or Path(__file__).resolve().parents[2].parent / "shared" / "corpus")
PANCAKES = CORPUS / "gascity-2026-04" / "cmd" / "gc" / "testdata" / "formulas" / "pancakes.toml"
GRAPH = '[requires]\nformula_compiler = ">=2.0.0"\n'


def graph(name: str, steps: str) -> str:
    return f'formula = "{name}"\n{GRAPH}{steps}'


CHECKED = graph(
    "checked",
    """
[[steps]]
id = "work"
title = "Work"
check = { max_attempts = 4, check = { mode = "exec", path = "check.sh" } }
[[steps]]
id = "after"
title = "After"
needs = ["work"]
""",
)

FANNED = graph(
    "fanned",
    """
[[steps]]
id = "survey"
title = "Survey"
[steps.on_complete]
for_each = "output.items"
bond = "leg"
vars = { name = "{item.name}", n = "{index}" }
""",
)

LEG = """formula = "leg"
type = "expansion"
[requires]
formula_compiler = ">=2.0.0"
[vars.name]
required = true
[vars.n]
default = "9"
[[template]]
id = "{target}.look"
title = "Look at {name} ({n})"
retry = { max_attempts = 2, on_exhausted = "soft_fail" }
[[template]]
id = "{target}.tell"
title = "Tell of {name}"
needs = ["{target}.look"]
"""

SCOPED = graph("scoped", scope())

DRAINED = graph(
    "drained",
    """
[[steps]]
id = "prep"
title = "Prep"
[[steps]]
id = "each"
title = "Each"
needs = ["prep"]
drain = { formula = "item" }
""",
)

ITEM = graph(
    "item",
    """
[[steps]]
id = "do"
title = "Do {{issue}}"
[[steps]]
id = "check"
title = "Check {{issue}}"
needs = ["do"]
""",
)

EXPANDED = graph(
    "expanded",
    """
[[steps]]
id = "a"
title = "A"
expand = "twice"
[[steps]]
id = "b"
title = "B"
needs = ["a"]
expand = "twice"
expand_vars = { depth = "7" }
""",
)

TWICE = """formula = "twice"
type = "expansion"
[vars.depth]
default = "2"
[[template]]
id = "{target}.draft"
title = "Draft {target.title} d{depth}"
[[template]]
id = "{target}"
title = "Do {target.title}"
needs = ["{target}.draft"]
"""

DRAFT = """formula = "draft"
[vars.what]
default = "it"
[[steps]]
id = "write"
title = "Write {{what}}"
[[steps]]
id = "read"
title = "Read {{what}}"
needs = ["write"]
"""

FORMULAS = {"checked": CHECKED, "fanned": FANNED, "leg": LEG, "scoped": SCOPED, "drained": DRAINED, "item": ITEM,
            "expanded": EXPANDED, "twice": TWICE}  # fmt: skip
