"""What is typed for a text, and when what a conversation shows is that text. As tried on the programs themselves."""

from __future__ import annotations

import pytest

from gcity_tui.workers.wording import but_for_names, guarded


@pytest.mark.parametrize("text", ["fix it", "a\nb", "me@example.org", "1/2", "C#", "US$", "see @a b", "/"])
def test_most_texts_are_typed_as_they_are(text: str) -> None:
    assert guarded(text) == text


@pytest.mark.parametrize(
    "text", ["x \\", "\\", "look at @", "look at @src/a.py", "see (@a", "see #", "cost $", "use $skill", "a\n/tmp"]
)
def test_an_end_that_changes_what_enter_does_gets_a_blank_behind_it(text: str) -> None:
    assert guarded(text) == text + " "


def test_a_command_stays_one_and_a_bang_is_none() -> None:
    assert guarded("/compact @notes") == "/compact @notes"
    assert guarded("!ls @x") == " !ls @x "


@pytest.mark.parametrize(
    ("text", "said", "answer"),
    [
        ("look at @no, please", "look at @.gitignore please", True),
        ("look at @no, please", "look at @.gitignore, thanks", False),
        ("look at no, please", "look at no, please", False),
        ("@a", "@b", False),
    ],
)
def test_a_name_that_the_program_wrote_out(text: str, said: str, answer: bool) -> None:
    assert but_for_names(text, said) is answer
