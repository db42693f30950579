"""One session's pane as its lane uses it: look, judge, type, press; every look is noted as evidence."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from gcity_tui.model.declared import Provider
from gcity_tui.model.errors import NotFound, Refused
from gcity_tui.model.session import Judgement, Phase
from gcity_tui.tmux.hands import Hands
from gcity_tui.tmux.panes import PaneRow
from gcity_tui.workers.screen import Seen, pattern, see
from gcity_tui.workers.state import Senses

Clock = Callable[[], float]


class Pane:
    """`name` is the tmux session. `epoch` numbers the conversation, so that a question can be named."""

    def __init__(
        self, name: str, provider: Provider, hands: Hands, senses: Senses, *, epoch: int = 1, clock: Clock = time.time
    ) -> None:
        self.name, self.provider, self.hands, self.senses, self.epoch, self.clock = (
            name,
            provider,
            hands,
            senses,
            epoch,
            clock,
        )
        self.lock = threading.RLock()

    def row(self) -> PaneRow | None:
        """None: there is no such session. Raises RuntimeUnavailable when tmux does not say."""
        try:
            row = self.hands.pane(self.name)
        except NotFound:
            return None
        self.senses.pid = 0 if row.dead else row.pid
        return row

    def alive(self) -> PaneRow | None:
        row = self.row()
        return None if row is None or row.dead else row

    def need_alive(self) -> PaneRow:
        """Raises Refused when no program runs in it."""
        row = self.alive()
        if row is None:
            raise Refused("the agent is not running", cure="start it first")
        return row

    def see(self) -> Seen:
        """Capture the screen now. Raises NotFound when the session is gone."""
        seen = see(self.provider.screen, self.hands.text(self.name))
        with self.lock:
            return self.senses.saw(seen, self.clock(), self.epoch)

    def judge(self, row: PaneRow | None) -> Judgement:
        with self.lock:
            return self.senses.judgement(row, self.clock())

    def phase(self) -> Phase:
        """What it is doing, told from everything there is: one row, one capture."""
        row = self.row()
        if row is not None and not row.dead:
            try:
                self.see()
            except NotFound:
                row = None
        return self.judge(row).phase

    def text(self, lines: int | None = None, history: int = 0) -> str:
        return self.hands.text(self.name, lines, history=history)

    def press(self, keys: tuple[str, ...], apart: float = 0.1) -> None:
        """Each key by itself: programs take keys that come in one breath for a paste or for one key."""
        for n, key in enumerate(keys):
            if n:
                time.sleep(apart)
            self.hands.keys(self.name, key)

    def interrupt(self) -> None:
        """The provider's keys for it. Two Escapes in one breath are one key of another kind, so they are kept apart.

        Where the program says that it waits for the second, that comes when it does: on a busy machine it says so late,
        and not for long.
        """
        keys, again = self.provider.interrupt_keys, self.provider.screen.again
        if again and len(keys) == 2:
            self.press(keys[:1])
            time.sleep(0.1)
            self.until(lambda: pattern(again).search(self.text()) is not None, 1.5, 0.02)
            self.press(keys[1:])
            return
        self.press(keys, 0.15 if len(set(keys)) == len(keys) else 0.4)

    def until(self, fits: Callable[[], bool], seconds: float, every: float = 0.05) -> bool:
        """Whether `fits` became true in time. The screen of another process rings no bell here, so this looks again."""
        deadline = time.monotonic() + seconds
        while not fits():
            if time.monotonic() >= deadline:
                return False
            time.sleep(every)
        return True


def incarnation(row: PaneRow) -> str:
    """Names this very process in this very pane."""
    return f"{row.pane}:{row.created}:{row.pid}"
