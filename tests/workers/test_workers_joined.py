"""A program that says in one record what was typed during its turn: each of the texts in it is found, and once."""

from __future__ import annotations

from pathlib import Path

import pytest
from workers_ground import Ground, becomes, said_to, settled, wait_for

from gcity_tui.config import load_city
from gcity_tui.model.declared import Agent
from gcity_tui.model.receipt import Delivery
from gcity_tui.model.session import Phase
from gcity_tui.workers import settling
from gcity_tui.workers.wording import left_of

PROGRAM = r"""
import json, os, select, sys, time, tty, uuid
tty.setcbreak(0)
key = sys.argv[sys.argv.index("--id") + 1]
folder = {folder!r}
typed, waiting, up = "", [], None

def draw():
    row = "working (esc)\n" if busy else ""
    sys.stdout.write("\x1b[2J\x1b[H" + row + ("%d held\n" % len(waiting) if waiting else "") + "join> " + typed)
    sys.stdout.flush()

def say():
    global up
    told = {{"role": "user", "content": "\n\n".join(waiting)}}
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    row = {{"uuid": uuid.uuid4().hex, "parentUuid": up, "type": "user", "timestamp": at, "message": told}}
    with open(os.path.join(folder, key + ".jsonl"), "a") as f:
        f.write(json.dumps(row) + "\n")
    up = row["uuid"]
    waiting.clear()

busy = os.path.exists(folder + "/busy")
draw()
while True:
    ready = select.select([0], [], [], 0.02)[0]
    was, busy = busy, os.path.exists(folder + "/busy")
    if waiting and not busy:
        say()
    for letter in os.read(0, 65536).decode() if ready else "":
        if letter in "\r\n":
            waiting.append(typed)
            typed = ""
            if not busy:
                say()
        else:
            typed += letter
    if ready or was != busy:
        draw()
"""
TOML = """
[providers.join]
command = "{{python}} {folder}/join.py"
prompt_mode = "none"
session_id_flag = "--id"
settle_ms = 50
transcript = "claude"
transcript_root = "{folder}"
transcript_glob = "{{key}}.jsonl"
sees = ["screen"]

[providers.join.screen]
ready = '^join>'
busy = '^working'
composer = '^join> ?(.*)$'
queued = '^\\d held'
"""


@pytest.mark.tmux
@pytest.mark.parametrize(
    "texts",
    [
        ("ok", "and mind the second of the two, please"),
        ("and mind the second of the two, please", "ok"),
        ("pL", "zy8wdg"),
    ],
)
def test_both_of_two_in_one_record(ground: Ground, monkeypatch: pytest.MonkeyPatch, texts: tuple[str, str]) -> None:
    monkeypatch.setattr(settling, "DOUBTFUL", 3.0)
    folder: Path = ground.path / "join"
    folder.mkdir()
    (folder / "join.py").write_text(PROGRAM.format(folder=str(folder)))
    with (ground.path / "city.toml").open("a") as f:
        f.write(TOML.format(folder=folder))
    ground.city = load_city(ground.path)
    worker = ground.worker("join", agent=Agent("eddie", provider="join"))
    worker.start()
    becomes(worker, Phase.READY)
    (folder / "busy").touch()
    becomes(worker, Phase.BUSY)
    receipts = [worker.send(t, when="now") for t in texts]
    wait_for(lambda: all(worker.queue.receipt(r.id).state is Delivery.SUBMITTED for r in receipts))
    third = worker.send("ok", when="boundary")
    (folder / "busy").unlink()
    assert [settled(worker, r).state for r in (*receipts, third)] == [Delivery.TAKEN_UP] * 3
    assert len(said_to(worker)) == 2, "the two came in one"


@pytest.mark.parametrize(
    ("said", "texts", "left"),
    [
        ("one two", ["one"], ("two",)),
        ("a\n\nb c\n\nd", ["b c"], ("a", "d")),
        ("ok\n\nok", ["ok"], ("ok",)),
        ("ok", ["ok"], ()),
        ("ok", ["ok", "ok"], ()),
        ("another", ["one"], ()),
        ("the long one, one", ["one", "the long one"], (",",)),
    ],
)
def test_what_is_left_of_a_record(said: str, texts: list[str], left: tuple[str, ...]) -> None:
    assert left_of(said, texts) == left
