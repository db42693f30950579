"""A TOML text → its table, or a fault with file and line; what the standard library's parser cannot bear is refused.

A dotted key of n parts costs `tomllib` n² steps: 20,000 parts take 13 seconds, the 2 million that a 4 MB file can hold
take days.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

from gcity_tui.model.errors import BadConfig

MOST_PARTS = 64
"""Parts of one dotted key."""
_DOTTED = re.compile(
    r"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){%d}""" % MOST_PARTS  # noqa: UP031
)
_TEXTS = re.compile(
    r'"""(?:[^\\]|\\.)*?"""' r"|'''.*?'''" r'|"(?:[^"\\\n]|\\.)*"' r"|'[^'\n]*'" r"|\#[^\n]*", re.DOTALL
)


def read_toml(text: str, where: str) -> dict[str, Any]:
    """The table of `text`. Raises BadConfig at `where` (a path) and the line."""
    if any(line.count(".") >= MOST_PARTS for line in text.splitlines()):
        # A text or a comment may have as many dots: keys are what is left without them.
        bare = _TEXTS.sub(lambda m: '""' + "\n" * m.group().count("\n"), text)
        if long := _DOTTED.search(bare):
            at = bare.count("\n", 0, long.start()) + 1
            raise BadConfig(f"a key of more than {MOST_PARTS} parts", cure="fewer dots", where=f"{where}:{at}")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        said = str(exc)
        line = int(said.partition("at line ")[2].partition(",")[0] or text.count("\n") + 1)
        raise BadConfig(f"not valid TOML: {said}", cure="correct that line", where=f"{where}:{line}") from exc
    except RecursionError as exc:
        raise BadConfig("nested too deeply", cure="fewer brackets inside brackets", where=where) from exc
    except ValueError as exc:  # of Python's own readers of numbers and times
        raise BadConfig(f"not valid TOML: {str(exc).partition(';')[0]}", where=where) from exc
