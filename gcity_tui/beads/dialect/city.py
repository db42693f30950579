"""Commands of bd that are the city's here, or nobody's: formulas, mail, Dolt. Each says who does it instead."""

from gcity_tui.model.errors import Unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gcity_tui.beads.dialect.call import Call

_DONE = {
    "bootstrap": "Nothing to bootstrap: the ledger is there",
    "vc": "Nothing to commit: every write is in the ledger when its command ends",
    "daemons": "No daemon here: every command reads and writes the ledger itself, or asks the city's controller",
    "dolt": "No Dolt here: every write is in the ledger already, and `bd export` makes a copy to carry elsewhere",
}


def nothing(call: "Call") -> None:
    """Prompts end their sessions with these; there is nothing to do, and that is no failure."""
    said = _DONE[call.command]
    call.ledger  # noqa: B018  (outside a workspace it fails as every command does)
    call.give({"status": "ok", "message": said}) if call.json else call.say(said)


def formula(call: "Call") -> None:
    """Formulas are files of the city and its packs; the ledger holds what was poured of them."""
    raise Unsupported(
        f"bd {call.command} needs the city's formulas, which the ledger does not read",
        cure="gcity-tui formulas, or gcity-tui sling; or bd create --graph with the plan",
    )


def activity(call: "Call") -> None:
    """A feed that bd had once and has no more; a call answers once, and what follows is another program's."""
    raise Unsupported(
        "bd activity is no command of bd 1.0", cure="gcity-tui events --follow, or bd list --sort updated"
    )


def mail(call: "Call") -> None:
    raise Unsupported("bd mail is not the ledger's", cure="gc mail check|inbox|send|read")
