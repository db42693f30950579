"""A bead under another id: every row that names it follows, and mentions of it in texts too."""

from gcity_tui.beads import ids, jsonout, readiness
from gcity_tui.model.errors import Refused, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gcity_tui.beads.tx import Tx

_ROWS = (
    ("deps", "issue_id"),
    ("deps", "depends_on_id"),
    ("labels", "bead"),
    ("bead_meta", "bead"),
    ("comments", "bead"),
    ("pours", "bead"),
)
_TEXTS = ("title", "description", "design", "acceptance_criteria", "notes")
_PART = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


def well_formed(name: str) -> bool:
    """`<prefix>-<rest>`, lower-case letters, digits, dots, dashes, underscores."""
    head, dash, tail = name.partition("-")
    known = _PART | {"."}
    return bool(head and dash and tail) and head[0].isalpha() and set(name) <= known and name == name.lower()


def rename(tx: "Tx", old: str, new: str, *, prefix: str = "", mentions: bool = True) -> int:
    """Give `old` the id `new`; returns how many other beads mentioned it and were rewritten."""
    tx.columns(old, "id")
    if not well_formed(new):
        raise Usage(f"invalid issue ID {new!r}", cure="write it as <prefix>-<name>, in lower case")
    if tx.cx.execute("SELECT 1 FROM beads WHERE id = ?", (new,)).fetchone():
        raise Refused(f"issue {new} already exists")
    prefix = prefix or ids.prefix_of(new)
    tx.cx.execute(
        "UPDATE beads SET id = ?, prefix = ?, updated_at = ?, revision = revision + 1 WHERE id = ?",
        (new, prefix, tx.now, old),
    )
    for table, column in _ROWS:
        tx.cx.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (new, old))
    tx.cx.execute("UPDATE bead_meta SET value = ? WHERE value = ? AND json = 0", (new, old))
    names = jsonout.dumps({"id": old}, ""), jsonout.dumps({"id": new}, "")
    tx.emit("bead.renamed", new, message=old, old=names[0], new=names[1])
    if readiness.provide(tx.cx, (new,)):
        readiness.outside_changed(tx.cx, tx.now)
    return _mentions(tx, old, new) if mentions else 0


def _mentions(tx: "Tx", old: str, new: str) -> int:
    like = "%" + old.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    found = " OR ".join(f"{c} LIKE ? ESCAPE '\\'" for c in _TEXTS)
    changed = 0
    for row in tx.cx.execute(
        f"SELECT id, {', '.join(_TEXTS)} FROM beads WHERE {found}", [like] * len(_TEXTS)
    ).fetchall():
        texts = {n: swapped(t, old, new) for n, t in zip(_TEXTS, row[1:], strict=True)}
        different = {n: t for n, t in texts.items() if t != row[_TEXTS.index(n) + 1]}
        if different:
            changed += tx.update(row[0], set=different)
    return changed


def swapped(text: str, old: str, new: str) -> str:
    """`text` with `old` replaced where it stands as a word: `gc-1` in `gc-1.` is one, in `gc-12` and `gc-1.2` not."""
    made, at = [], 0
    while (found := text.find(old, at)) >= 0:
        end = found + len(old)
        before, after = text[found - 1 : found], text[end : end + 2]
        whole = before not in _PART or not before
        if whole and after[:1] and after[0] in _PART:
            whole = False
        if whole and after[:1] == "." and after[1:].isalnum():
            whole = False
        made.append(text[at:found] + (new if whole else old))
        at = end
    return "".join(made) + text[at:]
