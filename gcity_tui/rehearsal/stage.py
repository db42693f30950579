"""Where the playing thread meets the screen: what is said goes out, questions and steering come back."""

from __future__ import annotations

import os
import threading
from collections import deque

from gcity_tui.rehearsal.looks import Look
from gcity_tui.rehearsal.picture import Dialog, Line
from gcity_tui.rehearsal.programs import Interrupted, Programs
from gcity_tui.rehearsal.transcript import Transcript
from gcity_tui.rehearsal.wording import harmless

_SHOWN = 4  # lines of a tool's output that are shown


class Stage:
    """Shared by two threads: fields are touched under `_lock`, and a byte in `wake` tells the screen to look."""

    def __init__(self, look: Look, transcript: Transcript, programs: Programs) -> None:
        self.look, self.transcript, self.programs = look, transcript, programs
        self.wake, self._bell = os.pipe()
        os.set_blocking(self._bell, False)
        self._lock = threading.Lock()
        self._said: deque[Line] = deque()
        self._steering: deque[str] = deque()
        self._answered = threading.Event()
        self._answer: int | None = None
        self.dialog: Dialog | None = None
        self.tokens = 0
        self._call = ""  # the tool call that runs
        self.notice = ""  # shown in place of the footer
        self.deaf = threading.Event()  # a part plays an agent that no longer reads its keyboard

    def ring(self) -> None:
        """Something changed."""
        try:
            os.write(self._bell, b"!")
        except BlockingIOError:
            pass

    def line(self, kind: str, text: str) -> None:
        """One or more lines into the conversation."""
        with self._lock:
            self._said.extend((kind, part) for part in harmless(text).split("\n"))
            self.tokens += len(text) // 4
        self.ring()

    def collect(self) -> list[Line]:
        """What was said since the last call (the screen's side)."""
        with self._lock:
            said = list(self._said)
            self._said.clear()
        return said

    def steer(self, text: str) -> None:
        """Text for the running turn's next step."""
        with self._lock:
            self._steering.append(text)

    def steering(self) -> list[str]:
        """What waits for the turn's next step."""
        with self._lock:
            return list(self._steering)

    def take_steering(self) -> list[str]:
        """The same, taken."""
        with self._lock:
            texts = list(self._steering)
            self._steering.clear()
        return texts

    # The agent's words: in the transcript, then on screen, so that what is seen can be read there.

    def refused(self, line: str) -> None:
        """The model answers no more: the turn's last word, as the program shows it."""
        if line:
            self.transcript.says(" ".join(line.split()), True)
            self.line("bad", line)

    def says(self, text: str, last: bool = False) -> None:
        """Text of the agent; `last` ends the turn in the transcript."""
        self.transcript.says(text, last)
        self.line("plain", "\n" + self.look.say.format(text=text))

    def thinks(self, text: str) -> None:
        """Thinking, dim."""
        self.transcript.thinks(text)
        self.line("dim", "\n" + self.look.think.format(text=text))

    def tool(self, name: str, shown: str, given: dict[str, object]) -> str:
        """A tool call begins; its id."""
        self._call = self.transcript.tool_use(name, given)
        self.line("bold", "\n" + self.look.tool.format(tool=name, input=harmless(shown)))
        return self._call

    def tool_done(self, call: str, output: str, code: int = 0) -> None:
        """Its result, folded on screen, whole in the transcript."""
        self.transcript.tool_result(call, harmless(output), failed=code != 0, exitCode=code)
        self._call = ""
        lines = harmless(output).split("\n") if output else ["(No output)"]
        if code:
            lines.insert(0, f"Error: Exit code {code}")
        kind = "bad" if code else "dim"
        templates = [self.look.result, *[self.look.more] * _SHOWN]
        for template, text in zip(templates, lines[:_SHOWN], strict=False):
            self.line(kind, template.format(text=text))
        if len(lines) > _SHOWN:
            self.line("dim", self.look.more.format(text=f"… +{len(lines) - _SHOWN} lines"))

    def interrupted(self) -> None:
        """The turn was interrupted: say so on screen and in the transcript, and settle the tool call that ran."""
        in_tool = bool(self._call)
        if in_tool:
            self.transcript.tool_result(self._call, "Interrupted by the user.", failed=True, interrupted=True)
            self._call = ""
        self.transcript.interrupted(in_tool)
        self.line("bad", self.look.interrupted)

    # Questions.

    def ask(self, dialog: Dialog) -> int | None:
        """Put the question and wait; the option's number, or None when it was cancelled. `Interrupted` on a signal."""
        with self._lock:
            self.dialog, self._answer = dialog, None
            self._answered.clear()
        self.ring()
        self._answered.wait()
        with self._lock:
            self.dialog = None
        self.ring()
        if self.programs.stop.is_set():
            raise Interrupted
        return self._answer

    def answer(self, option: int | None) -> None:
        """The screen's side: the person chose (None: Escape)."""
        with self._lock:
            self._answer = option
            self.dialog = None
        self._answered.set()

    def release(self) -> None:
        """Let a waiting question go (the program ends)."""
        self._answered.set()
