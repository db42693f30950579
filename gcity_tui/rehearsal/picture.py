"""What stands below the conversation: busy line, queue, dialog, composer, footer. Pure: a view in, lines out."""

from __future__ import annotations

from dataclasses import dataclass, field

from gcity_tui.rehearsal.composer import Composer
from gcity_tui.rehearsal.looks import VERBS, Look
from gcity_tui.rehearsal.wording import columns, one_line, wrap

Line = tuple[str, str]  # kind (key of `screen.STYLES`) and text


@dataclass(slots=True)
class Dialog:
    """A question on screen. `tool` and `detail` are what it is about; `detail` is empty for a plain question."""

    tool: str
    detail: str
    options: tuple[str, ...]
    chosen: int = 0
    head: str = ""
    """A menu of its own wording: what stands above its options, and `foot` below."""
    foot: str = ""

    @property
    def is_approval(self) -> bool:
        """True for a permission question, False for a plain one."""
        return bool(self.detail)


@dataclass(slots=True)
class View:
    """All that the picture is drawn from. Times in whole seconds."""

    look: Look
    composer: Composer
    folder: str
    topic: str
    busy: bool = False
    seconds: int = 0
    tokens: int = 0
    beat: int = 0
    escape_armed: bool = False
    hint: str = ""
    queue: list[str] = field(default_factory=list)  # taken up at the turn's next step where the look steers
    later: list[str] = field(default_factory=list)  # taken up when the turn is over
    dialog: Dialog | None = None
    notice: str = ""
    """In place of the footer, while it lasts."""

    def fill(self, template: str) -> str:
        """A look's template with this view's values."""
        look = self.look
        dialog = self.dialog
        return template.format(
            spin=look.spin[self.beat % len(look.spin)],
            mark=look.marks[self.beat % len(look.marks)],
            verb=VERBS[len(self.topic) % len(VERBS)],
            secs=self.seconds,
            tokens=self.tokens,
            topic=one_line(self.topic, 40),
            dir=self.folder,
            tool=dialog.tool if dialog else "",
            input=dialog.detail if dialog else "",
        )


@dataclass(frozen=True, slots=True)
class Picture:
    """Lines from top to bottom, none wider than the screen, and where the cursor stands in them."""

    lines: tuple[Line, ...]
    row: int
    column: int


def title(view: View) -> str:
    """The pane's title for this view."""
    look = view.look
    template = look.title_ask if view.dialog else look.title_busy if view.busy else look.title_idle
    return view.fill(template)


def draw(view: View, width: int, height: int) -> Picture:
    """The lines below the conversation on a screen of `width` × `height`."""
    if view.dialog:
        lines = _clip(_dialog(view, view.dialog, width), height - 1, width)
        return Picture(lines, len(lines) - 1, 0)
    above: list[Line] = []
    look = view.look
    if view.busy:
        above += [("busy", view.fill(look.busy)), ("plain", "")]
    if view.queue or view.later:
        if view.queue and look.queue_head:
            above.append(("dim", look.queue_head))
        above += [("dim", look.queue_line.format(text=one_line(text))) for text in view.queue]
        if view.later and look.steers:
            above.append(("dim", "• Queued follow-up inputs"))
        above += [("dim", look.queue_line.format(text=one_line(text))) for text in view.later]
    box, row, column = _composer(view, width, max(3, height - len(above) - 6))
    footer = view.hint or (look.escape_hint if view.escape_armed else "")
    footer = footer or view.notice or view.fill(look.footer_busy if view.busy else look.footer_idle)
    lines = _clip([*above, *box, ("dim", footer)] if footer else [*above, *box], height - 1, width)
    return Picture(lines, max(0, row + len(lines) - len(box) - (1 if footer else 0)), column)


def _clip(lines: list[Line], height: int, width: int) -> tuple[Line, ...]:
    """The last `height` lines, each cut at `width - 1` columns so that none wraps."""
    return tuple((kind, wrap(text, max(width - 1, 1))[0]) for kind, text in lines)[-max(height, 1) :]


