"""Keys, composer, parts files and pictures: the pure pieces of the scripted agent."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcity_tui.rehearsal.composer import Composer
from gcity_tui.rehearsal.keys import Decoder, Key, Paste, Typed
from gcity_tui.rehearsal.looks import LOOKS
from gcity_tui.rehearsal.parts import PartsError, Work, fits_step, load
from gcity_tui.rehearsal.picture import Dialog, View, draw, title
from gcity_tui.rehearsal.wording import columns, harmless, wrap

SENT = "aé漢\x1b[A\r\x1b[200~one\r\ntwo\x1b[31m\x1b[201~\x03\x1b[3~z".encode()


def joined(items: list) -> list:
    """The inputs with neighbouring characters put together."""
    found: list = []
    for item in items:
        if isinstance(item, Typed) and found and isinstance(found[-1], Typed):
            found[-1] = Typed(found[-1].text + item.text)
        else:
            found.append(item)
    return found


@given(st.sets(st.integers(1, len(SENT) - 1)))
def test_input_means_the_same_however_it_is_cut(cuts):
    decoder, found, before = Decoder(), [], 0
    for cut in [*sorted(cuts), len(SENT)]:
        found += decoder.feed(SENT[before:cut])
        before = cut
    assert joined(found) == [
        Typed("aé漢"), Key("up"), Key("enter"), Paste("one\ntwo\x1b[31m"), Key("ctrl-c"), Key("delete"), Typed("z")
    ]  # fmt: skip


def test_a_lone_escape_is_a_key_only_when_nothing_follows():
    decoder = Decoder()
    assert decoder.feed(b"\x1b") == []
    assert decoder.pending_escape
    assert decoder.flush() == [Key("escape")]
    assert decoder.flush() == []
    assert decoder.feed(b"\x1bx") == [Key("escape"), Typed("x")]
    assert decoder.feed(b"\x1b[200") == []
    assert not decoder.pending_escape
    assert decoder.feed(b"~a\x1b[201~") == [Paste("a")]


def composer() -> Composer:
    return Composer(20, 2, "[{n}: {lines} lines]")


def test_a_short_paste_stands_there_and_a_long_one_is_folded_and_goes_whole():
    box = composer()
    box.paste("a\tb")
    box.type("-")
    box.paste("1\n2\n3\n4")
    assert (box.text, box.shown) == ("a    b-1\n2\n3\n4", "a    b-[1: 3 lines]")
    box.edit("backspace")
    assert box.text == "a    b-"
    assert (box.take(), box.text) == ("a    b-", "")


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (["home", "ctrl-k"], "one\n"),
        (["ctrl-u"], "one\n"),
        (["ctrl-u", "ctrl-u"], "one\n"),
        (["ctrl-w"], "one\ntwo "),
        (["left", "delete"], "one\ntwo thre"),
        (["home", "backspace"], "onetwo three"),
        (["newline"], "one\ntwo three\n"),
    ],
)
def test_editing_keys_work_on_the_line(keys, text):
    box = composer()
    box.type("one\ntwo three")
    for key in keys:
        assert box.edit(key)
    assert box.text == text
    assert not box.edit("enter")


@given(st.text(max_size=60), st.integers(2, 30))
def test_wrapped_text_fits_and_loses_nothing(text, width):
    text = harmless(text)
    lines = wrap(text, width)
    assert all(columns(line) <= width for line in lines)
    assert "".join(lines) == text.replace("\n", "")
    assert harmless(text) == text


@settings(max_examples=60, deadline=None)
@given(
    look=st.sampled_from(sorted(LOOKS)), width=st.integers(20, 120), height=st.integers(8, 40), busy=st.booleans(),
    text=st.text(max_size=300), asks=st.booleans(), queue=st.lists(st.text(max_size=80), max_size=5),
)  # fmt: skip
def test_a_picture_fits_its_screen(look, width, height, busy, text, asks, queue):
    chosen = LOOKS[look]
    box = Composer(chosen.fold_chars, chosen.fold_lines, chosen.fold_label)
    box.paste(text)
    dialog = Dialog("Bash", "git {push}", ("Yes", "No"), 1) if asks else None
    view = View(chosen, box, "rig", "A {topic}", busy=busy, queue=queue, dialog=dialog)
    picture = draw(view, width, height)
    assert 1 <= len(picture.lines) < height
    assert all(columns(line) < width for _, line in picture.lines)
    assert 0 <= picture.row < len(picture.lines)
    assert title(view)


def test_the_states_of_each_look_have_titles_of_their_own():
    for look in LOOKS.values():
        box = Composer(look.fold_chars, look.fold_lines, look.fold_label)
        views = [
            View(look, box, "rig", "topic"),
            View(look, box, "rig", "topic", busy=True),
            View(look, box, "rig", "topic", busy=True, dialog=Dialog("Bash", "ls", ("Yes", "No"))),
        ]
        expected = 1 if look.name == "opencode" else 3  # the real one's title tells no state
        assert len({title(view) for view in views}) == expected


def parts(folder: Path, text: str):
    (folder / "p.toml").write_text(text)
    return load([folder])


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[[when]]\nstep = 3\ndo = []", "when 1: step: str is wanted"),
        ('[[when]]\nstep = "a"', "when 1: do: the list of acts is missing"),
        ('[[when]]\nround = true\ndo = [{say = "a"}]', "when 1: round: int is wanted"),
        ('[[when]]\ntext = "("\ndo = []', "when 1: text: "),
        ('[[when]]\ndo = ["say"]', "do[1]: an act is a table"),
        ('[[when]]\ndo = [{sing = "la"}]', "do[1]: no act in ['sing']"),
        ('[[when]]\ndo = [{say = "a", keep = "b"}]', "do[1]: keep: unknown key"),
        ('[[when]]\ndo = [{close = "maybe"}]', "do[1]: close: one of pass, fail"),
        ('[[when]]\ndo = [{edit = "a.py"}]', "do[1]: edit: one of find with replace, text, or codemod"),
        ('[[when]]\ndo = [{edit = "a.py", find = "x"}]', "do[1]: edit: one of find"),
        ('[[when]]\ndo = [{ask = "a", else = [{crash = "x"}]}]', "do[1].else[1]: crash: int is wanted"),
        ('[[when]]\ndo = [{ask = "a", options = [1]}]', "do[1]: options"),
        ('[codemods]\nsince_round = {"a" = 0}', "codemods.since_round.a: a round"),
        ("[[when]", "p.toml: "),
        ("wen = 1", "wen: unknown key"),
    ],
)
def test_a_mistake_is_named_with_file_and_key(tmp_path, text, word):
    with pytest.raises(PartsError) as raised:
        parts(tmp_path, text)
    assert word in str(raised.value)
    assert "p.toml" in str(raised.value)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(PartsError, match="no such folder of parts"):
        load([tmp_path / "none"])


@pytest.mark.parametrize(
    ("glob", "ref", "fits"),
    [
        ("*.review", "f.loop.iteration.2.review", True),
        ("*.review", "review", True),
        ("*.review", "loop.iteration.1.review.attempt.2", True),
        ("*.review", "f.preview", False),
        ("*.review", "f.review.more", False),
        ("*", "", False),
        ("f.*", "f.review.run.1", True),
    ],
)
def test_step_globs(glob, ref, fits):
    assert fits_step(glob, ref) is fits


def test_all_keys_of_a_rule_must_hold_and_acts_keep_their_numbers(tmp_path):
    found = parts(
        tmp_path,
        '[[when]]\nagent = "ed*"\nlabel = "ui"\ntext = "(?i)colou?r"\n'
        'do = [{ask = "a", else = [{say = "b"}]}, {say = "c"}]',
    )
    work = Work(("rig/eddie-1", "eddie"), "f.x", 1, ("ui", "web"), "Change the Color")
    rule = found.for_work(work)
    assert rule is not None
    assert [rule.acts[0].number, rule.acts[0].other[0].number, rule.acts[1].number] == [1, 2, 3]
    assert found.for_work(Work(("bob",), "f.x", 1, ("ui",), "color")) is None
    assert found.for_work(Work(("eddie",), "f.x", 1, (), "color")) is None
    assert found.for_work(Work(("eddie",), "f.x", 1, ("ui",), "size")) is None
    assert found.for_nudge(("eddie",), "color") is None
    free = parts(tmp_path, '[[when]]\ndo = []\n[[when]]\ntext = "colou?r"\ndo = [{say = "x"}]')
    assert free.for_nudge(("eddie",), "what color") is free.rules[1]
