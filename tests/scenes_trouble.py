"""A city on a bad day: texts that did not arrive, used-up allowances, programs that are missing or have ended."""

from __future__ import annotations

from dataclasses import replace

from gcity_tui.model.receipt import Delivery, Receipt
from gcity_tui.model.session import Pending, Phase
from gcity_tui.model.snapshot import CitySnapshot, SessionView, attention
from tests.scenes import NOW, StillCity

TEXTS = (
    Receipt("tr-wisp-9a1", "shop/eddie-2", Delivery.QUEUED, "a question is open: Do you want to proceed?", NOW - 12,
            "When the build is green, run the benchmark as well."),
    Receipt("tr-wisp-88c", "shop/eddie-1", Delivery.UNKNOWN, "it was pasted and is not to be seen", NOW - 95,
            "Address findings 2 and 5 first.\nFinding 5 is the one with the shell: use subprocess with a list."),
    Receipt("tr-wisp-71d", "shop/eddie-1", Delivery.TAKEN_UP, "", NOW - 400, "Thank you. Go on with prices.py."),
    Receipt("tr-wisp-5f0", "shop/scout-1", Delivery.UNDELIVERED, "the session was stopped", NOW - 3000,
            "Look into the flaky test in tests/test_cart.py"),
    Receipt("tr-wisp-402", "shop/eddie-3", Delivery.SUBMITTED, "behind its turn", NOW - 4, "Rebase onto main, please"),
)  # fmt: skip
PANE = """Traceback (most recent call last):
  File "/opt/agent/bin/agent", line 9, in <module>
    sys.exit(main())
LicenceError: no licence for host build-7




Pane is dead (status 3, Sun Nov 22 14:09:02 2026)
"""


def _session(instance: str, provider: str, phase: Phase, **more: object) -> SessionView:
    told = {"agent": instance.rpartition("-")[0], "since": NOW - 90, "pane": "%7", "provider": provider, **more}
    return SessionView(instance, phase=phase, **told)  # type: ignore[arg-type]


def bad_day() -> CitySnapshot:
    """Each kind of trouble that a session can have, once."""
    asked = Pending("q1", "approval", "Do you want to proceed?", ("Yes", "No"), "rm -rf build/ dist/", NOW - 12)
    sessions = (
        _session("shop/eddie-1", "claude", Phase.READY, context_percent=41.0, last_said="Done: 3 of 4 findings."),
        _session("shop/eddie-2", "codex", Phase.WAITING, pending=asked, queued=1, context_percent=18.0),
        _session(
            "shop/eddie-3",
            "opencode",
            Phase.BUSY,
            activity=(0, 1, 3, 2, 4),
            bead="sh-4k",
            context_percent=7.0,
            bead_title="Carts keep their currency",
        ),
        _session(
            "shop/eddie-4",
            "claude",
            Phase.LIMITED,
            limited_until=NOW + 7000,
            context_percent=88.0,
            last_said="5-hour limit reached",
        ),
        _session(
            "shop/scout-1",
            "amp",
            Phase.FAILED,
            pane="",
            state="creating",
            bead="sh-7d",
            reason="program amp is not on PATH (install amp, or choose another provider)",
        ),
        _session(
            "shop/scout-2",
            "agent",
            Phase.FAILED,
            state="quarantined",
            restarts=6,
            reason="its program ended with 3, 6 times in 60 min",
        ),
        _session("shop/scout-3", "gemini", Phase.STOPPED, pane="", reason="stopped by hand"),
    )
    lost = (TEXTS[1], TEXTS[3])
    shown = CitySnapshot("bad-day", "/home/ann/bad-day", NOW, controller=4242, sessions=sessions, lost=lost,
                         agents=("shop/eddie", "shop/scout"), load=0.003)  # fmt: skip
    return replace(shown, attention=attention(shown))


def trouble() -> StillCity:
    """`bad_day` with its texts and panes."""
    city = StillCity(bad_day())
    city.the_texts = TEXTS
    city.screens = {"shop/scout-2": PANE, "shop/eddie-1": "❯ \n"}
    return city
