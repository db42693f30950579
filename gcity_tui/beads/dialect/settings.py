"""`bd config`, `kv`, `remember` and its kin, `init`, `sync`: settings and memories in the ledger, and making one."""

from gcity_tui.beads.dialect import items
from gcity_tui.beads.dialect.call import Fail
from gcity_tui.model.errors import CityError, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from gcity_tui.beads.dialect.call import Call


def config(call: "Call") -> None:
    _keyed(call, "config", "")


def kv(call: "Call") -> None:
    _keyed(call, "kv", "kv.")


def _keyed(call: "Call", name: str, head: str) -> None:
    """`set K V`, `get K`, `list`, `unset|clear|delete K`."""
    what = call.need(0, "get, set, list or unset")
    if what == "list":
        rows = call.ledger.store.rows("SELECT key, value FROM config ORDER BY key")
        found = {k[len(head) :]: v for k, v in rows if k.startswith(head) and (head or not k.startswith("kv."))}
        if call.json:
            call.give(found)
            return
        for key, value in found.items():
            call.say(f"{items.one_line(key)} = {items.one_line(value)}")
    elif what == "set":
        key, value = call.need(1, "a key"), call.need(2, "a value")
        call.ledger.set_config(head + key, value)
        call.give({"key": key, "value": value}) if call.json else call.say(f"Set {key} = {items.one_line(value)}")
    elif what == "get":
        key = call.need(1, "a key")
        rows = call.ledger.store.rows("SELECT value FROM config WHERE key = ?", (head + key,))
        value = rows[0][0] if rows else ""
        if call.json:
            call.give({"key": key, "value": value})
        else:
            call.say(items.block(value) if rows else f"{key} (not set)")
    elif what in ("unset", "clear", "delete"):
        key = call.need(1, "a key")
        call.ledger.set_config(head + key, None)
        call.give({"key": key}) if call.json else call.say(f"Unset {key}")
    else:
        raise Usage(f'unknown command "{name} {what}"', cure="get, set, list or unset")


def remember(call: "Call") -> None:
    text = " ".join(call.rest)
    if not text.strip():
        raise Usage("nothing to remember")
    slug = "-".join("".join(c if c.isalnum() else " " for c in text.lower()).split()[:8])[:60].strip("-")
    key = call.opts.get("key") or slug
    call.ledger.set_config(f"kv.memory.{key}", text)
    call.give({"key": key, "value": text}) if call.json else call.say(f"✓ Remembered: {items.one_line(key)}")


def memories(call: "Call") -> None:
    part = " ".join(call.rest).lower()
    rows = call.ledger.store.rows("SELECT key, value FROM config WHERE key LIKE 'kv.memory.%' ORDER BY key")
    found = {k[10:]: v for k, v in rows if part in k.lower() or part in v.lower()}
    if call.json:
        call.give(found)
        return
    for key, value in found.items():
        call.say(f"{items.one_line(key)}: {items.one_line(value)}")
    if not found:
        call.say("No memories")


def recall(call: "Call") -> None:
    key = call.need(0, "a key")
    rows = call.ledger.store.rows("SELECT value FROM config WHERE key = ?", (f"kv.memory.{key}",))
    if not rows:
        raise call.refuse(f"no memory {key!r}")
    call.give({"key": key, "value": rows[0][0]}) if call.json else call.say(items.block(rows[0][0]))


def forget(call: "Call") -> None:
    key = call.need(0, "a key")
    if not call.ledger.store.rows("SELECT 1 FROM config WHERE key = ?", (f"kv.memory.{key}",)):
        raise call.refuse(f"no memory {key!r}")
    call.ledger.set_config(f"kv.memory.{key}", None)
    call.give({"key": key}) if call.json else call.say(f"✓ Forgot: {items.one_line(key)}")


def sync(call: "Call") -> None:
    """Gone from bd; agents still call it. There is nothing to sync: every write is committed when its command ends."""
    call.give({"status": "ok"}) if call.json else call.say("✓ Nothing to sync: every write is already in the ledger")


def init(call: "Call") -> None:
    """Outside a city: `.beads/` with a ledger of our own, never inside one that another program made.

    Exit 11 when there is one already. A folder of another bd is left alone (exit 1).
    """
    from pathlib import Path

    from gcity_tui.beads.dialect.call import named
    from gcity_tui.beads.ledger import Ledger

    file = call.opts.get("db") or named([], call.env, call.cwd)
    path = Path(call.cwd, file) if file else Path(call.env.get("BEADS_DIR") or Path(call.cwd, ".beads")) / "ledger.db"
    folder = path.parent
    above = call.ledger.path if call.has_ledger else ""
    if path.exists() or (above and (above.endswith("/.gc/ledger.db") or call.ledger.scopes())):
        call.refuse(f"already initialized: {path if path.exists() else above}")
        raise Fail(11)
    others = _theirs(folder, bool(call.opts.get("from-jsonl")))
    if others and not file:
        hint = "set BEADS_DIR to a folder of your own, or BEADS_DB to a file; `bd import` reads that one"
        raise call.refuse(f"{folder} belongs to another program ({others[0]})", hint=hint)
    prefix = (call.opts.get("prefix") or _default_prefix((folder if file else folder.absolute().parent).name)).rstrip(
        "-"
    )
    if not prefix or not all(c.isalnum() or c in "-_" for c in prefix):
        raise Usage(f"invalid prefix {prefix!r}", cure="letters, digits, - and _")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as e:
        raise call.refuse(f"cannot make {folder}: {e.strerror}") from e
    ledger = Ledger.open(path, create=True)
    try:
        ledger.set_config("issue_prefix", prefix)
        if call.opts.get("from-jsonl"):
            from gcity_tui.beads.dialect.takein import take

            call.listen(ledger)
            take(call, str(folder / "issues.jsonl"))
    except CityError:
        for end in ("", "-wal", "-shm", "-queue"):
            Path(f"{path}{end}").unlink(missing_ok=True)
        raise
    finally:
        ledger.shut()
    if call.json:
        call.give({"path": str(folder), "prefix": prefix, "database_path": str(path)})
    elif not call.opts.get("quiet"):
        call.say(f"✓ bd initialized successfully!\n  Database: {path}\n  Issue prefix: {prefix}")
        call.say(f"  Issues will be named: {prefix}-<hash>")


def _theirs(folder: "Path", jsonl: bool) -> list[str]:
    """What another program has in a `.beads` folder; an export alone is nobody's when it is asked to be read."""
    own = {"PRIME.md", "formulas", "hooks", *(["issues.jsonl"] if jsonl else [])}
    return sorted({p.name for p in folder.iterdir()} - own) if folder.is_dir() else []


def _default_prefix(name: str) -> str:
    """The folder's name: dots become `_`, a head that is no letter gets `bd_`."""
    text = "".join(c if c.isalnum() or c in "-_" else "_" for c in name).rstrip("-")
    return text if text[:1].isalpha() else f"bd_{text}"
