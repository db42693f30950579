"""Every form of `gc` that real prompts, formulas and scripts use three times or more, in a real session's environment.

The list is that of a count over Gas City's own packs (without dolt and the supervisor); how often stands beside it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from core_world import Town

from gcity_tui.cli.gc import ours
from gcity_tui.model.errors import Usage

pytestmark = [pytest.mark.city, pytest.mark.tmux]

FORMS: list[tuple[int, str, int, str]] = [
    (56, "mail send shop/eddie-2 -s Subject -m Body", 0, r"Sent \S+ to shop/eddie-2"),
    (15, "mail send --all the tests are red", 0, r"(Sent \S+ to shop/eddie-2\s*)+"),
    (14, "mail send eddie-2 a word", 0, r"Sent \S+ to shop/eddie-2"),
    (0, "mail send shop/eddie/ -s role -m singular", 0, r"Sent \S+ to shop/eddie-1"),
    (0, "mail send nobody/there -s lost -m lost", 4, r"no session 'nobody/there'"),
    (19, "mail inbox", 0, r"MAIL  shop/eddie-2  first"),
    (8, "mail check", 0, r"\d+ unread"),
    (12, "mail check --inject", 0, r"<system-reminder>\n.*unread message"),
    (4, "mail peek MAIL", 0, r"Subject: first"),
    (7, "mail read MAIL", 0, r"Subject: first"),
    (3, "mail archive MAIL", 0, r""),
    (1, "mail count", 0, r"\d+"),
    (34, "nudge eddie-2 go on", 0, r"queued for shop/eddie-2"),
    (9, "nudge drain --inject", 0, r""),
    (0, "nudge status --json", 0, r'\{"pending": ?\d+\}'),
    (31, "prime", 0, r"gc hook --claim"),
    (12, "prime --hook", 0, r""),
    (13, "hook --inject", 0, r""),
    (0, "hook --claim --json", 0, r'"action": ?"work"'),
    (15, "hook", 0, r'"id": "BEAD"'),
    (6, "runtime drain-check", 1, r""),
    (24, "sling eddie WORK", 0, r"slung \S+ to shop/eddie"),
    (9, "sling shop/eddie BEAD2 --on small", 0, r"slung BEAD2 to shop/eddie, run"),
    (4, "sling eddie small --formula --var word=x", 0, r"slung \S+ to shop/eddie, run"),
    (11, "rig list --json", 0, r'"rigs": \[\{"name": "shop", "path": "/'),
    (5, "rig list", 0, r"shop"), (5, "rig", 0, r"shop"),
    (7, "rig status", 0, r"shop .*\n.*\nshop/eddie-1 +active"),
    (0, "rig status shop --json", 0, r'"sessions": \[\{'),
    (6, "rig add REPO --name other", 0, r"added the rig other"),
    (7, "session list", 0, r"ID +TEMPLATE +STATE"),
    (0, "session list --state all --json", 0, r'"alias": "shop/eddie-1"'),
    (9, "session peek eddie-1", 0, r""), (0, "session peek eddie-1 5", 0, r""),
    (9, "init DIR", 0, r"made the city"), (4, "init --from CITY DIR2", 0, r"made the city town in"),
    (8, "doctor", 0, r"tmux"), (8, "status", 0, r"town"), (4, "config show", 0, r"town"),
    (38, "start", 0, r"controller was up already"),
    (4, "events --seq", 0, r"\d+"), (1, "events", 0, r"controller\.started"),
    (3, "events --watch --type deploy --after SEQ --timeout 100ms", 1, r""),
    (1, "event emit deploy --message done", 0, r"\d+"),
    (3, "agent", 0, r"shop/eddie"), (3, "service list", 0, r"No services"),
    (3, "convoy create batch BEAD2 --owned", 0, r'Created convoy \S+ "batch" tracking 1'),
    (3, "convoy target CONVOY integration/x", 0, r"targets integration/x"),
    (1, "convoy add CONVOY BEAD", 0, r"Added 1"), (2, "convoy list", 0, r"CONVOY  0/1  given"),
    (15, "convoy status CONVOY --json", 0, r'"children": \[\{"id": "[a-z0-9-]+"'),
    (4, "workflow delete-source BEAD2 --apply", 0, r"ended"), (4, "workflow reopen-source BEAD2", 0, r"open again"),
    (5, "session kill eddie-2", 0, r"killed"),
    (44, "runtime drain-ack", 0, r"noted"), (0, "bd ready --json", 0, r"\["), (0, "nonsense", 2, r"no verb 'nonsense'"),
    (15, "mail inbox --address=eddie-2 --json", 0, r'"from": "shop/eddie-1"'),
    (1, "order list", 0, r"greet +manual"), (1, "order run greet", 0, r"good morning"),
    (1, "order history", 0, r"greet +exec"), (1, "order check", 1, r"by hand only"),
    (0, "sling shop/eddie --merge mr paint", 0, r"slung \S+ to shop/eddie"),
    (10, "dolt cleanup", 2, r"there is no dolt"), (3, "agent-script --script X", 2, r"rehearsal"),
    (4, "handoff --auto later", 0, r"handed off to shop/eddie-1"),
    (0, "handoff half done", 0, r"a fresh session takes over"),
]  # fmt: skip
"""(uses, words, exit code, what its output must hold): in this order, each in the same session."""

FORMULA = """
formula = "small"
version = 1
[vars.word]
default = "hello"
[[steps]]
id = "do"
title = "Say {{word}}"
"""


@pytest.fixture
def town(tmp_path: Path, repository: Path) -> Iterator[Town]:
    made = Town(tmp_path, repository)
    (made.path / "formulas").mkdir()
    (made.path / "formulas" / "small.toml").write_text(FORMULA)
    (made.path / "orders").mkdir()
    (made.path / "orders" / "greet.toml").write_text('[order]\ntrigger = "manual"\nexec = "echo good morning"\n')
    yield made
    made.end()


def anew(town: Town, before: int) -> int:
    """The pid of eddie-1's program once it is ready and another than `before`."""
    view = town.session("it was started anew", lambda s: s.instance == "shop/eddie-1" and s.pid not in (0, before)
                        and s.phase.word == "ready")  # fmt: skip
    return view.pid


