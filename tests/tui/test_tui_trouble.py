"""What goes wrong is seen, said whole, and can be acted upon where it is seen."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from gcity_tui.model.history import Block, Entry
from gcity_tui.model.receipt import Delivery
from gcity_tui.model.session import Phase
from gcity_tui.tui import cells, talk
from gcity_tui.tui.ascii import letters_only
from tests.scenes import NOW, SCENES, Scene, busy_city
from tests.scenes_trouble import bad_day

DAY = SCENES["trouble"]


def at_attention(stage, row: str):
    table = stage.app.view.query_one("#attention")
    stage.app.view.action_panel("attention")
    table.go_to(row)
    assert table.cursor == row


def test_texts_to_read_scroll_by_their_keys(play) -> None:
    async def act(stage) -> None:
        await stage.press("question_mark")
        text = stage.app.screen.query_one("#lines")
        await stage.press("j", "j")
        assert text.scroll_y == 2
        await stage.press("G")
        assert text.scroll_y == text.max_scroll_y > 2 and "stands only where a person is needed" in stage.text
        await stage.press("g")
        assert text.scroll_y == 0
        await stage.press("ctrl+d", "k")
        assert text.scroll_y > 1

    play(DAY, act)


def test_a_text_that_did_not_arrive_needs_somebody_until_it_was_looked_at(play) -> None:
    async def act(stage) -> None:
        at_attention(stage, "nudge:shop/eddie-1")
        await stage.press("a")
        assert "texts → eddie-1" in stage.text and "it was pasted and is not to be seen" in stage.text
        await stage.press("D")
        assert stage.did("nudge_seen") == [("nudge_seen", "tr-wisp-88c")]
        await stage.press("escape")
        await stage.until(lambda: "may have been typed" not in stage.text)
        assert "undelivered: Look into" in stage.text

    play(DAY, act)


def test_a_lost_text_is_sent_again_as_it_was(play) -> None:
    async def act(stage) -> None:
        at_attention(stage, "nudge:shop/scout-1")
        await stage.press("N", "R")
        await stage.until(lambda: stage.did("nudge_seen"))
        assert stage.did("nudge") == [
            ("nudge", "shop/scout-1", "Look into the flaky test in tests/test_cart.py", "boundary")
        ]
        assert stage.did("nudge_seen") == [("nudge_seen", "tr-wisp-5f0")]

    play(DAY, act)


def test_all_texts_and_what_became_of_each(play) -> None:
    async def act(stage) -> None:
        await stage.press("3", "g", "N")
        assert "queued" in stage.text and "taken up" not in stage.text
        await stage.press("N")
        for word in ("queued", "unknown", "taken up", "undelivered", "submitted"):
            assert word in stage.text
        await stage.press("N")
        assert "taken up" not in stage.text

    play(DAY, act)


def test_last_words_of_a_program_that_ended_are_shown_below_why(play) -> None:
    async def act(stage) -> None:
        at_attention(stage, "dead:shop/scout-2")
        await stage.until(lambda: "LicenceError" in stage.text)
        lines = [line[50:].strip(" │") for line in stage.lines if line.startswith("│")]
        said = lines.index("failed: its program ended with 3, 6 times in 60 min")
        traceback = lines.index("Traceback (most recent call last):")
        assert said < traceback < lines.index("Pane is dead (status 3, Sun Nov 22 14:09:02 2026)") <= traceback + 6
        assert "R start" in stage.text and "x interrupt" not in stage.text
        await stage.press("R")
        assert stage.did("start") == [("start", "shop/scout-2")]
        assert "last: start scout-2 ✓" in stage.text

    play(DAY, act)


def test_why_it_failed_is_wrapped_and_not_cut(play) -> None:
    async def act(stage) -> None:
        at_attention(stage, "dead:shop/scout-1")
        await stage.press("p")
        await stage.until(lambda: "or choose another provider)" in stage.text)

    play(SCENES["trouble-80x24"], act)


def test_of_one_at_its_limit_it_is_said_until_when(play) -> None:
    async def act(stage) -> None:
        view = stage.app.view
        view.query_one("#agents").go_to("shop/eddie-4")
        await stage.press("3")
        assert "limited until 16:10" in stage.text and "→1h" in stage.text

    play(DAY, act)
    limited = next(s for s in bad_day().sessions if s.phase is Phase.LIMITED)
    later = replace(limited, limited_until=NOW + 3 * 86_400)
    for told in (cells.doing(later), cells.tail_title(later)):
        assert "limited until Sep 24 14:14" in told
    assert cells.plain(cells.bars(later, 8, NOW)) == "→3d"
    over = replace(limited, limited_until=NOW - 1)
    assert cells.plain(cells.bars(over, 8, NOW)) == cells.plain(cells.spark((), 8))


def test_what_waits_to_be_typed_is_told(play) -> None:
    async def act(stage) -> None:
        await stage.press("3", "g")
        assert "1 text waiting" in stage.text

    play(DAY, act)


def test_the_end_of_a_turn_is_no_news() -> None:
    said = (
        Entry("1", "user", "text", text="Go on"),
        Entry("2", "assistant", "text", model="<synthetic>", text="Done"),
        Entry("3", "system", "system", event="turn_end"),
        Entry("4", "system", "system", event="interrupted"),
        Entry("5", "assistant", "text", blocks=(Block("text", "More"),)),
    )
    folded = "\n".join(cells.plain(line) for line in talk.lines(said, 60, "claude", {}))
    assert "turn end" not in folded and "interrupted" in folded and "<synthetic>" not in folded
    assert "turn end" in "\n".join(cells.plain(line) for line in talk.lines(said, 60, "claude", {}, unfolded=True))


def test_no_word_is_lost_to_the_scroll_bar(play) -> None:
    async def act(stage) -> None:
        await stage.press("3", *"jjjjj", "t")
        text = stage.app.view.query_one("#talk")
        assert text.show_vertical_scrollbar and text.max_scroll_y > 0
        shown = "".join(line[1:].strip(" │▁▂▃▄▅▆▇█▔") + " " for line in stage.lines[2:-2])
        words = [w for w in shown.split() if w.startswith("w")]
        assert len(words) > 60 and all(re.fullmatch(r"w\d+x{1,9}w", w) for w in words), words

    def talkative():
        city = busy_city()
        said = " ".join(f"w{n}{'x' * (1 + n % 9)}w" for n in range(900))
        talk = city.histories["api/eddie-2"]
        city.histories["api/eddie-2"] = replace(talk, entries=(replace(talk.entries[0], text=said),))
        return city

    play(Scene(talkative, (100, 30)), act)


@pytest.mark.parametrize(
    ("locale", "only"),
    [({"LANG": "C"}, True), ({"LANG": "C.UTF-8"}, False), ({"LANG": "de_DE.utf8", "LC_ALL": "POSIX"}, True),
     ({}, False), ({"LC_CTYPE": "de_DE.ISO-8859-1", "LANG": "en_GB.UTF-8"}, True),
     ({"LC_ALL": "", "LANG": "en_GB.UTF-8"}, False)],
)  # fmt: skip
def test_a_terminal_that_shows_letters_only(locale: dict[str, str], only: bool) -> None:
    assert letters_only(locale) is only


def test_every_mark_of_ours_has_a_letter(play) -> None:
    async def act(stage) -> None:
        from gcity_tui.tui.ascii import TABLE

        await stage.press("3", "g", "N", "N")
        assert [c for c in stage.text if not c.isascii() and not c.translate(TABLE).isascii()] == []

    play(DAY, act)


def test_why_a_text_waits_is_said_though_the_queue_does_not_know() -> None:
    by = {s.instance: s for s in bad_day().sessions}
    queued = Delivery.QUEUED
    assert cells.waits_for(queued, "", by["shop/scout-2"]) == "its session has failed"
    assert cells.waits_for(queued, "", by["shop/eddie-4"]) == "it is limited until 16:10"
    assert cells.waits_for(queued, "until its turn is over", by["shop/scout-2"]) == "until its turn is over"
    assert cells.waits_for(Delivery.TAKEN_UP, "", by["shop/scout-2"]) == cells.waits_for(queued, "", None) == ""
