"""The program in the pane: keyboard in, turns played in a thread, the screen kept up."""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from gcity_tui.rehearsal.composer import Composer
from gcity_tui.rehearsal.conversations import state_of
from gcity_tui.rehearsal.keys import Decoder, Input, Key, Paste, Typed
from gcity_tui.rehearsal.looks import Look
from gcity_tui.rehearsal.parts import Parts
from gcity_tui.rehearsal.picture import View, draw, title
from gcity_tui.rehearsal.player import PACES, Player
from gcity_tui.rehearsal.programs import Interrupted, Programs
from gcity_tui.rehearsal.screen import Screen
from gcity_tui.rehearsal.stage import Stage
from gcity_tui.rehearsal.transcript import Transcript

_BEAT = 0.5  # seconds between two redraws of a busy line
_FRAME = 0.03  # seconds between two redraws for any other cause
_ESCAPE = 0.03  # seconds after which a lone Escape byte is the Escape key
_TWICE = 2.0  # seconds within which a second Ctrl-C leaves
_REPLAYED = 30  # messages shown again on resume
_STOPS = {signal.SIGTERM: 143, signal.SIGHUP: 129}


@dataclass(frozen=True, slots=True)
class Said:
    """A message: the text, and how it stood in the composer."""

    text: str
    shown: str


