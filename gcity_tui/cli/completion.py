"""completion: a script for bash, zsh or fish; it asks the program itself for names."""

from __future__ import annotations

import argparse

from gcity_tui.cli import output
from gcity_tui.cli.opening import opened
from gcity_tui.cli.verbs import VERBS, find
from gcity_tui.config import formula_names
from gcity_tui.model.errors import CityError

_BASH = """_gcity_tui() {
  local IFS=$'\\n'
  COMPREPLY=($(gcity-tui completion words : "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _gcity_tui gcity-tui
"""
_ZSH = """#compdef gcity-tui
_gcity_tui() {
  local -a found
  found=("${(@f)$(gcity-tui completion words : "${words[@]:1:$((CURRENT-1))}" 2>/dev/null)}")
  compadd -a found || _files
}
compdef _gcity_tui gcity-tui
"""
_FISH = """function __gcity_tui
  set -l said (commandline -opc) (commandline -ct)
  gcity-tui completion words : $said[2..-1] 2>/dev/null
end
complete -c gcity-tui -a '(__gcity_tui)'
"""

_FREE = ("title", "option", "text")
"""Places of words that are no name of anything there is."""


def completion_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("shell", choices=("bash", "zsh", "fish", "words"))
    p.add_argument("said", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)


def completion(args: argparse.Namespace) -> int:
    if args.shell == "words":
        said = args.said[1:] if args.said[:1] in ([":"], ["--"]) else args.said
        for word in suggestions(said, args):
            output.say(word)
    else:
        output.say({"bash": _BASH, "zsh": _ZSH, "fish": _FISH}[args.shell].rstrip())
    return 0


def suggestions(said: list[str], args: argparse.Namespace) -> list[str]:
    """Words that may stand at the end of `said` (its last element is what has been typed of it)."""
    *before, typed = said or [""]
    if "--city" in before[:-1]:
        at = before.index("--city")
        args.city = before[at + 1]
        del before[at : at + 2]
    if before == ["help"]:
        before = []
    if not before:
        first = ("--city", "--help", "--version") if typed.startswith("-") else tuple(v.name for v in VERBS)
        return [w for w in first if w.startswith(typed)]
    verb = find(before[0])
    if verb is None or before[-1] == "--city":
        return []
    parser = _parser(verb.module, verb.function)
    return [w for w in _fitting(parser, before, typed, verb.takes, args) if w.startswith(typed)]


def _fitting(
    parser: argparse.ArgumentParser, before: list[str], typed: str, takes: str, args: argparse.Namespace
) -> list[str]:
    """What may stand behind the words `before` (the verb is the first): a flag, a flag's value, a choice, a name."""
    flags = {f: a for a in parser._actions for f in a.option_strings}
    if typed.startswith("-"):
        return sorted({*(f for f in flags if f.startswith("--")), "--json", "--help"})
    last = flags.get(before[-1])
    if last is not None and last.nargs != 0:
        return [str(c) for c in last.choices or ()]
    plain = [w for i, w in enumerate(before[1:], 1) if not w.startswith("-") and not _value(flags.get(before[i - 1]))]
    positional = [a for a in parser._actions if not a.option_strings]
    if len(plain) < len(positional) and positional[len(plain)].choices:
        return [str(c) for c in positional[len(plain)].choices or ()]
    here = positional[min(len(plain), len(positional) - 1)] if positional else None
    if here is not None and (here.dest in _FREE or (len(plain) >= len(positional) and here.nargs != "+")):
        return []
    return _names(takes, args)


def _value(flag: argparse.Action | None) -> bool:
    """True when the word behind this flag is its value."""
    return flag is not None and flag.nargs != 0


def _parser(module: str, function: str) -> argparse.ArgumentParser:
    import importlib

    p = argparse.ArgumentParser(add_help=False)
    fill = getattr(importlib.import_module(f"gcity_tui.cli.{module}"), f"{function}_arguments", None)
    if fill is not None:
        fill(p)
    return p


def _names(takes: str, args: argparse.Namespace) -> list[str]:
    if not takes:
        return []
    try:
        with opened(args) as city:
            if takes == "loop":
                return [x.id for x in city.loops()]
            if takes == "mail":
                return [m.id for m in city.mail()]
            if takes == "order":
                return [o.name for o in city.declared.orders]
            if takes == "formula":
                return sorted(formula_names(city.declared))
            agents = takes == "agent"
            loops = [x.id for x in city.loops()] if takes == "change" else []
            full = [a.qualified for a in city.declared.agents] if agents else [s.instance for s in city.sessions()]
    except CityError:
        return []
    short = [n.rsplit("/", 1)[-1] for n in full]
    return [s for s in short if short.count(s) == 1] + [n for n in full if "/" in n] + loops
