"""The words of a `gc` call: options and what is left. Nothing is imported for it."""

from gcity_tui.model.errors import Usage

NO_SHORT: "dict[str, str]" = {}


def options(
    args: "list[str]",
    names: "tuple[str, ...]",
    flags: "tuple[str, ...]" = (),
    short: "dict[str, str]" = NO_SHORT,
) -> "tuple[dict[str, str], list[str]]":
    """`--name value` and `--name=value` of `names`, `--flag` of `flags` (as "true"), and the words that are left.

    `short`: letter → name, as `-m value` and `-m=value`. After `--` all are words; so is a text that only begins like
    a flag (`"--- done ---"`). Raises Usage.
    """
    said: dict[str, str] = {}
    words: list[str] = []
    rest = list(args)
    while rest:
        word = rest.pop(0)
        if word == "--":
            return said, words + rest
        head, eq, value = word.partition("=")
        name = head[2:] if head.startswith("--") else short.get(head[1:], "") if head.startswith("-") else ""
        if not name or any(c.isspace() for c in name):
            words.append(word)
        elif name in flags and not eq:
            said[name] = "true"
        elif name in names:
            if not eq:
                if not rest:
                    raise Usage(f"{head} needs a value")
                value = rest.pop(0)
            said[name] = value
        else:
            raise Usage(f"unknown flag: {head}")
    return said, words
