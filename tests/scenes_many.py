"""A city of sixty agents, and one in which all work is over."""

from __future__ import annotations

from dataclasses import replace

from gcity_tui.model.session import Evidence, Judgement, Pending, Phase
from gcity_tui.model.snapshot import attention
from tests.scenes import NOW, StillCity, bright_lights, busy_city, demo_city, rehearsal, session

ASKED = Pending("q-4", "approval", "Do you want to proceed?", ("Yes", "No"), "git push --force-with-lease", NOW - 200)


def many_city() -> StillCity:
    """Sixty of them: most busy, some ready, two that ask, one at its limit, one that failed."""
    sessions = []
    for n in range(1, 61):
        name, more = f"api/crew-{n}", {"context_percent": float(n * 7 % 90), "bead": f"gc-{600 + n}"}
        if n in (7, 31):
            sessions.append(session(name, Phase.WAITING, pending=replace(ASKED, request_id=f"q-{n}"), **more))
        elif n == 12:
            sessions.append(session(name, Phase.LIMITED, limited_until=NOW + 5400, **more))
        elif n == 44:
            sessions.append(session(name, Phase.FAILED, reason="exit 1", **more))
        else:
            sessions.append(session(name, Phase.READY if n % 5 == 0 else Phase.BUSY, **more))
    shown = replace(bright_lights(), name="sixty", sessions=tuple(sessions), loops=(), agents=("api/crew",), queues=())
    city = StillCity(replace(shown, attention=attention(shown)))
    city.screens = {"api/crew-50": "● Bash(pytest -q)\n  ⎿  41 passed in 3.20s\n"}
    return city


def over_city() -> StillCity:
    """The demo when its loop is clean and merged: nobody has a pane any more."""
    city, shown = demo_city(), rehearsal()
    gone = tuple(
        replace(s, phase=Phase.STOPPED, pane="", pending=None, reason="its work is done", activity=(0,) * 8)
        for s in shown.sessions
    )
    loop = replace(shown.loops[0], rounds=shown.loops[0].rounds[:1], state="clean", merged="b70e80d1")
    city.push(replace(shown, sessions=gone, loops=(loop,), attention=()))
    return city


def doubted_city() -> StillCity:
    """`busy_city`, in which what `scout-1` does is not known, and each source says why."""
    city = busy_city()
    told = (
        Evidence("screen", NOW - 5, Phase.READY, "its composer is empty and nothing says that it works on something"),
        Evidence("transcript", NOW - 95, Phase.BUSY, "in turn since 14:12; a tool call, Bash, has no result yet"),
        Evidence("hook", NOW - 400, Phase.BUSY, "its hook said prompt"),
        Evidence("process", NOW - 9000, Phase.READY, "it runs"),
    )
    city.judged["web/scout-1"] = Judgement(
        Phase.UNKNOWN, "the transcript says busy, the screen says ready", told, NOW - 90
    )
    return city