class Agent:
    """One run of the program; `run` returns the exit code."""

    def __init__(self, look: Look, parts: Parts, pace: str, transcript: Transcript) -> None:
        self._look, self._transcript = look, transcript
        self._programs = Programs()
        self._stage = Stage(look, transcript, self._programs)
        self._player = Player(self._stage, parts, PACES[pace])
        self._screen = Screen(0, 1)
        self._decoder = Decoder()
        composer = Composer(look.fold_chars, look.fold_lines, look.fold_label)
        self._view = View(look, composer, Path.cwd().name, "rehearsal")
        self._live = state_of(look.name, transcript.session, transcript.folder)
        self._interrupted = False
        self._later: list[Said] = []
        self._turn: threading.Thread | None = None
        self._turn_done = threading.Event()
        self._turn_began = 0.0
        self._exit: int | None = None
        self._resize = False
        self._ctrl_c = 0.0
        self._drawn = 0.0
        self._state = ""

    def run(self, prompt: str) -> int:
        """Show the screen, take the first turn, serve the keyboard until it is over."""
        self._catch_signals()
        self._screen.enter()
        words = ""
        try:
            self._greet()
            in_city = any(os.environ.get(name) for name in ("GC_SESSION_NAME", "GC_SESSION_ID", "GC_AGENT"))
            if prompt or in_city:
                self._start(Said(prompt, prompt), is_start=True)
            self._look_after()
            while self._exit is None:
                self._wait()
                self._look_after()
            words = self._farewell()
        finally:
            self._programs.interrupt()
            self._stage.release()
            if self._turn is not None:
                self._turn.join(2.0)
            self._live.remove()
            self._screen.leave(words)
        return self._exit or 0

    # Beginning and end.

    def _catch_signals(self) -> None:
        def stop(number: int, _frame: FrameType | None) -> None:
            self._exit = _STOPS.get(signal.Signals(number), 130)
            self._stage.ring()

        def resize(_number: int, _frame: FrameType | None) -> None:
            self._resize = True
            self._stage.ring()

        for number in _STOPS:
            signal.signal(number, stop)
        signal.signal(signal.SIGWINCH, resize)
        signal.signal(signal.SIGINT, stop)

    def _greet(self) -> None:
        lines = [self._look.banner, f"  {Path.cwd()}", f"  session {self._transcript.session}"]
        for line in lines:
            self._stage.line("dim", line)
        for kind, text in _replay(self._transcript, self._look):
            self._stage.line(kind, "\n" + text)

    def _farewell(self) -> str:
        if self._exit != 0 or not self._screen.is_terminal:
            return ""
        return f"\nResume this session with:\nrehearsal --resume {self._transcript.session}"

    # The loop.

    def _wait(self) -> None:
        timeout: float | None = None
        if self._decoder.pending_escape:
            timeout = _ESCAPE
        elif self._turn is not None and not self._view.dialog:
            timeout = _BEAT
        watched = [self._stage.wake] if self._stage.deaf.is_set() else [0, self._stage.wake]
        ready, _, _ = select.select(watched, [], [], timeout)
        if self._stage.wake in ready:
            os.read(self._stage.wake, 65536)
        if 0 in ready and not self._stage.deaf.is_set():
            data = os.read(0, 65536)
            if not data:
                self._exit = 0 if self._turn is None else 129
            self._take(self._decoder.feed(data))
        elif not ready and self._decoder.pending_escape:
            self._take(self._decoder.flush())
        elif not ready:
            self._view.beat += 1

    def _look_after(self) -> None:
        """Bring state, screen, title and live file up to what happened."""
        if self._turn is not None and self._turn_done.is_set():
            self._turn.join()
            self._turn_over()
        rest = _FRAME - (time.monotonic() - self._drawn)
        if rest > 0 and self._turn is not None:
            time.sleep(rest)
        view = self._view
        view.dialog = self._stage.dialog
        view.busy = self._turn is not None
        view.topic = self._player.topic or "rehearsal"
        view.seconds = int(time.monotonic() - self._turn_began) if view.busy else 0
        view.tokens = self._stage.tokens
        view.notice = self._stage.notice
        view.queue = self._stage.steering()
        view.later = [said.shown for said in self._later]
        if not self._look.steers:
            view.queue, view.later = view.later, []
        self._tell_state()
        picture = draw(view, self._screen.width, self._screen.height)
        said = self._stage.collect()
        if self._resize:
            self._resize = False
            self._screen.measure()
            picture = draw(view, self._screen.width, self._screen.height)
            self._screen.resized(picture)
        self._screen.update(said, picture)
        self._screen.title(title(view))
        self._drawn = time.monotonic()

    def _tell_state(self) -> None:
        state = "waiting" if self._view.dialog else "busy" if self._view.busy else "idle"
        if state != self._state:
            self._state = state
            self._live.set(state, "permission prompt" if state == "waiting" else "", interrupted=self._interrupted)

    # Turns.

    def _start(self, said: Said, is_start: bool = False) -> None:
        if said.text:
            self._stage.line("user", "\n" + self._look.user.format(text=said.shown))
            self._transcript.user(said.text, "argument" if is_start else "typed")
        self._programs.resume()
        self._stage.tokens = 0
        self._turn_began = time.monotonic()
        self._view.escape_armed = False
        self._turn_done.clear()
        self._interrupted = False
        self._turn = threading.Thread(target=self._play, args=(said.text, is_start), name="turn", daemon=True)
        self._turn.start()

    def _play(self, text: str, is_start: bool) -> None:
        try:
            self._player.turn(text, is_start)
            if self._look.done:
                self._stage.line("dim", "\n" + self._look.done.format(secs=int(time.monotonic() - self._turn_began)))
        except Interrupted:
            self._interrupted = True
            if self._exit is None:
                self._stage.interrupted()
        finally:
            self._turn_done.set()
            self._stage.ring()

    def _turn_over(self) -> None:
        self._turn = None
        self._view.escape_armed = False
        self._later = [Said(text, text) for text in self._stage.take_steering()] + self._later
        if self._later:
            self._start(self._later.pop(0))
        elif os.environ.get("GC_LIFECYCLE") == "one_shot" and not self._programs.stop.is_set():
            self._exit = 0

    # The keyboard.

    def _take(self, inputs: list[Input]) -> None:
        for item in inputs:
            if isinstance(item, Key):
                self._key(item.name)
            elif self._view.dialog and self._stage.dialog:
                if isinstance(item, Typed):
                    for char in item.text:
                        self._letter(char)
            elif isinstance(item, Paste):
                self._view.composer.paste(item.text)
            else:
                self._view.composer.type(item.text)
            self._view.dialog = self._stage.dialog

    def _key(self, name: str) -> None:
        self._view.hint = ""
        if name != "escape":
            self._view.escape_armed = False
        if name in ("ctrl-c", "ctrl-d"):
            self._leave_or_clear(name)
        elif self._view.dialog:
            self._dialog_key(name)
        elif name == "enter":
            self._submit(steer=True)
        elif name == "tab" and self._look.steers and self._turn is not None:
            self._submit(steer=False)
        elif name == "escape":
            self._escape()
        elif name == "up" and self._later and not self._view.composer.cells:
            self._view.composer.put("\n".join(said.text for said in self._later))
            self._later.clear()
        else:
            self._view.composer.edit(name)

    def _submit(self, steer: bool) -> None:
        composer = self._view.composer
        said = Said(composer.text.strip("\n"), composer.shown)
        composer.take()
        if not said.text.strip():
            return
        if said.text.strip() in ("/exit", "/quit"):
            self._exit = 0
        elif self._turn is None:
            self._start(said)
        elif steer and self._look.steers:
            self._stage.steer(said.text)
        else:
            self._later.append(said)

    def _escape(self) -> None:
        if self._turn is None:
            return
        if self._look.escapes > 1 and not self._view.escape_armed:
            self._view.escape_armed = True
            return
        self._programs.interrupt()

    def _leave_or_clear(self, name: str) -> None:
        now = time.monotonic()
        if self._view.composer.cells and name == "ctrl-c":
            self._view.composer.take()
        elif now - self._ctrl_c <= _TWICE:
            self._exit = 0
        elif self._turn is not None and name == "ctrl-c":
            self._programs.interrupt()
            self._stage.release()
        self._ctrl_c = now
        self._view.hint = f"  Press {name.title()} again to exit"

    def _dialog_key(self, name: str) -> None:
        dialog = self._view.dialog
        if dialog is None:
            return
        step = {"up": -1, "left": -1, "down": 1, "right": 1, "tab": 1, "backtab": -1}.get(name)
        if name == "enter":
            self._stage.answer(dialog.chosen)
        elif name == "escape":
            self._stage.answer(None)
        elif step:
            dialog.chosen = (dialog.chosen + step) % len(dialog.options)

    def _letter(self, char: str) -> None:
        dialog = self._view.dialog
        if dialog is None:
            return
        if self._look.flat_options and dialog.is_approval:
            self._dialog_key({"h": "left", "l": "right"}.get(char, ""))
        elif char.isdigit() and 1 <= int(char) <= len(dialog.options):
            self._stage.answer(int(char) - 1)
        elif self._look.letters:
            wanted = _LETTERS.get(char.lower())
            fits = [n for n, name in enumerate(dialog.options) if wanted and wanted(name.lower())]
            if fits:
                self._stage.answer(fits[0])


_LETTERS: dict[str, Callable[[str], bool]] = {
    "y": lambda name: name.startswith(("yes", "allow")),
    "p": lambda name: "don't ask again" in name or "always" in name,
    "n": lambda name: name.startswith(("no", "reject", "deny")),
}


def _replay(transcript: Transcript, look: Look) -> list[tuple[str, str]]:
    """The conversation so far, as it is shown again on resume."""
    shown = []
    for who, text in transcript.earlier[-_REPLAYED:]:
        kind, template = ("user", look.user) if who == "user" else ("plain", look.say)
        shown.append((kind, template.format(text=text[:400])))
    return shown
