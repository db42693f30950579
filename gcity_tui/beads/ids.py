"""Ids of beads: `<prefix>-<hash>` with a length that grows with the ledger, `<parent>.<n>` for children.

The scheme is bd's (`internal/idgen/hash.go`): sha256 of title, description, creator, time and a nonce, in base 36; the
shortest length of 3 to 8 whose chance of a collision at the present count stays under a quarter.
"""

from gcity_tui.model.errors import Permanent, Refused, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from typing import Any

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
# Up to this many top-level ids of a prefix, 1 - exp(-n^2 / (2 * 36^L)) <= 0.25 holds for the length L.
LENGTHS = ((163, 3), (983, 4), (5898, 5), (35389, 6), (212339, 7))
_BYTES = {3: 2, 4: 3, 5: 4, 6: 4, 7: 5, 8: 5}
MAX_DEPTH = 3
_sha: "Any" = None


def length_for(count: int) -> int:
    for most, length in LENGTHS:
        if count <= most:
            return length
    return 8


def hashed(text: str, length: int) -> str:
    """`length` base-36 digits of the text's SHA-256."""
    number = int.from_bytes(_sha256(text.encode("utf-8", "replace"))[: _BYTES[length]], "big")
    out = ""
    while number:
        number, digit = divmod(number, 36)
        out = DIGITS[digit] + out
    return out.rjust(length, "0")[-length:]


def _sha256(data: bytes) -> bytes:
    """The digest. Which module has it is found once: one that is not there is dear to look for."""
    global _sha
    if _sha is None:
        try:
            from _sha2 import sha256  # type: ignore[import-not-found, unused-ignore]
        except ImportError:
            try:
                from _sha256 import sha256  # type: ignore[import-not-found, unused-ignore]
            except ImportError:
                from hashlib import sha256
        _sha = sha256
    return bytes(_sha(data).digest())


def fresh(cx: "sqlite3.Connection", prefix: str, middle: str, seed: str) -> str:
    """A top-level id that no bead has. `middle` is "" or a kind such as `mol` or `wisp`."""
    row = cx.execute("SELECT n FROM counters WHERE kind = 'ids' AND name = ?", (prefix,)).fetchone()
    length = length_for(row[0] if row else 0)
    head = f"{prefix}-{middle}-" if middle else f"{prefix}-"
    for size in range(length, 9):
        for nonce in range(10):
            made = head + hashed(f"{seed}|{nonce}", size)
            if not cx.execute("SELECT 1 FROM beads WHERE id = ?", (made,)).fetchone():
                return made
    raise Permanent(f"no free id under {prefix!r}")


def check(name: str) -> None:
    """Raise Usage for what cannot be an id: it goes on command lines, to screens, and to hooks."""
    fine = name.isprintable() and not any(c.isspace() or c in "\"'`$;&|<>()" for c in name)
    if not fine or name[:1] in "-." or "/" in name or len(name) > 200:
        raise Usage(f"invalid issue ID {name!r}", cure="write it as <prefix>-<name>")


def child(cx: "sqlite3.Connection", parent: str, max_depth: int = MAX_DEPTH) -> str:
    """The next `<parent>.<n>`; numbers of closed and deleted children are not used again."""
    if parent.rsplit("-", 1)[-1].count(".") >= max_depth:
        raise Refused(f"{parent} is {max_depth} levels deep already", cure="create it beside, and link it with dep add")
    row = cx.execute("SELECT n FROM counters WHERE kind = 'child' AND name = ?", (parent,)).fetchone()
    last = row[0] if row else 0
    if not row:
        start = len(parent) + 1
        for (found,) in cx.execute("SELECT id FROM beads WHERE id >= ? AND id < ?", (parent + ".", parent + "/")):
            tail = found[start:]
            if tail.isdecimal():
                last = max(last, int(tail))
    count(cx, "child", parent, last + 1)
    return f"{parent}.{last + 1}"


def count(cx: "sqlite3.Connection", kind: str, name: str, n: int) -> None:
    cx.execute(
        "INSERT INTO counters (kind, name, n) VALUES (?, ?, ?) ON CONFLICT (kind, name) DO UPDATE SET n = excluded.n",
        (kind, name, n),
    )


def bump(cx: "sqlite3.Connection", kind: str, name: str, by: int = 1) -> None:
    cx.execute(
        "INSERT INTO counters (kind, name, n) VALUES (?, ?, ?) ON CONFLICT (kind, name) DO UPDATE SET n = n +"
        " excluded.n",
        (kind, name, by),
    )


def prefix_of(bead: str) -> str:
    """`bd-main-idj.2` → `bd-main`; poured `bd-mol-x1` and `bd-wisp-x1` → `bd`; without a dash the whole."""
    head = bead.rsplit("-", 1)[0] if "-" in bead else bead
    for middle in ("-mol", "-wisp"):
        if head.endswith(middle) and len(head) > len(middle):
            return head[: -len(middle)]
    return head
