"""Answering a question that a program asks: by its label, after a second look, never twice. Runs in the lane."""

from __future__ import annotations

import time

from gcity_tui.model.errors import NoInteraction, Refused, Usage
from gcity_tui.model.session import Phase
from gcity_tui.workers.pane import Pane
from gcity_tui.workers.screen import TOLD, Asked, Option

GONE = 5.0
"""Seconds in which an answered question must leave the screen."""
LEAVES = 1.0
"""Seconds in which the line is drawn that is left of an answered menu."""
_WORDS = {
    "approve": ("yes", "allow once", "approve once", "yes, proceed", "allow"),
    "deny": ("no", "reject", "no, suggest changes", "no, and tell", "no,"),
}


class Answers:
    """Answers for one session. Remembers what it answered until that is off the screen."""

    def __init__(self, pane: Pane) -> None:
        self.pane = pane
        self._answered = ""

    def respond(self, option: str, request_id: str = "") -> str:
        """Pick `option` (a label, the start of one that fits only one, or approve, deny, cancel).

        Returns the label that was picked. Raises NoInteraction (nothing asked, or another question than `request_id`),
        Usage (no such option), Refused (answered already, or it did not go away).
        """
        asked = self._asked(request_id)
        name = asked.request_id(self.pane.epoch)
        if name == self._answered:
            raise Refused("this question was answered already", cure="look at the agent: it may not have taken the key")
        if option.strip().lower() == "cancel" and not any(o.label.lower() == "cancel" for o in asked.options):
            picked, keys = "cancel", asked.dialog.cancel
        else:
            chosen = choose(asked, option)
            picked, keys = asked.options[chosen].label, keys_for(asked, chosen)
        self._asked(name)  # the second look: the same question, at the last moment
        self._answered = name
        self.pane.press(keys, 0.06)
        if not self.pane.until(lambda: self._over(name), GONE, 0.02):
            if asked.dialog.kind in TOLD:
                self._answered = ""  # one that tries again and is refused asks the same at once: nothing is agreed to
            raise Refused(f"{picked!r} was pressed and the question is still there", cure="attach and look")
        self._answered = ""
        if asked.dialog.kind in TOLD:  # a line may be left of it, and until that is drawn it looks ready
            self.pane.until(lambda: self.pane.see().claim not in (Phase.READY, Phase.UNKNOWN), LEAVES, 0.05)
        return picked

    def _asked(self, request_id: str) -> Asked:
        row = self.pane.alive()
        seen = self.pane.see() if row is not None else None
        if seen is None or seen.asked is None or not seen.question:
            self._answered = ""
            raise NoInteraction("nothing is being asked")
        if request_id and seen.asked.request_id(self.pane.epoch) != request_id:
            raise NoInteraction("another question is open by now", cure="look at it first")
        return seen.asked

    def _over(self, name: str) -> bool:
        if self.pane.alive() is None:
            return True
        seen = self.pane.see()
        if seen.claim is Phase.BUSY:
            return True  # one that tries again, and is refused, asks the same a moment later
        if seen.asked is None:
            time.sleep(0.03)  # between two drawings a screen may be empty
            seen = self.pane.see()
        return seen.asked is None or seen.asked.request_id(self.pane.epoch) != name


def choose(asked: Asked, option: str) -> int:
    """Index of the option that `option` means. Raises Usage with the labels when none or several fit."""
    labels = [o.label.lower() for o in asked.options]
    wanted = " ".join(option.lower().split())
    if not wanted:
        raise Usage("no option named", cure=_listed(asked.options))
    if labels.count(wanted) == 1:
        return labels.index(wanted)
    for word in _WORDS.get(wanted, ()):
        if labels.count(word) == 1:
            return labels.index(word)
        starts = [i for i, label in enumerate(labels) if label.startswith(word)]
        if len(starts) == 1 and word != "no":
            return starts[0]
    starts = [i for i, label in enumerate(labels) if label.startswith(wanted)]
    if len(starts) == 1:
        return starts[0]
    what = "several options fit" if starts else "no option is"
    raise Usage(f"{what} {option!r}", cure=_listed(asked.options))


def _listed(options: tuple[Option, ...]) -> str:
    return "options: " + " | ".join(o.label for o in options) if options else "this question has no options we can read"


def keys_for(asked: Asked, index: int) -> tuple[str, ...]:
    """The keys that pick option `index`: its own key, or steps from where the cursor stands and Enter."""
    how, option = asked.dialog.choose, asked.options[index]
    if how in ("digit", "letter"):
        key = option.key if how == "letter" else option.key or str(index + 1)
        if len(key) != 1:
            raise Usage(f"option {option.label!r} has no key of one character")
        return (key,)
    if how == "line":
        return (option.key.lower(), "Enter")
    here = next((i for i, o in enumerate(asked.options) if o.chosen), 0)
    forward, back = ("Right", "Left") if how == "sideways" else ("Down", "Up")
    steps = index - here
    return (*((forward if steps > 0 else back,) * abs(steps)), "Enter")
