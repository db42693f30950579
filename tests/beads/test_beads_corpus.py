"""Every `bd …` that real prompts, formulas and scripts contain: its command and its flags are known here.

Reads a folder of them (GCITY_CORPUS, or `shared/corpus` beside the repository); skipped where there is none.
"""

from __future__ import annotations

import re

import pytest
from corpus_words import CORPUS, calls, split

from gcity_tui.beads.dialect import words
from gcity_tui.model.errors import Usage

CALL = re.compile(r"(?<![\w./-])(?:gc )?bd (?=[a-z-])")
META = ("meta",)  # a verb of the city's, which is not in the table
PROSE = {
    *("pour", "to", "from", "binaries", "command.", "mutation", "runs", "close,", "is", "available:", "subprocess"),
}
"""Words after `bd` where a sentence speaks of it."""

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus")


def test_every_command_and_flag_of_the_corpus_is_known() -> None:
    strange, seen = [], 0
    for place, text in calls(CALL):
        argv = [w for w in split(text) if w != "2"]  # of `2>/dev/null`
        if not argv or argv[0] in (*PROSE, *META) or argv[0].startswith("--version"):
            continue
        name = words.ALIASES.get(argv[0], argv[0])
        if name not in words.COMMANDS:
            strange.append(f"{place}: bd {argv[0]}")
            continue
        seen += 1
        try:
            words.parse(name, argv[1:])
        except Usage as e:
            if "needs an argument" not in e.message and not e.message.endswith((",", ".", '"')):
                strange.append(f"{place}: bd {' '.join(argv)[:80]}: {e.message}")
    assert not strange and seen > 300
