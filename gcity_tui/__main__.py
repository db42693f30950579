"""Which door? No words: the dashboard. Words: the verb. Only the chosen door is imported."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # typing and what it loads take a moment in which Ctrl+C is met by nobody
if TYPE_CHECKING:
    from collections.abc import Callable

    from gcity_tui.city import City


def main(argv: list[str] | None = None) -> int:
    """Run `gcity-tui` with `argv` (without the program's name); the exit code."""
    words = sys.argv[1:] if argv is None else argv
    try:  # loading a door takes a moment, and Ctrl+C may come in it
        if words and words[0] == "bd":  # the hot path: nothing else is loaded for it
            from gcity_tui.cli import bd

            return bd.main(words[1:])
        from gcity_tui.cli import door

        return door.main(words, show)
    except KeyboardInterrupt:
        return 130


def show(open: Callable[[], City], view: str = "") -> int:
    """Open the dashboard on the city that `open` gives; words do not know pictures, so this is handed to them."""
    import gc

    gc.disable()  # until the first picture: what is loaded up to then is there to stay
    from gcity_tui.tui.app import run

    return run(open, view=view)


if __name__ == "__main__":
    sys.exit(main())
