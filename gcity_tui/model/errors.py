"""One exception tree. The room that meets a failure translates it; the doors render it.

CityError                     message, cure, where; `exit_code` for the CLI
├── Temporary                 may succeed later: the loop tries again (exit 75)
│   ├── RuntimeUnavailable    tmux could not be asked: never read as "nothing runs"
│   └── Busy                  a lock is held by another living process
└── Permanent                 will not succeed as asked (exit 1)
    ├── Usage                 the words of the call are off (exit 2)
    ├── BadConfig             what the user declared is wrong: file, line, key (exit 78)
    ├── NotFound              no such city, agent, session, bead … (exit 4)
    ├── Ambiguous             several fit; `candidates` lists them (exit 2)
    ├── Refused               legal words at the wrong moment (exit 3)
    │   ├── IllegalTransition   the session's state forbids it
    │   ├── SessionClosed       the session is closed for good
    │   ├── PendingInteraction  a dialog is open: nothing is typed into it
    │   └── NoInteraction       nothing was asked, or something else was
    ├── Unsupported           this provider cannot do it (exit 5)
    └── BadData               a file from elsewhere cannot be read: nothing of it was taken (exit 65)
"""

from __future__ import annotations


class CityError(Exception):
    """Anything this program knows how to explain.

    `message` says what is wrong in one line, `cure` what to do about it (may be empty), `where` the
    place as `file:line: key` (may be empty). `exit_code` is what a CLI verb exits with.
    """

    exit_code = 1

    def __init__(self, message: str, *, cure: str = "", where: str = "") -> None:
        super().__init__(message)
        self.message, self.cure, self.where = message, cure, where

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.message}" + (f" ({self.cure})" if self.cure else "")


class Temporary(CityError):
    """May succeed later without anyone's help; `retry_after` is in seconds."""

    exit_code = 75

    def __init__(self, message: str, *, cure: str = "", where: str = "", retry_after: float = 1.0) -> None:
        super().__init__(message, cure=cure, where=where)
        self.retry_after = retry_after


class RuntimeUnavailable(Temporary):
    """tmux did not answer. What runs is unknown, which is not the same as nothing."""


class Busy(Temporary):
    """Another living process holds the lock; the message names it."""


class Permanent(CityError):
    """Will not succeed as asked."""


class Usage(Permanent):
    exit_code = 2


class BadConfig(Permanent):
    """A declared value is wrong. `where` is `file:line: key`."""

    exit_code = 78


class NotFound(Permanent):
    exit_code = 4


class Ambiguous(Permanent):
    """Several things fit the name; `candidates` are their full names, sorted."""

    exit_code = 2

    def __init__(self, name: str, candidates: tuple[str, ...]) -> None:
        self.candidates = tuple(sorted(candidates))
        super().__init__(f"{name!r} fits several: {', '.join(self.candidates)}", cure="use one of these names")


class Refused(Permanent):
    exit_code = 3


class IllegalTransition(Refused):
    pass


class SessionClosed(Refused):
    pass


class PendingInteraction(Refused):
    """A dialog is open in the pane, so text would be taken as its answer."""


class NoInteraction(Refused):
    """Nothing is being asked, or the request id names an older question."""


class Unsupported(Permanent):
    exit_code = 5


class BadData(Permanent):
    exit_code = 65
