"""What became of texts, by the verbs: all of them, those that did not arrive, and what is typed wrongly."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gcity_tui.city import City
from gcity_tui.cli.completion import suggestions
from gcity_tui.cli.door import main
from gcity_tui.config import load_city
from gcity_tui.config.write import add_rig, init_city
from gcity_tui.factory import records
from gcity_tui.factory.gc_dialect import answer_gc
from gcity_tui.model.errors import Temporary
from gcity_tui.model.history import Entry, History
from gcity_tui.model.receipt import Delivery, Receipt

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A city whose session ann-1 is on record and does not run."""
    folder = tmp_path / "city" / "agents" / "ann"
    folder.mkdir(parents=True)
    (folder / "agent.toml").write_text('provider = "rehearsal"\nmax_active_sessions = 1\n')
    (folder / "prompt.template.md").write_text("You are ann.\n")
    made = init_city(tmp_path / "city", pack="", provider="rehearsal")
    with City.open(made.path) as city:
        agent, instance = city.site.agent_for("ann")
        records.ensure(city.site.ledger, city.declared, agent, instance)
    monkeypatch.chdir(made.path)
    return made.path


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str) -> tuple[int, str, str]:
        code = main(["--city", str(home), *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_a_text_is_listed_with_what_became_of_it_until_somebody_lets_it_be(run: Run, home: Path) -> None:
    assert run("nudges") == (0, "no text was sent yet\n", "")
    code, said, note = run("nudge", "ann-1", "go on", "--wait", "0")
    assert code == 0 and "queued" in said and "gcity-tui up" in said + note
    with City.open(home) as city:
        queue = city.site.queue
        (waiting,) = queue.unsettled()
        assert queue.lost() == ()
        queue.move(queue.move(waiting, Delivery.TYPING), Delivery.UNKNOWN, "it was not seen")
        told = queue.put("ann-1", "work waits", source="controller")
        queue.move(queue.get(told.id), Delivery.UNDELIVERED, "that conversation is over")
    code, said, _ = run("nudges", "ann-1")
    assert code == 0 and "unknown: may have been typed (it was not seen)" in said and "go on" in said
    code, said, _ = run("status", "--json")
    snap = json.loads(said)
    assert [r["id"] for r in snap["lost"]] == [waiting.id], "what the controller says, it says again"
    assert [(a["kind"], a["subject"], a["text"]) for a in snap["attention"]] == [
        ("nudge", "ann-1", "may have been typed: go on")
    ]
    assert run("nudges", "--let-be", waiting.id)[0] == 0
    assert json.loads(run("status", "--json")[1])["attention"] == []
    assert [r["state"] for r in json.loads(run("nudges", "--json")[1])] == ["undelivered", "unknown"]


def test_a_draft_of_nobody(run: Run) -> None:
    code, _, said = run("draft", "ann-1")
    assert code == 3 and "no draft stands in the composer of ann-1" in said
    code, _, said = run("draft", "ann-1", "send")
    assert code == 3 and "is not running" in said and "gcity-tui session start ann-1" in said
    code, _, said = run("draft", "ann-1", "sned")
    assert code == 2 and "send" in said and "clear" in said


def test_what_says_nothing_is_not_counted_among_the_last_entries(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = [Entry("1", "user", "message", timestamp="2026-09-21T13:31:00Z", text="hello")]
    said += [Entry("2", "assistant", "message", timestamp="2026-09-21T13:31:05Z", text="good day")]
    said += [Entry(str(n), "system", "event", event="turn_end") for n in (3, 4)]
    asked: list[int] = []

    def history(self: City, session: str, *, tail: int) -> History:
        asked.append(tail)
        return History("claude", "/t.jsonl", entries=tuple(said[-tail:]) if tail else ())

    monkeypatch.setattr(City, "history", history)
    monkeypatch.setenv("TZ", "UTC-2")
    time.tzset()
    try:
        assert run("transcript", "ann-1", "-n", "1") == (0, "15:31:05 assistant  good day\n", "")
        assert len(json.loads(run("logs", "ann-1", "-n", "2", "--json")[1])["entries"]) == 2 == asked[-1]
        assert run("logs", "ann-1", "-n", "0") == (0, "", "")
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("verb", ["attach", "peek", "interrupt", "respond", "nudges", "draft", "logs"])
def test_who_is_misnamed_is_told_who_was_meant(run: Run, verb: str) -> None:
    code, said, told = run(verb, "ann-2")
    assert (code, said) == (4, "") and "ann-2" in told and "did you mean ann-1?" in told


def test_no_text_is_sent_to_any_when_one_name_is_wrong_and_none_twice(run: Run) -> None:
    code, said, told = run("nudge", "ann-1", "ann-7", "go on", "--wait", "0")
    assert (code, said) == (4, "") and "ann-7" in told
    assert json.loads(run("nudges", "--json")[1]) == [], "or who mends the name sends it to the other one again"
    code, said, _ = run("nudge", "ann-1", "ann-1", "go on", "--wait", "0", "--json")
    assert code == 0 and [r["session"] for r in json.loads(said)] == ["ann-1"]
    assert len(json.loads(run("nudges", "--json")[1])) == 1


def test_what_went_to_one_is_told_though_the_next_one_failed(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = home / "agents" / "bob"
    agent.mkdir()
    (agent / "agent.toml").write_text('provider = "rehearsal"\nmax_active_sessions = 1\n')
    (agent / "prompt.template.md").write_text("You are bob.\n")
    with City.open(home) as city:
        records.ensure(city.site.ledger, city.declared, *city.site.agent_for("bob"))
    asked = City.nudge

    def nudge(self: City, session: str, *words: Any, **more: Any) -> Receipt:
        if session == "bob-1":
            raise Temporary("the controller did not answer")
        return asked(self, session, *words, **more)

    monkeypatch.setattr(City, "nudge", nudge)
    code, said, _ = run("nudge", "ann-1", "bob-1", "go on", "--wait", "0")
    assert code == 3 and "ann-1: queued" in said
    assert "bob-1: unknown: may have been typed (the controller did not answer)" in said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nudge", "ann-1", "go on", "--wait", "nan"), "no time to wait"),
        (("nudge", "ann-1", "go on", "--wait", "-3"), "no time to wait"),
        (("nudge", "ann-1", "-x"), "a text that begins with - stands behind --"),
        (("nudge", "ann-1", "go on", "--when", "nwo"), "did you mean now?"),
        (("nudges", "-n", "-1"), "less than 0"),
        (("peek", "ann-1", "-n", "-4"), "less than 0"),
        (("logs", "ann-1", "-n", "-2"), "less than 0"),
        (("events", "-n", "-2"), "less than 0"),
        (("draft", "ann-1", "sned"), "did you mean send?"),
        (("session", "strat", "ann-1"), "did you mean start?"),
        (("session", "list", "ann-1"), "session why ann-1"),
        (("session", "rename", "ann-1"), "session rename ann-1 TITLE"),
    ],
)
def test_words_that_cannot_be_meant_are_refused_with_a_cure(run: Run, words: tuple[str, ...], says: str) -> None:
    code, said, told = run(*words)
    assert (code, said) == (2, "") and says in told
    assert json.loads(run("nudges", "--json")[1]) == []


def test_a_text_that_begins_like_a_flag(run: Run) -> None:
    assert run("nudge", "ann-1", "--wait", "0", "--", "--help me")[0] == 0
    assert [r["text"] for r in json.loads(run("nudges", "--json")[1])] == ["--help me"]


def test_the_last_events_of_a_rare_type_and_lines_of_the_controllers_log(run: Run, home: Path) -> None:
    assert run("nudge", "ann-1", "go on", "--wait", "0")[0] == 0
    for n in range(12):
        assert run("bd", "create", f"work {n}")[0] == 0
    told = json.loads(run("events", "-n", "1", "--type", "worker.operation", "--json")[1])
    assert [e["payload"]["operation"] for e in told] == ["nudge"]
    assert len(json.loads(run("events", "-n", "3", "--json")[1])) == 3
    assert json.loads(run("events", "-n", "0", "--json")[1]) == []
    (home / ".gc" / "logs").mkdir(parents=True, exist_ok=True)
    (home / ".gc" / "logs" / "controller.jsonl").write_text('{"what": "a"}\n{"what": "b"}\n')
    assert run("logs", "--controller", "-n", "0") == (0, "", "")
    assert run("logs", "--controller", "-n", "1")[1].split() == ["b"]


def test_only_where_a_session_may_stand_are_sessions_offered(home: Path) -> None:
    city = argparse.Namespace(city=str(home))
    assert suggestions(["nudge", ""], city) == ["ann-1"] == suggestions(["session", "why", ""], city)
    for said in (["respond", "ann-1"], ["attach", "ann-1"], ["session", "rename", "ann-1"], ["draft", "ann-1", "send"]):
        assert suggestions([*said, ""], city) == []
    assert suggestions(["help", "nud"], city) == ["nudge", "nudges"]


def test_who_is_not_running_cannot_be_gone_to_though_no_server_runs_either(run: Run) -> None:
    code, said, told = run("attach", "--print", "ann-1")
    assert (code, said) == (3, "") and "ann-1 is not running" in told
    assert "gcity-tui up; gcity-tui session start ann-1" in told
    code, _, told = run("peek", "ann-1")
    assert code == 3 and "gcity-tui logs ann-1 prints what it said" in told


def test_runs_of_an_order_in_a_rig_are_counted_apart(run: Run, home: Path, repository: Path) -> None:
    add_rig(load_city(home), repository, name="shop")
    (home / "orders").mkdir()
    (home / "orders" / "tidy.toml").write_text('[order]\nexec = "true"\ntrigger = "cooldown"\ninterval = "1h"\n')
    assert run("order", "run", "tidy", "--rig", "shop")[0] == 0
    assert run("order", "check", "tidy")[0] == 0, "that run was not the city's"
    assert run("order", "check", "tidy", "--rig", "shop")[0] == 1
    assert run("order", "history", "tidy")[1] == "no runs\n"
    assert "tidy:rig:shop" in run("order", "history", "tidy", "--rig", "shop")[1]
    assert "tidy:rig:shop" in run("order", "history")[1]


def test_gc_names_itself_once_and_knows_its_own_words(run: Run, home: Path) -> None:
    code, _, told = answer_gc(str(home), ["runtime", "frob"], {"GC_CITY": str(home)}, b"", str(home))
    assert code == 2 and told.startswith(b"gc runtime: no verb 'frob'")
    code, _, said = run("gc", "session", "peek")
    assert code == 2 and "no session named" in said and "no verb" not in said
