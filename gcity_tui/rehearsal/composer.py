"""The box a person types in: text stands there until Enter; a long paste stands there folded."""

from __future__ import annotations

from dataclasses import dataclass, field

from gcity_tui.rehearsal.wording import harmless


@dataclass(slots=True)
class Composer:
    """`cells` are single characters, or whole pastes that are shown folded; `cursor` counts cells.

    `fold_chars` and `fold_lines` are the sizes above which a paste is folded; `label` is a format string with `n`
    (number of the paste), `lines` (newlines in it), `rows` (one more) and `chars`.
    """

    fold_chars: int
    fold_lines: int
    label: str
    cells: list[str] = field(default_factory=list)
    cursor: int = 0
    _pastes: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """What would be submitted, pastes unfolded."""
        return "".join(self.cells)

    @property
    def shown(self) -> str:
        """What stands on the screen."""
        return "".join(self._face(cell) for cell in self.cells)

    @property
    def shown_cursor(self) -> int:
        """The cursor's place in `shown`."""
        return sum(len(self._face(cell)) for cell in self.cells[: self.cursor])

    def _face(self, cell: str) -> str:
        return self._pastes.get(cell, cell) if len(cell) > 1 else cell

    def type(self, text: str) -> None:
        """Typed characters, at the cursor."""
        clean = [char for char in text if char == "\n" or char.isprintable()]
        self.cells[self.cursor : self.cursor] = clean
        self.cursor += len(clean)

    def paste(self, text: str) -> None:
        """One paste, at the cursor; folded when it is long. Its control characters are dropped."""
        text = harmless(text)
        if len(text) <= self.fold_chars and text.count("\n") <= self.fold_lines:
            self.type(text)
            return
        number = len(self._pastes) + 1
        self._pastes[text] = self.label.format(
            n=number, lines=text.count("\n"), rows=text.count("\n") + 1, chars=len(text)
        )
        self.cells.insert(self.cursor, text)
        self.cursor += 1

    def take(self) -> str:
        """The text, and an empty composer."""
        text = self.text
        self.cells.clear()
        self.cursor = 0
        return text

    def put(self, text: str) -> None:
        """Replace what stands there (queued text taken back for editing)."""
        self.take()
        self.paste(text)

    def edit(self, key: str) -> bool:
        """Carry out an editing key; False when `key` is none."""
        if key == "backspace":
            if self.cursor:
                self.cursor -= 1
                del self.cells[self.cursor]
        elif key == "delete":
            del self.cells[self.cursor : self.cursor + 1]
        elif key == "newline":
            self.type("\n")
        elif key == "left":
            self.cursor = max(0, self.cursor - 1)
        elif key == "right":
            self.cursor = min(len(self.cells), self.cursor + 1)
        elif key == "home":
            self.cursor = self._line_start()
        elif key == "end":
            self.cursor = self._line_end()
        elif key == "ctrl-u":
            start = self._line_start()
            del self.cells[start : self.cursor]
            self.cursor = start
        elif key == "ctrl-k":
            del self.cells[self.cursor : self._line_end()]
        elif key == "ctrl-w":
            start = self.cursor
            while start and self.cells[start - 1] == " ":
                start -= 1
            while start and self.cells[start - 1] != " ":
                start -= 1
            del self.cells[start : self.cursor]
            self.cursor = start
        else:
            return False
        return True

    def _line_start(self) -> int:
        place = self.cursor
        while place and self.cells[place - 1] != "\n":
            place -= 1
        return place

    def _line_end(self) -> int:
        place = self.cursor
        while place < len(self.cells) and self.cells[place] != "\n":
            place += 1
        return place
