"""What the program itself says of its words: verbs, flags, choices, from the parsers that read them."""

from __future__ import annotations

import argparse
import importlib

from gcity_tui.cli.verbs import VERBS, Verb, find

OWN_DIALECT = ("bd", "gc", "converge")
"""Verbs that read their words themselves."""


def verbs() -> dict[str, Verb]:
    """Every word that may stand first, aliases too."""
    return {word: v for v in VERBS for word in (v.name, *v.aliases)}


def parser_of(verb: Verb) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(add_help=False)
    getattr(importlib.import_module(f"gcity_tui.cli.{verb.module}"), f"{verb.function}_arguments")(made)
    return made


def flags_of(word: str) -> set[str]:
    """Every flag of a verb, long and short."""
    verb = find(word)
    assert verb is not None
    return set() if verb.name in OWN_DIALECT else {f for a in parser_of(verb)._actions for f in a.option_strings}


def choices_of(word: str) -> set[str]:
    """Every word that a verb offers as a choice, in a place or behind a flag; what help hides is left out."""
    verb = find(word)
    assert verb is not None
    if verb.name in OWN_DIALECT:
        return set()
    return {str(c) for a in parser_of(verb)._actions for c in a.choices or () if a.help != argparse.SUPPRESS}
