"""docs/reference/commands.md says of every verb exactly what its parser takes, and of JSON exactly its fields."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from docs_words import OWN_DIALECT, choices_of, flags_of, verbs

from gcity_tui.cli.verbs import VERBS
from gcity_tui.model import bead, errors, history, receipt, session, snapshot

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference" / "commands.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |^---|\Z)", PAGE, re.MULTILINE | re.DOTALL))


def flags_in(section: str) -> set[str]:
    """Flags of the section's table: the first cell of each line."""
    cells = re.findall(r"^\| (`-[^|]*) \|", section, re.MULTILINE)
    return {flag for cell in cells for flag in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", cell)}


def test_every_verb_has_its_section_and_no_other() -> None:
    assert set(SECTIONS) == {v.name for v in VERBS}


@pytest.mark.parametrize("verb", [v for v in VERBS if v.name not in OWN_DIALECT], ids=lambda v: v.name)
def test_flags_and_choices_are_those_of_the_parser(verb: object) -> None:
    name = verb.name  # type: ignore[attr-defined]
    section = SECTIONS[name]
    assert flags_in(section) == flags_of(name)
    listed = re.findall(r"^((?:`[a-z]+` ?)+)$", re.sub(r"<!-- fields.*?\n\n", "", section, flags=re.DOTALL), re.M)
    said = {word for line in listed for word in re.findall(r"`([a-z]+)`", line)}
    assert said - {"words"} == choices_of(name) - {"words"}
    for alias in verbs()[name].aliases:
        assert f"`{alias}`" in section


@pytest.mark.parametrize(
    "kind",
    [snapshot.CitySnapshot, snapshot.SessionView, snapshot.Attention, session.Evidence, session.Pending,
     receipt.Receipt, bead.Event, history.Entry],
    ids=lambda k: k.__name__,
)  # fmt: skip
def test_fields_of_json_are_those_of_the_value(kind: type) -> None:
    told = re.search(rf"<!-- fields: {kind.__name__} -->\n(.*?)\n\n", PAGE, re.DOTALL)
    assert told, kind.__name__
    assert re.findall(r"`(\w+)`", told[1]) == [f.name for f in fields(kind)]


def test_exit_codes_are_those_of_the_errors() -> None:
    table = dict(re.findall(r"^\| (\d+) \|[^|]*\|([^|]*)\|", PAGE, re.MULTILINE))
    kinds = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, errors.CityError)]
    for kind in kinds:
        if kind is not errors.CityError:
            assert f"`{kind.__name__}`" in table[str(kind.exit_code)], kind.__name__
