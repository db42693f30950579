"""Calls of `bd` and `gc` as real prompts, formulas and scripts contain them."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

CORPUS = Path(os.environ.get("GCITY_CORPUS") or Path(__file__).parents[2] / "shared" / "corpus")
ENDS = {".md", ".toml", ".sh", ".tmpl", ".json", ".yaml", ".py", ".js", ".txt"}


def calls(call: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """(place, the words after what `call` matches) of each, continued lines joined, up to the backtick that ends a code
    span.
    """
    for file in sorted(p for p in CORPUS.rglob("*") if p.is_file() and p.suffix in ENDS):
        text = re.sub(r"\\?\\\n\s*", " ", file.read_text("utf-8", "replace"))
        for n, line in enumerate(text.split("\n"), 1):
            for found in call.finditer(line):
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
