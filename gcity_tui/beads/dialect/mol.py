"""`bd mol …`: which verb it is. Pouring a formula is the city's, not the ledger's."""

from gcity_tui.model.errors import Unsupported, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gcity_tui.beads.dialect.call import Call

# verb → (module, function)
_VERBS = {
    **{name: ("molecules", name) for name in ("show", "current", "progress", "stale")},
    **{
        "list": ("molecules", "list_"),
        "ready": ("molecules", "gated"),
        "last-activity": ("molecules", "last_activity"),
    },
    **{name: ("wisps", name) for name in ("wisp", "burn", "squash")},
    "bond": ("bonds", "bond"),
}
_NOT_HERE = {
    "distill": "write the formula's file yourself; gcity-tui formula shows what it makes",
    "seed": "formulas are read when they are poured: there is nothing to seed",
    "step": "bd mol current shows the steps, bd close --continue goes on to the next",
}


def mol(call: "Call") -> None:
    what = call.need(0, ", ".join(_VERBS))
    if what in _NOT_HERE:
        raise Unsupported(f"bd mol {what} is not done here", cure=_NOT_HERE[what])
    if what in ("pour", "cook"):
        raise Unsupported(f"bd mol {what} needs the city's formulas", cure="use gcity-tui sling, or bd create --graph")
    if what not in _VERBS:
        raise Usage(f'unknown command "mol {what}"', cure=", ".join(_VERBS))
    call.rest = call.rest[1:]
    module, function = _VERBS[what]
    getattr(__import__(f"gcity_tui.beads.dialect.{module}", fromlist=[function]), function)(call)
