"""What a captured screen says, told by the provider's regexes: ready, busy, a question, a draft, a limit. Pure."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache

from gcity_tui.model.declared import Dialog, Screen
from gcity_tui.model.session import Pending, Phase
from gcity_tui.model.text import clean, one_line

LOW = 24
"""Rows from the bottom in which a busy line counts: further up it is something the agent wrote."""
BELOW = 5
"""Rows that may stand under a dialog (its own hints, a footer)."""
TOLD = ("limit", "auth")
"""Kinds that some programs only tell in a line of the conversation, with the input line below it as ever."""
NEAR = 8
"""Rows that may stand between what such a dialog says and its choices: further down they are another's."""
_RULE = re.compile(r"^[\s─━╭╰╮╯│┃┌└┐┘▀▄-]*$")
_UNSEEN = re.compile("[\u200b-\u200f\u2060-\u206f\ufeff]")
_KEYED = re.compile(r"^\((\w)\)(?=\w)")
_DASHES = re.compile(r"^\s*[─━╭╰]{8,}")


@dataclass(frozen=True, slots=True)
class Option:
    """A choice of a dialog: the key that picks it, what it says, and whether the cursor stands on it."""

    key: str
    label: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A dialog that is open on the screen. Not `open`: told in a line, with the input line below it."""

    dialog: Dialog
    prompt: str
    detail: str
    options: tuple[Option, ...]
    open: bool = True

    def request_id(self, epoch: int) -> str:
        """Names this question in this conversation."""
        told = "\x00".join((self.dialog.id, self.prompt, self.detail, *(o.label for o in self.options), str(epoch)))
        return hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at a screen. `claim` UNKNOWN: nothing on it is known.

    `draft` is what stands in the composer unsent, `composer` whether there is one, `folded` a draft that is shown as a
    placeholder, `queued` that the program holds text back.
    """

    claim: Phase
    detail: str = ""
    asked: Asked | None = None
    composer: bool = False
    draft: str = ""
    folded: bool = False
    queued: bool = False

    @property
    def question(self) -> bool:
        """A person has to choose: an approval, a question, or what is to be done about a used-up allowance."""
        asked = self.asked
        if asked is None or not asked.open:
            return False
        return asked.dialog.kind in ("approval", "question") or (asked.dialog.kind in TOLD and bool(asked.options))


@lru_cache(512)
def pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.MULTILINE)


def _last(regex: str, text: str) -> re.Match[str] | None:
    last = None
    for found in pattern(regex).finditer(text):
        last = found
    return last


def see(screen: Screen, text: str) -> Seen:
    """`text` is the visible screen, plain, a line per row."""
    text = _UNSEEN.sub("", clean(text))  # some draw their cursor as a blank that has no width
    text = "\n".join(row.rstrip() for row in text.split("\n")).rstrip("\n")
    asked = find_dialog(screen, text)
    if asked is not None:
        kind = asked.dialog.kind
        claim = {"limit": Phase.LIMITED, "auth": Phase.LIMITED, "startup": Phase.STARTING}.get(kind, Phase.WAITING)
        composer, draft = (False, "") if asked.open else composer_text(screen, text)
        return Seen(claim, one_line(f"{asked.prompt or asked.dialog.id}", 200), asked, composer, draft)
    composer, draft = composer_text(screen, text)
    folded = bool(draft and screen.pasted and pattern(screen.pasted).search(draft))
    low = "\n".join([r for r in text.split("\n") if r.strip()][-LOW:])
    queued = bool(screen.queued and pattern(screen.queued).search(low))
    busy = pattern(screen.busy).search(low) if screen.busy else None
    if busy:
        return Seen(Phase.BUSY, one_line(busy.group(), 60), None, composer, draft, folded, queued)
    ready = pattern(screen.ready).search(low) if screen.ready else None
    if ready:
        return Seen(Phase.READY, "its prompt is there", None, composer, draft, folded, queued)
    return Seen(Phase.UNKNOWN, "nothing on it is known", None, composer, draft, folded, queued)


def find_dialog(screen: Screen, text: str) -> Asked | None:
    """The dialog at the bottom of the screen; one that only scrolled by is none.

    What is told of an allowance or a login stays on the screen while other things are asked: it counts after those.
    """
    for dialog in sorted(screen.dialogs, key=lambda d: d.kind in TOLD):
        last = _last(dialog.match, text)
        if last is None:
            continue
        start = _block_start(text, last.start())
        block, told = text[start:], dialog.kind in TOLD
        options = _options(dialog, text[last.start() :], "" if told else text[start : last.start()])
        end = last.end()
        if options:
            found = list(pattern(dialog.options).finditer(text, last.start())) or list(
                pattern(dialog.options).finditer(text, start)
            )
            if told and sum(1 for row in text[end : found[0].start()].split("\n") if row.strip()) > NEAR:
                options = ()
            else:
                end = max(end, found[-1].end())
        is_open = _at_bottom(screen, text, end)
        if told and not is_open:
            options, end = (), last.end()
        if not is_open and not (told and _last_word(screen, text, end)):
            continue
        prompt = _prompt(dialog, block, text[last.start() :]) or one_line(last.group(), 200)
        return Asked(dialog, prompt, _detail(dialog, last, block, prompt), options, is_open)
    return None


def _at_bottom(screen: Screen, text: str, end: int) -> bool:
    rest = text[end:]
    if sum(1 for row in rest.split("\n")[1:] if not _RULE.match(row)) > BELOW:
        return False
    return not (screen.composer and pattern(screen.composer).search(text, _next_line(text, end)))


