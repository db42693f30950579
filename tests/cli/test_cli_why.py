"""`session why`: a source that says otherwise is shown with what it cannot see."""

from __future__ import annotations

from gcity_tui.cli.session import _seen
from gcity_tui.model.session import Evidence, Judgement, Phase


def test_what_a_source_cannot_see_stands_where_it_says_otherwise() -> None:
    judged = Judgement(Phase.READY, "screen: its prompt is there")
    late = Evidence("hook", 5.0, Phase.BUSY, "its hook said prompt")
    assert _seen(late, judged, ("interrupt", "reject")) == "its hook said prompt (it does not see: interrupt, reject)"
    assert _seen(late, judged, ()) == "its hook said prompt"
    assert _seen(late, Judgement(Phase.BUSY, "hook"), ("interrupt",)) == "its hook said prompt"
