"""A transcript that is open is read again as it grows; only that it was opened is an operation."""

from __future__ import annotations

from dataclasses import replace

from tests.scenes import SCENES


def test_only_the_opening_is_told(play) -> None:
    async def act(stage) -> None:
        await stage.press("3", *"jjjjj", "t")
        await stage.until(lambda: stage.did("history"))
        snapshot = stage.city.snapshot()
        for n in range(1, 6):
            sessions = tuple(replace(s, tokens=s.tokens + n) for s in snapshot.sessions)
            stage.city.push(replace(snapshot, version=snapshot.version + n, sessions=sessions))
            await stage.until(lambda n=n: len(stage.did("history")) > n)
        who, *rest = stage.did("history")
        assert who[2] is False and rest and all(r[1] == who[1] and r[2] is True for r in rest)

    play(SCENES["transcript"], act)
