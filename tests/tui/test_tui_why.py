"""Evidence on the dashboard: which word counts, what else is said, and where to look."""

from __future__ import annotations

from gcity_tui.model.session import Evidence, Judgement, Phase
from gcity_tui.model.snapshot import SessionView
from gcity_tui.tui.why import lines
from tests.scenes import SCENES


def text(view: SessionView, judged: Judgement) -> list[str]:
    return ["".join(words for words, _ in line).rstrip() for line in lines(view, judged, 1000.0)]


def test_the_one_that_counts_is_marked_and_the_others_stand_below() -> None:
    view = SessionView("eddie-1", "eddie", pane="%3", pid=77, transcript="/home/me/x.jsonl")
    found = (
        Evidence("dialog", 990.0, Phase.LIMITED, "You've hit your limit; until 16:08"),
        Evidence("hook", 940.0, Phase.BUSY, "its hook said prompt"),
        Evidence("rumour", 400.0, Phase.UNKNOWN, "\x1b[31mx"),
    )
    shown = text(view, Judgement(Phase.LIMITED, "dialog: You've hit your limit; until 16:08", found, 990.0))
    assert shown[0] == " ◷ limited for 10s" and shown[1] == " because dialog: You've hit your limit; until 16:08"
    assert shown[3].startswith(" ▸ a question on its screen") and shown[3].endswith("until 16:08")
    assert shown[4].split() == ["its", "hooks", "●", "busy", "1m", "its", "hook", "said", "prompt"]
    assert shown[5].startswith("   rumour") and "\x1b" not in shown[5]
    assert shown[-2:] == [" pane %3, process 77; p looks into it", " conversation: /home/me/x.jsonl"]


def test_nothing_is_known() -> None:
    shown = text(SessionView("eddie-1", "eddie"), Judgement(Phase.UNKNOWN, "nothing says what it is doing"))
    assert shown[0] == " ? unknown" and " nothing says anything" in shown and not any("pane" in row for row in shown)


def test_by_its_key(play) -> None:
    async def act(stage) -> None:
        await stage.press("3", "g", *"jjjjj", "E")
        assert "why · eddie-2" in stage.text and "because" in stage.text
        await stage.press("E")
        assert "why · eddie-2" not in stage.text

    play(SCENES["city"], act)
