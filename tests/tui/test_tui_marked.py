"""What agents write in Markdown reads as it is meant, and what only looks like markup is left alone."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from gcity_tui.model.history import Block, Entry
from gcity_tui.tui import marked, talk
from gcity_tui.tui.cells import plain

SAID = """# What I did
I changed `prices.py` and **nothing else**:

- the sum uses `Decimal`, which is a long line that has to be wrapped somewhere
  1. rounding is explicit
> as you asked
---
```python
def total(text):
    return **kwargs
```
snake_case_name * 2 ** 3 stays"""


def test_markdown_reads_as_it_is_meant() -> None:
    shown = marked.lines(SAID, 44)
    assert [plain(line).rstrip() for line in shown] == [
        "  What I did",
        "  I changed prices.py and nothing else:",
        "",
        "  • the sum uses Decimal, which is a long",
        "    line that has to be wrapped somewhere",
        "    1. rounding is explicit",
        "  ▏ as you asked",
        "  ────────────────────────────────────────",
        "  │ python",
        "  │ def total(text):",
        "  │     return **kwargs",
        "  snake_case_name * 2 ** 3 stays",
    ]
    roles = {piece: role for line in shown for piece, role in line}
    assert roles["What I did"] == "strong" and roles["prices.py"] == roles["Decimal"] == "accent"
    assert roles["nothing else"] == "strong"


@pytest.mark.parametrize("text", ["a * b * c", "__init__", "2**8 and 2 ** 8", "`", "**", "a_b_c", "* ", "1)", "#no"])
def test_what_is_no_markup_stays(text: str) -> None:
    told = "".join(plain(line) for line in marked.lines(text, 60)).replace("  ", " ").strip()
    assert told == text.strip()


@given(st.text(alphabet=" ab*_`#>-~1.\n漢", max_size=200), st.integers(12, 60))
def test_no_line_is_wider_than_there_is_room(text: str, width: int) -> None:
    assert all(cell_len(plain(line)) <= width for line in marked.lines(text, width))


def test_what_a_call_changes_is_shown_when_unfolded() -> None:
    edit = json.dumps({"file_path": "a.py", "old_string": "one\ntwo", "new_string": "three"})
    run = json.dumps({"command": "set -e\nmake all"})
    said = (
        Entry("1", "assistant", "tool_use", blocks=(Block("tool_use", name="Edit", input=edit, tool_use_id="t1"),)),
        Entry("2", "assistant", "tool_use", blocks=(Block("tool_use", name="Bash", input=run, tool_use_id="t2"),)),
    )
    folded = [plain(line) for line in talk.lines(said, 60, "claude", {})]
    assert not any("three" in line for line in folded)
    lines = talk.lines(said, 60, "claude", {}, unfolded=True)
    told = [plain(line).strip() for line in lines]
    assert [x for x in told if x.startswith("┃")] == ["┃ - one", "┃ - two", "┃ + three", "┃ set -e", "┃ make all"]
    assert ("+ three", "ok") in next(line for line in lines if "three" in plain(line))
