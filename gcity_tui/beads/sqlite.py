"""SQLite's C module alone, without the Python that comes with it: a `bd` call is over before that would be loaded.

The package `sqlite3` adds dates, and adapters for them: a millisecond. The C module itself asks `functools` for its
`lru_cache`, and with `functools` come `collections`, `types` and more: another five, a quarter of the whole call. The
cache is C too (`_functools`), so where nobody has loaded `functools` yet a module of that one name stands in for it
while `_sqlite3` starts. Where anything of this is otherwise, the plain import does it.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from typing import Any

__all__ = ["sqlite3"]


def _lean() -> "Any":
    """The C module, started with a stand-in for functools."""
    from _functools import _lru_cache_wrapper  # type: ignore[import-not-found, unused-ignore]

    class StandIn:
        @staticmethod
        def lru_cache(maxsize: int = 128, typed: bool = False) -> "Any":
            return lambda f: _lru_cache_wrapper(f, maxsize, typed, tuple)

    sys.modules["functools"] = StandIn  # type: ignore[assignment]
    try:
        import _sqlite3

        _sqlite3.connect(":memory:").close()
    except BaseException:
        sys.modules.pop("_sqlite3", None)
        raise
    finally:
        del sys.modules["functools"]
    return _sqlite3


if not TYPE_CHECKING:
    try:
        # With functools there already, or threads (which bring it), there is nothing to save.
        sqlite3 = __import__("_sqlite3") if "functools" in sys.modules else _lean()
    except Exception:
        import sqlite3