def _last_word(screen: Screen, text: str, end: int) -> bool:
    """Whether what ends at `end` is the last that was said, with the input line below it and no other between them."""
    if not screen.composer or (screen.busy and pattern(screen.busy).search(text, end)):
        return False
    below = list(pattern(screen.composer).finditer(text, _next_line(text, end)))
    if len(below) != 1:
        return False
    between = text[end : below[0].start()].split("\n")[1:]
    return sum(1 for row in between if not _RULE.match(row)) <= BELOW


def _next_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _block_start(text: str, at: int) -> int:
    """Where the dialog's block begins: behind the nearest rule above, at most 30 rows up."""
    rows = text[:at].split("\n")
    taken = 0
    for n, row in enumerate(reversed(rows)):
        if (n and _DASHES.match(row)) or n > 30:
            break
        taken += len(row) + 1
    return max(at - taken + 1, 0)


def _options(dialog: Dialog, below: str, above: str) -> tuple[Option, ...]:
    if not dialog.options:
        return ()
    for text in (below, above + below):
        found = []
        for m in pattern(dialog.options).finditer(text):
            groups = m.groupdict()
            label = " ".join((groups.get("label") or "").strip(" │\xa0").split())
            label = _KEYED.sub(r"\1", label)
            found.append(Option(groups.get("key") or "", label, bool(groups.get("cursor"))))
        if found:
            return tuple(found)
    return ()


def _prompt(dialog: Dialog, block: str, below: str) -> str:
    if not dialog.prompt:
        return ""
    last = _last(dialog.prompt, block) or pattern(dialog.prompt).search(below)
    return one_line((last.re.groups and last.group(1)) or last.group(), 300) if last else ""


def _detail(dialog: Dialog, match: re.Match[str], block: str, prompt: str) -> str:
    """The exact command or diff: group `detail`, else what stands in the block above the choices but the question."""
    named = match.groupdict().get("detail")
    if named:
        return _rows(named, prompt)[:4000]
    asked = _last(dialog.prompt, block) if dialog.prompt else None
    start, end = asked.span() if asked else (len(block), len(block))
    first = pattern(dialog.options).search(block, end) if dialog.options else None
    below = _rows(block[end : first.start() if first else end], prompt)
    above = _rows("\n".join(block[: min(start, first.start() if first else start)].split("\n")[-16:]), prompt)
    return (below or above)[:4000]


def _rows(text: str, prompt: str) -> str:
    rows = [row.strip(" │┃") for row in text.split("\n") if not _RULE.match(row)]
    return "\n".join(r for r in rows if r and one_line(r, 300) not in prompt)


def composer_text(screen: Screen, text: str) -> tuple[bool, str]:
    """(is there a composer, what stands in it). Rows that it wraps to are joined as they stand.

    A pattern whose group spans rows knows where its box ends, so that a blank row in it ends nothing.
    """
    if not screen.composer:
        return False, ""
    last = _last(screen.composer, text)
    if last is None:
        return False, ""
    first = (last.group(1) if last.re.groups else "").replace("\xa0", " ").rstrip()
    if screen.margin:
        first = pattern(screen.margin).sub("", first)
    if "\n" in first or first.lstrip().startswith("┃"):
        first = "\n".join(_bare(row) for row in first.split("\n")).strip()
    if not first.strip() or (screen.placeholder and pattern(screen.placeholder).search(first.strip(" "))):
        return True, ""
    rows = [first]
    at = _next_line(text, last.end())
    for row in text[at:].split("\n")[:40]:
        stripped = _bare(row)
        if not stripped or _RULE.match(row) or not row.startswith((" ", "│")):
            break
        rows.append(stripped)
    return True, "\n".join(rows).strip()


def _bare(row: str) -> str:
    """A row without the frame around it."""
    return row.strip().strip("│┃").strip()


def pending_of(seen: Seen, epoch: int, since: float) -> Pending | None:
    """The question as a value, None when no person is asked."""
    if seen.asked is None or not seen.question:
        return None
    asked = seen.asked
    labels = tuple(o.label for o in asked.options)
    return Pending(asked.request_id(epoch), asked.dialog.kind, asked.prompt, labels, asked.detail, since)


_FOLD_END = re.compile(r"^[^\[\]\n]{0,40}\]")


def holds(seen: Seen, text: str) -> bool:
    """Whether the composer holds `text`: its words, or the beginning of them where the box is too small, or a fold."""
    if seen.folded:
        return True
    shown, wanted = _letters(seen.draft), _letters(text)
    if bool(shown) and (shown == wanted or wanted.startswith(shown) or (len(shown) > 20 and shown in wanted)):
        return True
    # A fold of which only the end is on the screen, and behind it the end of the text.
    behind = _letters(_FOLD_END.sub("", seen.draft, count=1))
    if 20 < len(behind) < len(shown) and wanted.endswith(behind):
        return True
    # gemini loses letters at the end of a row that holds a tab, and parts of a sign that is made of several.
    return len(shown) > 20 and len(shown) >= 0.9 * len(wanted) and _thinned(shown, wanted)


def _thinned(shown: str, wanted: str) -> bool:
    """Whether `shown` is `wanted` with letters left out, and no other in it."""
    rest = iter(wanted)
    return all(letter in rest for letter in shown)


def _letters(text: str) -> str:
    """What is left when every blank is taken out: wrapping moves them."""
    return "".join(_UNSEEN.sub("", clean(text)).split())
