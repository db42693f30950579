"""The acts of a part. Each may be played again from the top after a kill at any moment, and then does not double."""

from __future__ import annotations

import json
import os
import shlex
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gcity_tui.rehearsal.parts import Act, Parts
from gcity_tui.rehearsal.picture import Dialog
from gcity_tui.rehearsal.reach import Bead, Reach, own_names
from gcity_tui.rehearsal.refusals import LIMITS, LOGINS, TurnRefused
from gcity_tui.rehearsal.repository import Repository
from gcity_tui.rehearsal.stage import Stage
from gcity_tui.rehearsal.wording import one_line

_TRIES = 0.4  # seconds in which a model refuses once more
_RUN_LIMIT = 600.0  # seconds, unless the act names its own


class ActError(Exception):
    """An act that failed, with what it said."""


class Hand:
    """Does the acts of one part, for `bead` (None while a free message is answered)."""

    def __init__(
        self, stage: Stage, reach: Reach, parts: Parts, repository: Repository, bead: Bead | None, beat: float
    ) -> None:
        self._stage, self._reach, self._parts, self._repository = stage, reach, parts, repository
        self.bead = bead
        self._beat = beat
        self._kept: dict[str, str] = {}
        self._titles: list[str] = []
        self._commits = False
        self._acts: dict[str, Callable[[Act], bool]] = {
            "say": self._say, "think": self._think, "run": self._run, "edit": self._edit, "fix": self._fix,
            "commit": self._commit, "ask": self._ask, "close": self._close, "fail": self._fail, "mail": self._mail,
            "sleep": self._sleep, "hang": self._hang, "crash": self._crash, "flood": self._flood,
            "limit": self._limit, "login": self._login,
        }  # fmt: skip

    def do(self, act: Act) -> bool:
        """Carry out one act; False when what stands in its `else` is to be played."""
        return self._acts[act.name](act)

    def did_once(self, act: Act) -> bool:
        """True when an act marked `once` was begun before; it is marked before it is done."""
        if self.bead is None:
            return False
        key = f"rehearsal.once.{act.number}"
        if self._reach.show(self.bead.id).meta.get(key):
            return True
        self._reach.mark(self.bead.id, {key: "begun"})
        return False

    def _fill(self, text: str) -> str:
        bead = self.bead
        values = {
            "bead": bead.id if bead else "", "title": bead.title if bead else "", "step": bead.step if bead else "",
            "round": str(bead.round) if bead else "", "agent": own_names()[0], "check": "rehearsal-check",
            "titles": _joined(self._titles), "branch": "",
        }  # fmt: skip
        for name, value in values.items():
            text = text.replace("{" + name + "}", value)
        return text

    def _need_bead(self, act: Act) -> Bead:
        if self.bead is None:
            raise ActError(f"{act.name}: there is no step in hand while a message is answered")
        return self.bead

    def _say(self, act: Act) -> bool:
        self._stage.says(self._fill(act.value))
        return True

    def _think(self, act: Act) -> bool:
        self._stage.thinks(self._fill(act.value))
        return True

    def _run(self, act: Act) -> bool:
        # Split first, filled after: a title with quotes or spaces stays one argument, and no shell ever sees it.
        argv = [self._fill(word) for word in shlex.split(act.value)]
        if not argv:
            raise ActError("run: nothing to run")
        shown = shlex.join(argv)
        call = self._stage.tool("Bash", shown, {"command": shown})
        limit = float(act.given.get("timeout", _RUN_LIMIT))
        outcome = self._reach.patiently(lambda: self._stage.programs.run(argv, self._repository.folder, limit))
        self._stage.tool_done(call, outcome.text, outcome.code)
        if "keep" in act.given:
            self._kept[act.given["keep"]] = outcome.out
        if outcome.code == 0 or act.given.get("may_fail"):
            return True
        if act.other:
            return False
        raise ActError(f"{argv[0]} ended with exit code {outcome.code}: {one_line(outcome.err or outcome.out)}")

    def _edit(self, act: Act) -> bool:
        name = self._fill(act.value)
        given = {"file_path": name}
        if "text" in act.given:
            call = self._stage.tool("Write", name, {**given, "content": act.given["text"]})
            self._repository.write(name, act.given["text"])
        elif "codemod" in act.given:
            call = self._stage.tool("Edit", name, {**given, "codemod": act.given["codemod"]})
            self._codemod(name, act.given["codemod"], act.given.get("line", 0), "")
        else:
            old, new = act.given["find"], act.given["replace"]
            call = self._stage.tool("Edit", name, {**given, "old_string": old, "new_string": new})
            self._repository.replace(name, old, new)
        self._stage.tool_done(call, f"The file {name} has been updated.")
        return True

    def _codemod(self, name: str, rule: str, line: int, anchor: str) -> bool:
        """Apply the codemod of `rule` by the program that ships beside the checks; True when the file changed."""
        self._repository.inside(name)
        self._repository.touched[name] = None
        argv = ["rehearsal-fix", rule, name, f"--line={line}", f"--anchor={anchor}"]
        return self._stage.programs.run(argv, self._repository.folder, _RUN_LIMIT).code == 0

    def _fix(self, act: Act) -> bool:
        bead = self._need_bead(act)
        if self._repository.own_commit(bead.id):
            self._stage.says("My commit for this round is there already.")
            return True
        findings = self._reach.open_findings(bead.id)
        if not findings:
            self._stage.says("No finding is open.")
            return True
        # From the last line up, so that one fix does not move the lines of the next.
        findings.sort(key=lambda found: (str(found.get("file", "")), -_line(found), str(found.get("rule", ""))))
        left = [str(finding.get("title", "")) for finding in findings if not self._fix_one(finding, bead.round)]
        if left:
            self._stage.says(f"I know no fix yet for: {_joined(left)}")
        return True

    def _fix_one(self, finding: dict[str, Any], round_number: int) -> bool:
        rule, name, title = str(finding.get("rule") or ""), str(finding.get("file") or ""), str(finding.get("title"))
        if not rule or not name or self._parts.since_round.get(rule, 1) > round_number:
            return False
        self._stage.programs.pause(self._beat)
        call = self._stage.tool("Edit", f"{name}:{_line(finding)} {title}", {"file_path": name, "codemod": rule})
        changed = self._codemod(name, rule, _line(finding), str(finding.get("anchor") or ""))
        self._stage.tool_done(call, f"{name} updated by {rule}." if changed else f"No codemod of {rule} applies here.")
        if changed:
            self._titles.append(title)
        return changed

    def _commit(self, act: Act) -> bool:
        bead = self._need_bead(act)
        self._commits = True
        message = one_line(self._fill(act.value), 72)
        call = self._stage.tool("Bash", f"git commit -m {shlex.quote(message)}", {"command": "git commit"})
        sha = self._repository.commit(message, bead.id, act.number)
        self._stage.tool_done(call, f"HEAD is {sha}")
        return True

    def _ask(self, act: Act) -> bool:
        tool, _, detail = self._fill(act.value).partition(": ")
        options = tuple(act.given.get("options") or ("Yes", "No"))
        call = self._stage.tool(tool if detail else "AskUserQuestion", detail or tool, {"command": detail or tool})
        answer = self._stage.ask(Dialog(tool, detail, options))
        refused = answer is None or options[answer].lower().startswith(("no", "reject", "deny"))
        words = "Cancelled" if answer is None else f"Answered: {options[answer]}"
        self._stage.tool_done(call, words)
        return not refused

    def _close(self, act: Act) -> bool:
        bead = self._need_bead(act)
        meta = {"gc.outcome": act.value, **{key: self._fill(str(v)) for key, v in act.given.get("meta", {}).items()}}
        if self._commits:
            sha = self._repository.own_commit(bead.id) or self._repository.head()
            if sha:
                meta["gc.work_commit"] = sha
        if "output" in act.given:
            self._submit(bead, act.given["output"])
        self._reach.mark(bead.id, meta)
        reason = self._fill(act.given.get("reason", "Rehearsed {step}: carried out as written")) + f" ({act.value})"
        self._reach.close(bead.id, reason)
        return True

    def _submit(self, bead: Bead, name: str) -> None:
        text = self._kept.get(name)
        if text is None:
            raise ActError(f"close: nothing was kept as {name!r}")
        try:
            json.loads(text)
        except ValueError as error:
            raise ActError(f"close: what was kept as {name!r} is no JSON: {error}") from error
        # Outside of the work tree: a leg must not change it.
        handle, path = tempfile.mkstemp(prefix="rehearsal-", suffix=".json")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            self._reach.sure(["gc", "review", "submit", "--bead", bead.id, path])
        finally:
            Path(path).unlink(missing_ok=True)

    def _fail(self, act: Act) -> bool:
        bead = self._need_bead(act)
        reason = self._fill(act.given.get("reason", "the part says so"))
        meta = {"gc.outcome": "fail", "gc.failure_class": act.value, "gc.failure_reason": reason}
        self._reach.mark(bead.id, meta)
        self._reach.close(bead.id, f"Rehearsed failure ({act.value}): {reason}")
        return True

    def _mail(self, act: Act) -> bool:
        subject = self._fill(act.given.get("subject", "{step}"))
        mark = f"rehearsal.mail.{act.number}"
        if self.bead is not None and self._reach.show(self.bead.id).meta.get(mark):
            return True
        body = self._fill(act.given.get("body", ""))
        self._reach.sure(["gc", "mail", "send", self._fill(act.value), "-s", subject, "-m", body])
        if self.bead is not None:
            self._reach.mark(self.bead.id, {mark: "sent"})
        return True

    def _sleep(self, act: Act) -> bool:
        self._stage.programs.pause(float(act.value))
        return True

    def _hang(self, act: Act) -> bool:
        if act.value == "deaf":
            self._stage.deaf.set()
        self._stage.tool("Bash", "sleep infinity", {"command": "sleep infinity"})
        while True:
            self._stage.programs.pause(threading.TIMEOUT_MAX)

    def _crash(self, act: Act) -> bool:
        os._exit(act.value)

    def _limit(self, act: Act) -> bool:
        stage, text = self._stage, self._fill(act.value)
        limit = LIMITS[stage.look.name]
        if limit.retry:
            stage.notice = limit.retry.format(text=text)
            try:
                self._stage.programs.pause(threading.TIMEOUT_MAX)
            finally:
                stage.notice = ""
        stage.refused(limit.told.format(text=text))
        answer = stage.ask(Dialog("", "", limit.options, head=limit.head, foot=limit.foot)) if limit.head else None
        while answer is None and limit.tries:  # Escape leaves it where it is
            answer = stage.ask(Dialog("", "", limit.options, head=limit.head, foot=limit.foot))
        if answer is not None and limit.options[answer] == limit.tries:
            stage.programs.pause(_TRIES)
            return True
        stage.refused(limit.stopped)
        raise TurnRefused

    def _login(self, act: Act) -> bool:
        self._stage.refused(LOGINS[self._stage.look.name].format(text=self._fill(act.value)))
        raise TurnRefused

    def _flood(self, act: Act) -> bool:
        call = self._stage.tool("Bash", f"seq {act.value}", {"command": f"seq {act.value}"})
        for number in range(1, act.value + 1):
            self._stage.line("dim", self._stage.look.more.format(text=f"{number:>7} the quick brown fox jumps over it"))
            if number % 500 == 0:
                self._stage.programs.pause(0.005)  # lets the screen keep up, and an interrupt in
        self._stage.tool_done(call, f"{act.value} lines")
        return True


def _line(finding: dict[str, Any]) -> int:
    value = finding.get("line") or finding.get("start") or 0
    return value if isinstance(value, int) else 0


def _joined(titles: list[str]) -> str:
    """Up to three different titles, and how many more."""
    different = list(dict.fromkeys(titles))
    if not different:
        return "nothing to change"
    more = f" and {len(different) - 3} more" if len(different) > 3 else ""
    return ", ".join(different[:3]) + more
