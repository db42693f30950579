"""`--label-pattern` and `--label-regex`: which of the labels in use fit."""

from gcity_tui.model.errors import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gcity_tui.beads.dialect.call import Call

MOST_REPEATS = 3


def fitting(call: "Call") -> list[str]:
    """Labels that fit the glob (the whole label) and the regular expression (anywhere in it); both where both are."""
    from fnmatch import fnmatchcase

    glob, fits = call.opts.get("label-pattern", "*"), _compiled(call.opts.get("label-regex", ""))
    every = [x for (x,) in call.ledger.store.rows("SELECT DISTINCT label FROM labels")]
    return [x for x in every if fnmatchcase(x, glob) and fits.search(x)]


def _compiled(text: str) -> "Any":
    """The expression, or Usage.

    bd's own engine takes time in proportion to the label; Python's can take for ever, and with it the controller that
    answers everybody. So only one character or set may be repeated, and not too often in one expression.
    """
    import re
    from re import _parser  # type: ignore[attr-defined]

    try:
        fits, tree = re.compile(text), _parser.parse(text)
    except (re.error, OverflowError, RecursionError) as e:
        raise Usage(f"invalid --label-regex {text!r}: {e}") from e
    if _repeats(tree) > MOST_REPEATS:
        cure = f"repeat single characters or sets, at most {MOST_REPEATS} times; or use --label-pattern"
        raise Usage(f"--label-regex {text!r} could take too long", cure=cure)
    return fits


def _repeats(tree: "Any") -> int:
    """How many open-ended repeats there are; too many when one repeats more than a character or a set."""
    found = 0
    for op, value in tree:
        if str(op).endswith("_REPEAT"):
            _, most, inner = value
            single = len(inner) == 1 and str(inner[0][0]) in ("LITERAL", "NOT_LITERAL", "ANY", "IN")
            found += 0 if int(most) <= 1 and not single else 1 if single else MOST_REPEATS + 1
            found += 0 if single else _repeats(inner)
        elif str(op) == "SUBPATTERN":
            found += _repeats(value[-1])
        elif str(op) == "BRANCH":
            found += sum(_repeats(part) for part in value[1])
        elif str(op) in ("ASSERT", "ASSERT_NOT"):
            found += _repeats(value[1])
    return found
