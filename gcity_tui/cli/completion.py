"""completion: a script for bash, zsh or fish; it asks the program itself for names."""

from __future__ import annotations

import argparse

from gcity_tui.cli import output
from gcity_tui.cli.opening import opened
from gcity_tui.cli.verbs import VERBS, find
from gcity_tui.model.errors import CityError

_BASH = """_gcity_tui() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$(gcity-tui completion words -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" \\
    -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _gcity_tui gcity-tui
"""
_ZSH = """#compdef gcity-tui
_gcity_tui() {
  local -a found
  found=("${(@f)$(gcity-tui completion words -- "${words[@]:1:$((CURRENT-1))}" 2>/dev/null)}")
  compadd -a found || _files
}
compdef _gcity_tui gcity-tui
"""
_FISH = """function __gcity_tui
  set -l said (commandline -opc) (commandline -ct)
  gcity-tui completion words -- $said[2..-1] 2>/dev/null
end
complete -c gcity-tui -a '(__gcity_tui)'
"""


def completion_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("shell", choices=("bash", "zsh", "fish", "words"))
    p.add_argument("said", nargs="*", help=argparse.SUPPRESS)


def completion(args: argparse.Namespace) -> int:
    if args.shell == "words":
        for word in suggestions(args.said, args):
            output.say(word)
    else:
        output.say({"bash": _BASH, "zsh": _ZSH, "fish": _FISH}[args.shell].rstrip())
    return 0


def suggestions(said: list[str], args: argparse.Namespace) -> list[str]:
    """Words that may stand at the end of `said` (its last element is what has been typed of it)."""
    *before, typed = said or [""]
    if "--city" in before:
        at = before.index("--city")
        args.city = before[at + 1] if at + 1 < len(before) else ""
        del before[at : at + 2]
    if not before:
        return [v.name for v in VERBS if v.name.startswith(typed)]
    verb = find(before[0])
    if verb is None:
        return []
    if typed.startswith("-"):
        return [f for f in _flags(verb.module, verb.function) if f.startswith(typed)]
    return [
        n
        for n in (*_choices(verb.module, verb.function, len(before) - 1), *_names(verb.takes, args))
        if n.startswith(typed)
    ]


def _parser(module: str, function: str) -> argparse.ArgumentParser:
    import importlib

    p = argparse.ArgumentParser(add_help=False)
    fill = getattr(importlib.import_module(f"gcity_tui.cli.{module}"), f"{function}_arguments", None)
    if fill is not None:
        fill(p)
    return p


def _flags(module: str, function: str) -> list[str]:
    found = [f for a in _parser(module, function)._actions for f in a.option_strings if f.startswith("--")]
    return sorted({*found, "--json", "--help"})


def _choices(module: str, function: str, place: int) -> list[str]:
    positional = [a for a in _parser(module, function)._actions if not a.option_strings]
    if place < len(positional) and positional[place].choices:
        return [str(c) for c in positional[place].choices or ()]
    return []


def _names(takes: str, args: argparse.Namespace) -> list[str]:
    if not takes:
        return []
    try:
        with opened(args) as city:
            if takes == "agent":
                return [a.qualified for a in city.declared.agents]
            if takes == "loop":
                return [x.id for x in city.loops()]
            full = [s.instance for s in city.sessions()]
    except CityError:
        return []
    short = [n.rsplit("/", 1)[-1] for n in full]
    return [s for s in short if short.count(s) == 1] + [n for n in full if "/" in n]
