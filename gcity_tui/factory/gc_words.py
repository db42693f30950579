"""The words of a `gc` call: options and what is left. Nothing is imported for it."""

from gcity_tui.model.errors import Usage


def options(
    args: "list[str]", names: "tuple[str, ...]", flags: "tuple[str, ...]" = ()
) -> "tuple[dict[str, str], list[str]]":
    """`--name value` and `--name=value` of `names`, `--flag` of `flags` (as "true"), and the words that are left."""
    said: dict[str, str] = {}
    words: list[str] = []
    rest = list(args)
    while rest:
        word = rest.pop(0)
        name, eq, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") or word == "--":
            words.append(word)
        elif name in flags and not eq:
            said[name] = "true"
        elif name in names:
            if not eq:
                if not rest:
                    raise Usage(f"--{name} needs a value")
                value = rest.pop(0)
            said[name] = value
        else:
            raise Usage(f"unknown flag: --{name}")
    return said, words
