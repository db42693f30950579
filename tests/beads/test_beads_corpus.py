"""Every `bd …` that real prompts, formulas and scripts contain: its command and its flags are known here.

Reads a folder of them (GCITY_CORPUS, or `shared/corpus` beside the repository); skipped where there is none.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from gcity_tui.beads.dialect import words
from gcity_tui.model.errors import Usage

CORPUS = Path(os.environ.get("GCITY_CORPUS") or Path(__file__).parents[3] / "shared" / "corpus")
ENDS = {".md", ".toml", ".sh", ".tmpl", ".json", ".yaml", ".py", ".js", ".txt"}
CALL = re.compile(r"(?<![\w./-])(?:gc )?bd (?=[a-z-])")
META = ("meta",)  # a verb of the city's, which is not in the table
PROSE = {
    *("pour", "to", "from", "binaries", "command.", "mutation", "runs", "close,", "is", "available:", "subprocess"),
}
"""Words after `bd` where a sentence speaks of it."""

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus")


def calls() -> Iterator[tuple[str, str]]:
    """(place, the words after `bd`) of each, continued lines joined, up to the backtick that ends a code span."""
    for file in sorted(p for p in CORPUS.rglob("*") if p.is_file() and p.suffix in ENDS):
        text = re.sub(r"\\?\\\n\s*", " ", file.read_text("utf-8", "replace"))
        for n, line in enumerate(text.split("\n"), 1):
            for found in CALL.finditer(line):
                tail = line[found.end() :]
                inside = line[: found.start()].count("`") % 2
                yield f"{file.relative_to(CORPUS)}:{n}", tail.split("`")[0] if inside else tail


def split(text: str) -> list[str]:
    """A command line's words up to the first operator of the shell; what is to be filled in is one word."""
    text = re.sub(r"\{\{.*?\}\}|\$\([^()]*\)|<[^<>\n]*>", "X", text.replace('\\"', '"').split("\\n")[0])
    text += '"' if text.count('"') % 2 else ""
    lexer = shlex.shlex(text, posix=True, punctuation_chars="|;&()<>")
    lexer.whitespace_split, lexer.commenters = True, "#"
    found = []
    try:
        for word in lexer:
            if set(word) <= set("|;&()<>") or word == "\\":
                break
            found.append(word)
    except ValueError:  # a sentence with an apostrophe
        pass
    return found


def test_every_command_and_flag_of_the_corpus_is_known() -> None:
    strange, seen = [], 0
    for place, text in calls():
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
