"""What stands in a cell: the pure half of the dashboard, as tables."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len

from gcity_tui.model.history import Block, Entry
from gcity_tui.model.receipt import Delivery
from gcity_tui.model.round import Loop, Round
from gcity_tui.tui import cells, keymap, shelf, status, talk, target
from gcity_tui.tui.cells import plain
from gcity_tui.tui.screens.wall import chosen
from gcity_tui.tui.widgets.lines import wrap
from tests.scenes import LOOPS, NOW, bead, bright_lights, turn


@pytest.mark.parametrize(
    ("passed", "wanted"),
    [(0, "now"), (9, "now"), (10, "10s"), (59, "50s"), (60, "1m"), (3599, "59m"), (3600, "1h"), (90_000, "1d")],
)
def test_age(passed, wanted) -> None:
    assert cells.age(NOW - passed, NOW) == wanted
    assert cells.age(0, NOW) == ""


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (turn(1, "iterate", 14), "✗14"),
        (turn(2, "iterate", 9, again=6), "✗9↻6"),
        (turn(2, "iterate", 6, again=2), "✗6"),
        (turn(3, "iterate", 2, minor=True), "~2"),
        (turn(3, "approve", 0), "✓"),
        (turn(3, "iterate", 0), "✗?"),
        (turn(3, "block", 3), "⊘3"),
        (Round(4, phase="reviewing"), "▸"),
        (None, ""),
    ],
)
def test_round_cell(made, wanted) -> None:
    assert plain(cells.round_cell(made, current=True)) == wanted


def test_trend_and_budget() -> None:
    assert plain(cells.trend(LOOPS[0])).endswith("↓")
    assert plain(cells.budget(LOOPS[0])) == "▰▰▰▰▱"
    assert plain(cells.budget(replace(LOOPS[0], budget=12))) == "4/12"
    assert plain(cells.trend(Loop("x", "x", "t", rounds=(turn(1, "iterate", 3),)))) == ""
    assert plain(cells.verdict(LOOPS[2], False)) == "merged 8f31c0d"


def test_spark_is_as_wide_as_asked() -> None:
    for width in (1, 4, 8, 12):
        assert len(plain(cells.spark((0, 3, 9), width))) == width
    assert plain(cells.spark((0, 0, 9), 3)) == "▁▁█"


@pytest.mark.parametrize("state", list(Delivery))
def test_every_delivery_has_its_word(state) -> None:
    said = plain(cells.delivery("api/eddie-2", state, "why"))
    assert said.startswith("nudge eddie-2 ") and state.value in said


@pytest.mark.parametrize("width", [20, 40, 60, 79, 80, 100, 120, 200])
def test_no_hint_is_ever_cut(width) -> None:
    ids = [c.id for c in keymap.COMMANDS if c.rank]
    said = plain(keymap.hints(ids, width, {}))
    assert cell_len(said) <= width
    words = {f"{keymap.shown(c.key)} {c.word}" for c in keymap.COMMANDS}
    assert all(h in words for h in said.strip().split("  "))
    assert "? help" in said


@pytest.mark.parametrize("width", [30, 50, 80, 120, 200])
def test_the_header_fits(width) -> None:
    for view in ("", "transcript"):
        left, right = status.header(bright_lights(), status.Link(), NOW, width, view)
        fits = cell_len(plain(left)) + cell_len(plain(right)) <= width
        assert fits or (width < 50 and not right)


def test_user_keys() -> None:
    keys, unknown = keymap.resolved({"message": "K", "talk.interrupt": "Q", "nothing": "z", "list.down": "n"})
    assert keys == {"talk.message": "K", "talk.interrupt": "Q", "list.down": "n"} and unknown == ["nothing"]


def test_wrap_keeps_every_word_and_the_width() -> None:
    spans = (("alpha beta ", "dim"), ("gamma-delta-epsilon-zeta " * 4, ""), ("日本語" * 20, "warn"))
    for width in (8, 13, 40):
        lines = wrap(spans, width, 2)
        assert all(cell_len(plain(line)) <= width for line in lines)
        joined = "".join(plain(line) for line in lines).replace(" ", "")
        assert joined == "".join(t for t, _ in spans).replace(" ", "")


def test_foreign_text_is_harmless_in_a_conversation() -> None:
    entry = Entry("1", "assistant", "message", blocks=(
        Block("text", "\x1b[31mred\x1b[0m \x07bell\n[b]not markup[/b]"),
        Block("tool_use", tool_use_id="t", name="Ba\x1bsh", input='{"command": "ls\\u001b]0;x\\u0007"}'),
        Block("tool_use", tool_use_id="u", name="Odd", input="not json"),
    ))  # fmt: skip
    answer = Entry("2", "tool", "message", blocks=(Block("tool_result", "a\r\nb\x00", "t"),))
    text = "\n".join(plain(line) for line in talk.lines([entry, answer], 60, "claude", {}, True))
    assert "\x1b" not in text and "\x00" not in text and "\x07" not in text
    assert "[b]not markup[/b]" in text and "✓ 2 lines" in text and "◌ running" in text


def test_ties() -> None:
    city = bright_lights()
    assert target.of_session(city, "api/eddie-2") == target.Target("api/eddie-2", "gc-412", "gc-412", "session")
    loop = target.of_loop(city, "gc-431")
    assert (loop.session, loop.bead, loop.name) == ("api/eddie-5", "gc-429", "gc-431")
    assert target.of_bead(city, "gc-447").session == "web/builder-9"
    assert target.of_subject(city, "gc-460").main == "loop"


def test_records_have_a_queue_of_their_own() -> None:
    work, record = bead("a-1"), bead("a-2", issue_type="session")
    assert shelf.belongs(work, shelf.OPEN) and not shelf.belongs(record, shelf.OPEN)
    assert shelf.belongs(record, shelf.RECORDS) and not shelf.belongs(work, shelf.RECORDS)
    assert not shelf.belongs(replace(work, status="closed"), shelf.OPEN)


def test_the_wall_keeps_its_tiles() -> None:
    city = bright_lights()
    first = chosen(city, (), [], 4)
    assert first[0] in {a.subject for a in city.attention}
    calm = replace(city, attention=())
    assert chosen(calm, (), first, 4) == first
    gone = replace(calm, sessions=tuple(s for s in calm.sessions if s.instance != first[1]))
    after = chosen(gone, (), first, 4)
    assert after[:1] == first[:1] and first[1] not in after and len(after) == 4
    assert chosen(city, ("api/eddie-2", "mayor-1"), [], 4) == ["api/eddie-2", "mayor-1"]
