"""Which shape of `bd show --json` prompts and scripts expect: `jq .title` an object, `jq '.[0].title'` an array."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_ENDS = (".md", ".toml", ".tmpl", ".sh", ".txt", ".yaml", ".py")
_SKIP = frozenset([".git", "worktrees", "node_modules", ".venv", "__pycache__", "runtime", "logs"])
MOST_FILES, MOST_BYTES = 4000, 512_000


def styles(text: str) -> "Iterator[tuple[int, str]]":
    """(line number, "array" | "object") of each `bd show … --json` whose answer goes to a jq path: in the same line, in
    the next after a backslash, or by way of a variable.
    """
    import re

    shown = re.compile(r"(?:(\w{1,64})=[\"']?\$\()?(?:gc )?bd show\b((?:(?!\bbd ).)*?--json(?:(?!\bbd ).)*)")
    kept: set[str] = set()
    start, whole = 0, ""
    for n, line in enumerate(text.splitlines(), 1):
        start, whole = (start, whole + line) if whole else (n, line)
        if whole.endswith("\\"):
            whole = whole[:-1]
            continue
        for part in whole.split("\\n"):  # a formula may have its text in one line, with the breaks written out
            for name, tail in shown.findall(part) if "bd show" in part else ():
                style = _style(tail)
                if style:
                    yield start, style
                elif name and len(kept) < 100:
                    kept.add(name)
            for name in kept:
                at = re.search(rf"\$\{{?{name}\b", part)
                style = _style(part[at.end() :]) or _style(part[: at.start()]) if at else ""
                if style and "bd show" not in part:
                    yield start, style
        whole = ""


def _style(words: str) -> str:
    """Which shape the first jq of a command line reads; "" when there is none that tells."""
    _, jq, path = words.partition("jq ")
    path = path.lstrip()
    while path.startswith("-"):  # jq's own flags
        path = path.partition(" ")[2].lstrip()
    path = path.lstrip("\\'\"")
    if path.startswith(".["):
        # `.[0].x` and `.[].x` walk an array; `.["gc.key"]` is a field of an object
        return "object" if path[2:3] in "'\"\\" else "array"
    return "object" if jq and path.startswith(".") else ""


def told(found: "dict[str, list[str]]", now: str) -> tuple[bool, str]:
    """(whether all fits the shape in force, a sentence that names the places of each shape)."""
    other = "array" if now == "object" else "object"
    parts = [f"{len(found[style])} read an {style}{_some(found[style])}" for style in (now, other) if found[style]]
    return not found[other], f"bd show --json gives an {now}; " + ("; ".join(parts) or "no prompt reads it")


def _some(places: list[str], most: int = 8) -> str:
    more = f" and {len(places) - most} more" if len(places) > most else ""
    return f" ({', '.join(places[:most])}{more})"


def look(folder: str) -> "dict[str, list[str]]":
    """`file:line` of each place below `folder`, by the shape it expects. Bounded; links are not followed."""
    import os
    from pathlib import Path

    found: dict[str, list[str]] = {"array": [], "object": []}
    seen = 0
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(d for d in folders if d not in _SKIP)
        for name in sorted(files):
            file = Path(place, name)
            if not name.endswith(_ENDS) or file.is_symlink():
                continue
            seen += 1
            if seen > MOST_FILES:
                return found
            try:
                with file.open("rb") as f:
                    text = f.read(MOST_BYTES).decode("utf-8", "replace")
            except OSError:
                continue
            for n, style in styles(text):
                found[style].append(f"{file.relative_to(folder)}:{n}")
    return found
