"""Captures → styled lines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gcity_tui.tmux.styled import PLAIN, Style, parse, plain


def test_colours_and_attributes() -> None:
    line = "a\x1b[1;31mb\x1b[22;38;5;200;48;2;1;2;3mc\x1b[0;4;7;9;3;2md\x1b[me"
    assert parse(line) == (
        (
            ("a", PLAIN),
            ("b", Style(fg=1, bold=True)),
            ("c", Style(fg=200, bg=(1, 2, 3))),
            ("d", Style(dim=True, italic=True, underline=True, reverse=True, strike=True)),
            ("e", PLAIN),
        ),
    )


def test_bright_colours_defaults_and_colons() -> None:
    (line,) = parse("\x1b[97;100mx\x1b[39my\x1b[49mz\x1b[38:2::9:8:7mr\x1b[4:3mu\x1b[4:0mv\x1b[58;5;3mw")
    assert line == (
        ("x", Style(fg=15, bg=8)), ("y", Style(bg=8)), ("z", PLAIN), ("r", Style(fg=(9, 8, 7))),
        ("u", Style(fg=(9, 8, 7), underline=True)), ("vw", Style(fg=(9, 8, 7))),
    )  # fmt: skip


def test_a_colour_runs_on_into_the_next_row() -> None:
    assert parse("\x1b[32mone\ntwo\x1b[0m\nthree") == (
        (("one", Style(fg=2)),),
        (("two", Style(fg=2)),),
        (("three", PLAIN),),
    )


def test_line_drawing_links_and_wide_characters() -> None:
    lines = parse("\x0elqqk\x0f lqk\n\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\ 漢字 é\n\x0ex\nx\x0f")
    assert plain(lines) == "┌──┐ lqk\nlink 漢字 é\n│\n│"


def test_rows_that_did_not_change_are_the_same_objects() -> None:
    first, second = parse("\x1b[31mred\nb"), parse("\x1b[31mred\nc")
    assert first[0] is second[0] and first[1] != second[1]


def test_a_broken_code_changes_nothing_but_is_not_shown() -> None:
    assert parse("\x1b[38;5;999mx\x1b[38;2;1my\x1b[38mz\x1b[99999mq") == ((("xyzq", PLAIN),),)


@given(st.text(st.sampled_from("ab\x1b[]0123456789;:mHJ\\\x07\x0e\x0f\x9b\x90\x85\u202e漢\r\t")))
def test_nothing_that_a_terminal_obeys_comes_through(text: str) -> None:
    shown = "".join(piece for line in parse(text) for piece, _ in line)
    assert not any((ord(c) < 32 and c != "\t") or 127 <= ord(c) < 160 or c == "\u202e" for c in shown)