class Inside:
    """The environment of a session's own process, and what `.gc/bin/gc` says there."""

    def __init__(self, pid: int) -> None:
        pairs = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
        self.env = dict(p.split("=", 1) for p in pairs if "=" in p)
        self.cwd, self.pid = Path(f"/proc/{pid}/cwd").resolve(), pid

    def gc(self, *words: str, timeout: float = 60.0) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["gc", *words], env=self.env, cwd=self.cwd, text=True, capture_output=True, timeout=timeout,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip


def started(town: Town, *names: str) -> list[Inside]:
    town.city.up()
    for name in names:
        town.city.start(name)
    found = []
    for name in names:
        view = town.session(f"{name} is up", lambda s, n=name: s.instance == f"shop/{n}" and s.phase.word == "ready")
        found.append(Inside(view.pid))
    return found


def test_every_form_works_inside_of_a_session(town: Town, tmp_path: Path) -> None:
    me, you = started(town, "eddie-1", "eddie-2")
    ledger, prefix = town.city.site.ledger, town.city.declared.rigs[0].prefix
    assert subprocess.run(["sh", "-c", "command -v gc"], env=me.env, capture_output=True, text=True).stdout.strip() \
        == str(town.path / ".gc" / "bin" / "gc")  # fmt: skip
    other = tmp_path / "other-repo"
    subprocess.run(["git", "clone", "-q", str(town.city.declared.rigs[0].path), str(other)], check=True)
    sent = you.gc("mail", "send", "shop/eddie-1", "-s", "first", "-m", "x")
    known = {
        "MAIL": sent.stdout.split()[1], "SEQ": str(ledger.latest_seq() + 100_000), "REPO": str(other),
        "DIR": str(tmp_path / "made"), "DIR2": str(tmp_path / "made-too"), "CITY": str(town.path), "WORK": "paint it",
        "BEAD": ledger.create("mine", prefix=prefix, assignee="shop/eddie-1", meta={"gcity.quiet": "true"}),
        "BEAD2": ledger.create("another", prefix=prefix),
        "CONVOY": ledger.create("given", issue_type="convoy"),
    }  # fmt: skip
    failed = []
    for _, form, code, shape in FORMS:
        done = me.gc(*(known.get(w, w) for w in form.split()))
        for name, value in known.items():
            shape = re.sub(rf"\b{name}\b", lambda _, v=value: re.escape(v), shape)
        if done.returncode != code or not re.search(shape, done.stdout + done.stderr, re.DOTALL):
            failed.append(f"gc {form}: exit {done.returncode} (not {code}), /{shape}/: {done.stdout[-300:]}"
                          f"{done.stderr[-300:]}")  # fmt: skip
    assert not failed, "\n".join(failed)
    # (17) The handoff began a fresh session; that one asks for another in its turn.
    for _ in range(2):
        me = Inside(anew(town, me.pid))
        assert me.gc("runtime", "request-restart").stdout.endswith("noted\n")