def _composer(view: View, width: int, height: int) -> tuple[list[Line], int, int]:
    look = view.look
    inner = max(width - columns(look.prompt) - 5, 8)
    shown = view.composer.shown
    if look.name == "claude" and view.queue and not shown:
        shown_lines: list[Line] = [("dim", "Press up to edit queued messages")]
        row, column = 0, 0
    elif not shown:
        shown_lines, row, column = [("dim", look.placeholder)], 0, 0
    else:
        before = wrap(shown[: view.composer.shown_cursor], inner)
        row, column = len(before) - 1, columns(before[-1])
        shown_lines = [("plain", line) for line in wrap(shown, inner)]
        first = max(0, min(row - height + 1, len(shown_lines) - height)) if len(shown_lines) > height else 0
        shown_lines, row = shown_lines[first : first + height], row - first
    indent = " " * columns(look.prompt)
    lines = [(kind, (look.prompt if n == 0 else indent) + text) for n, (kind, text) in enumerate(shown_lines)]
    return _frame(look, lines, width, row, column + columns(look.prompt))


def _frame(look: Look, lines: list[Line], width: int, row: int, column: int) -> tuple[list[Line], int, int]:
    if look.frame == "rules":
        rule: Line = ("dim", "─" * (width - 1))
        return [rule, *lines, rule], row + 1, column
    if look.frame == "box":
        inner = width - 5
        boxed = [(kind, "│ " + text + " " * (inner - columns(text)) + " │") for kind, text in lines]
        top: Line = ("dim", "╭" + "─" * (inner + 2) + "╮")
        end: Line = ("dim", "╰" + "─" * (inner + 2) + "╯")
        return [top, *boxed, end], row + 1, column + 2
    if look.frame == "bar":
        # As there, the box's last row names mode and model, and its foot tells it from a message.
        barred: list[Line] = [(kind, "  ┃  " + text) for kind, text in lines]
        below: list[Line] = [("dim", "  ┃"), ("dim", "  ┃  Build · rehearsal"), ("dim", "  ╹" + "▀" * (width - 5))]
        return [("dim", "  ┃"), *barred, *below], row + 1, column + 5
    return [*lines, ("plain", "")], row, column


def _dialog(view: View, dialog: Dialog, width: int) -> list[Line]:
    look = view.look
    if dialog.head:
        return _menu(look, dialog, width)
    lines: list[Line] = [("dim", "─" * (width - 1))]
    if dialog.is_approval:
        lines += [("plain", line) for line in view.fill(look.ask_head).split("\n")]
        if look.ask_question:
            lines.append(("plain", view.fill(look.ask_question)))
    else:
        lines += [("plain", " " + one_line(dialog.tool)), ("plain", "")]
    if look.flat_options and dialog.is_approval:
        cells = [(look.ask_cursor if n == dialog.chosen else look.ask_other) + name for n, name in _numbered(dialog)]
        lines.append(("plain", "   " + "  ".join(cells)))
    else:
        for n, name in _numbered(dialog):
            mark = look.ask_cursor if n == dialog.chosen else look.ask_other
            lines.append(("bold" if n == dialog.chosen else "plain", f"{mark}{n + 1}. {name}"))
    foot = look.ask_foot if dialog.is_approval else "Enter to select · ↑/↓ to navigate · Esc to cancel"
    return [*lines, ("plain", ""), ("dim", foot)] if foot else lines


def _menu(look: Look, dialog: Dialog, width: int) -> list[Line]:
    """What a program asks besides a permission, with the frame that it draws around such things."""
    rows: list[Line] = [("plain", row) for row in dialog.head.split("\n")]
    for n, name in _numbered(dialog):
        mark = (look.ask_cursor if n == dialog.chosen else look.ask_other).removeprefix(" ")
        rows.append(("plain", f"{mark}{n + 1}. {name}"))
    rows.append(("plain", ""))
    if look.frame == "box":
        return _frame(look, rows, width, 0, 0)[0]
    return [("dim", "─" * (width - 1)), *rows, ("dim", dialog.foot)]


def _numbered(dialog: Dialog) -> list[tuple[int, str]]:
    return [(n, one_line(name, 80)) for n, name in enumerate(dialog.options)]
