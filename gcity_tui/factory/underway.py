"""What the controller has set out to do and is not over: actions in their session's lane, and how each came out."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future

from gcity_tui.factory import adoption
from gcity_tui.factory.act import Hand
from gcity_tui.factory.crew import Crew
from gcity_tui.factory.notices import Notices
from gcity_tui.factory.site import Site
from gcity_tui.model.actions import Action, Adopt, Assign, Report, Restart, Start, Stop
from gcity_tui.model.errors import CityError, Temporary
from gcity_tui.model.names import session_name


class Underway:
    """`begin` is called by the loop; what is carried out in a lane ends on the lane's thread, and then rings `over`."""

    def __init__(self, site: Site, crew: Crew, hand: Hand, notices: Notices, over: Callable[[], None]) -> None:
        self.site, self.crew, self.hand, self.notices, self._over = site, crew, hand, notices, over
        self.moving: dict[str, str] = {}
        """Instance → what is under way in its lane: start, stop, adopt, give."""
        self.giving: set[str] = set()
        """Beads on their way to somebody: nobody else's meanwhile."""

    def begin(self, action: Action, runs: Callable[[str], bool]) -> bool:
        """Set out to do it: in the lane when it waits for something, at once when it is one transaction: True then.

        `runs(instance)`: it has a program already, so that work must be fitted to where that stands.
        """
        key = _key(action)
        if not self.notices.may(key):
            return False
        if isinstance(action, Report):
            self.in_lane(action, "adopt", lambda: adoption.take_in(self.site, action.subject))
        elif isinstance(action, Start | Restart):
            self.site.hands.departures.expect(session_name(action.subject))
            self.in_lane(action, "start", lambda: self.hand.start(action))
        elif isinstance(action, Stop):
            self.in_lane(action, "stop", lambda: self.hand.stop(action))
        elif isinstance(action, Adopt):
            self.in_lane(action, "adopt", lambda: self.hand.adopt(action.subject))
        elif isinstance(action, Assign) and not self.moving.get(action.instance) and runs(action.instance):
            self.giving.add(action.subject)
            self.in_lane(action, "give", lambda: self._give(action), action.instance)
        else:
            began = time.monotonic()
            try:
                self.hand.at_once(action)
                self._done(action, began)
            except CityError as e:
                self._failed(action, began, e)
            return True
        return False

    def in_lane(self, action: Action, way: str, fn: Callable[[], object], instance: str = "") -> None:
        """Have `fn` carried out in the lane of `instance`, the action's subject if it is not named."""
        instance = instance or action.subject
        began = time.monotonic()
        self.moving[instance] = way

        def over(future: Future[object]) -> None:
            error = None if future.cancelled() else future.exception()
            if isinstance(error, CityError):
                self._failed(action, began, error)
            elif error is not None:
                trace = "".join(traceback.format_exception(error))
                self.site.log.write(_key(action), "error", trace=trace)
                self._failed(action, began, Temporary(f"{type(error).__name__}: {error}"))
            else:
                self._done(action, began)
            self.site.hands.departures.forget(session_name(instance))
            self.crew.look_again(instance)
            # What is seen must be younger than what was done, or a new pane would be taken for one that is gone.
            self.site.sight.refresh()
            self.moving.pop(instance, None)
            self._over()

        self.site.lanes.submit(instance, fn).add_done_callback(over)

    def _give(self, action: Assign) -> None:
        try:
            self.hand.give(action)
        finally:
            self.giving.discard(action.subject)

    def _done(self, action: Action, began: float) -> None:
        took = round(time.monotonic() - began, 4)
        facts = {k: v for k in ("bead", "instance", "agent") if (v := getattr(action, k, ""))}
        name = type(action).__name__.lower()
        self.site.log.write(name, subject=action.subject, reason=action.reason, seconds=took, outcome="done", **facts)
        self.notices.gone(_key(action))

    def _failed(self, action: Action, began: float, error: CityError) -> None:
        took = round(time.monotonic() - began, 4)
        self.site.log.write(type(action).__name__.lower(), "warning", subject=action.subject, reason=action.reason,
                            seconds=took, outcome="failed", error=str(error))  # fmt: skip
        self.notices.failed(_key(action), f"{action.subject}: {error}", retry=isinstance(error, Temporary))


def _key(action: Action) -> str:
    return f"{type(action).__name__} {action.subject}"
