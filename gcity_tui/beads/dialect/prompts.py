"""Which shape of `bd show --json` prompts and scripts expect: `jq .title` an object, `jq '.[0].title'` an array."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_ENDS = (".md", ".toml", ".tmpl", ".sh", ".txt", ".yaml", ".py")
_SKIP = frozenset([".git", "worktrees", "node_modules", ".venv", "__pycache__", "runtime", "logs"])
MOST_FILES, MOST_BYTES = 4000, 512_000


def styles(text: str) -> "Iterator[tuple[int, str]]":
    """(line number, "array" | "object") of each `bd show … --json` whose output goes to a jq path on the same line."""
    for n, line in enumerate(text.splitlines(), 1):
        at = line.find("bd show")
        if at < 0 or "--json" not in line[at:]:
            continue
        tail = line[at:].partition("jq")[2]
        path = tail.lstrip()
        while path.startswith("-"):  # jq's own flags
            path = path.partition(" ")[2].lstrip()
        path = path.lstrip("'\"")
        if path.startswith(".["):
            # `.[0].x` and `.[].x` walk an array; `.["gc.key"]` is a field of an object
            yield n, "object" if path[2:3] in "'\"\\" else "array"
        elif path.startswith("."):
            yield n, "object"


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