def test_many_who_wait_for_events_hold_nobody_up(town: Town) -> None:
    """More of them than the controller has workers: it answers others, and each gets what it waited for."""
    (me,) = started(town, "eddie-1")
    waiting = [
        subprocess.Popen(["gc", "events", "--watch", "--type", "deploy", "--timeout", "180s", "--json"], env=me.env,
                         cwd=me.cwd, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        for _ in range(20)
    ]  # fmt: skip
    try:
        _until_all(waiting)
        began = time.monotonic()
        assert me.gc("mail", "check").returncode in (0, 1)
        assert time.monotonic() - began < 40.0, "somebody waited behind those who wait"
        assert me.gc("event", "emit", "deploy", "--message", "now").returncode == 0
        said = [p.communicate(timeout=120)[0] for p in waiting]
    finally:
        for p in waiting:
            p.kill()
            p.wait()
    assert all(json.loads(out)["message"] == "now" for out in said)


def test_a_persons_verb_in_gcs_words() -> None:
    assert ours(["sling", "mayor", "gc-1", "--on", "f", "--var", "a=b", "--nudge"]) == \
        ["sling", "mayor", "gc-1", "--formula", "f", "--var", "a=b"]  # fmt: skip
    assert ours(["sling", "gc-1"], "shop") == ["sling", "shop", "gc-1"]
    assert ours(["session", "peek", "shop/x", "50"]) == ["peek", "shop/x", "-n", "50"]
    assert ours(["session", "new", "mayor", "--no-attach"]) == ["session", "start", "mayor"]
    assert ours(["session", "reset", "mayor"]) == ["session", "reset", "mayor"]
    assert ours(["session", "rename", "mayor", "the mayor"]) == ["session", "rename", "mayor", "the mayor"]
    assert ours(["start", "/c", "--foreground"]) == ["--city", "/c", "up", "--foreground"]
    for wrong in (["sling", "gc-1"], ["sling", "a", "b", "--prompt", "x"], ["session", "prune"]):
        with pytest.raises(Usage):
            ours(wrong)


def test_without_a_controller_the_same_words_are_answered(town: Town) -> None:
    shim, env = town.path / ".gc" / "bin" / "gc", {k: v for k, v in os.environ.items() if not k.startswith("GC_")}
    for words, shape in (("rig list --json", r'"name": "shop"'), ("session list", "No sessions"), ("status", "town"),
                         ("sling shop/eddie later", "queued: no controller")):  # fmt: skip
        done = subprocess.run([shim, *words.split()], env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and re.search(shape, done.stdout + done.stderr), (words, done)


def test_what_happens_before_it_waits_is_not_missed(town: Town) -> None:
    """Its own process takes a moment to come up; what it was told is the number after which it listens."""
    (me,) = started(town, "eddie-1")
    words = ["gc", "events", "--watch", "--type", "deploy", "--timeout", "60s"]
    waits = subprocess.Popen(words, env=me.env, cwd=me.cwd, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    _until_all([waits])
    town.city.site.ledger.emit("deploy", "x", "me", "in between")
    assert b"in between" in waits.communicate(timeout=120)[0]


def _until_all(waiting: list[subprocess.Popen[bytes]]) -> None:
    """Until the controller has told each from where to listen: then its process runs with these words."""
    deadline = time.monotonic() + 40
    while not all(b"\0--after\0" in Path(f"/proc/{p.pid}/cmdline").read_bytes() for p in waiting):
        assert time.monotonic() < deadline
        time.sleep(0.01)
