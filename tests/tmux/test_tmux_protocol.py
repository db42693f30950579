"""Control lines and the answers to them, without a server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcity_tui.model.errors import Usage
from gcity_tui.tmux.protocol import Block, Notification, Parser, checked_session, line, no_format, quote

TALK = (
    b"%begin 10 1 0\n%end 10 1 0\n%session-changed $0 _holder\n"
    b"%begin 11 2 1\n%begin 11 9 1\n%end 11 9 1\n%error 11 2 0\nplain \xc3\xa9\n%end 11 2 1\n"
    b"%sessions-changed\n%begin 12 3 1\nno such thing\n%error 12 3 1\n"
)
HEARD = [
    Block(True, False, ()),
    Notification("session-changed", "$0 _holder"),
    Block(True, True, ("%begin 11 9 1", "%end 11 9 1", "%error 11 2 0", "plain é")),
    Notification("sessions-changed", ""),
    Block(False, True, ("no such thing",)),
]


def test_a_block_ends_only_at_its_own_tag() -> None:
    assert Parser().feed(TALK) == HEARD


@given(st.lists(st.integers(1, len(TALK) - 1), max_size=12))
def test_the_pieces_in_which_bytes_come_do_not_matter(cuts: list[int]) -> None:
    parser, found, at = Parser(), [], 0
    for cut in [*sorted(cuts), len(TALK)]:
        found += parser.feed(TALK[at:cut])
        at = cut
    assert found == HEARD


@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00")))
def test_a_quoted_word_is_one_line_and_cannot_end_its_quotes(text: str) -> None:
    quoted = quote(text)
    assert "\n" not in quoted
    inner, at = quoted[1:-1], 0
    while at < len(inner):  # as tmux reads it: a backslash takes the next character with it
        assert inner[at] not in '"$~'
        at += 2 if inner[at] == "\\" else 1
    assert at == len(inner)  # the closing quote is not taken by a backslash


def test_words_and_formats() -> None:
    assert line("set-buffer", "--", "-x; $(y)\n~") == '"set-buffer" "--" "-x; \\$(y)\\n\\~"'
    assert no_format("a#{pid} ##b #") == "a##{pid} ####b ##"
    with pytest.raises(Usage):
        quote("a\x00b")


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a.b", "=a", "a;kill-server", "a\n", "$(x)", "#{pid}"])
def test_no_session_name_can_be_a_target_of_another_kind(name: str) -> None:
    with pytest.raises(Usage):
        checked_session(name)
