"""Script hooks: `hooks/on_create|on_update|on_close` beside the ledger, run after a command that changed beads.

As in bd: argv is `<id> <event>`, standard input the bead's record, nobody waits for it, ten seconds at most. A hook
must be the user's own file and writable by nobody else. Hooks in a rig's checkout are not run: who clones a repository
has not agreed to its programs.
"""

from gcity_tui.beads import jsonout
from gcity_tui.model.errors import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from gcity_tui.beads.dialect.call import Call
    from gcity_tui.beads.ledger import Ledger

_KINDS = {"bead.created": "create", "bead.closed": "close"}
_QUIET = frozenset(["bead.deleted", "bead.dependency_added", "bead.dependency_removed"])


def folder(ledger_path: str) -> str:
    return f"{ledger_path.rpartition('/')[0]}/hooks"


def fire(ledger: "Ledger", told: "list[tuple[str, str]]", env: "Mapping[str, str]") -> None:
    """Run the hooks for the (event type, bead) pairs of one command; each bead's last event counts."""
    last: dict[str, str] = {}
    for kind, bead in told:
        if bead and kind.startswith("bead.") and kind not in _QUIET:
            event = _KINDS.get(kind, "update")
            last[bead] = "create" if last.get(bead) == "create" and event == "update" else event
    for bead, event in last.items():
        _run(ledger, bead, event, env)


def _run(ledger: "Ledger", bead: str, event: str, env: "Mapping[str, str]") -> None:
    script = f"{folder(ledger.path)}/on_{event}"
    if not _runs(script):
        return
    import shutil
    import subprocess
    import tempfile
    import threading

    from gcity_tui.beads.dialect import items

    rows = items.by_ids(ledger.store, [bead])
    if not rows:
        return
    limit = shutil.which("timeout")
    argv = [*((limit, "-k", "1", "10") if limit else ()), script, bead, event]
    try:
        with tempfile.TemporaryFile() as given:  # a file, not a pipe: a hook that reads nothing cannot hold us up
            given.write(jsonout.dumps(items.plain(ledger.store, rows)[0]).encode("utf-8", "replace"))
            given.seek(0)
            null = subprocess.DEVNULL
            hook = subprocess.Popen(
                argv, stdin=given, stdout=null, stderr=null, start_new_session=True, env=dict(env), cwd="/"
            )
    except OSError:
        return
    threading.Thread(target=hook.wait, daemon=True).start()


def _runs(script: str) -> "bool | None":
    """May this script run: the user's own, executable, writable by nobody else? None when it is not there."""
    from posix import getuid, stat

    try:
        found = stat(script)
    except OSError:
        return None
    return found.st_uid == getuid() and not found.st_mode & 0o022 and bool(found.st_mode & 0o100)


def hooks(call: "Call") -> None:
    """`hooks list`: which script hooks would run. Git hooks are not installed by this program."""
    what = call.rest[0] if call.rest else "list"
    if what in ("install", "uninstall", "run"):
        said = "git hooks are not used here: the ledger needs no file in the repository"
        call.give({"status": "skipped", "message": said}) if call.json else call.say(said)
        return
    if what != "list":
        raise Usage(f'unknown command "hooks {what}"', cure="list")
    place, told = folder(call.ledger.path), []
    for event in ("create", "update", "close"):
        runs = _runs(f"{place}/on_{event}")
        told.append({"name": f"on_{event}", "installed": runs is not None, "runs": bool(runs)})
    if call.json:
        call.give({"hooks": told, "path": place})
        return
    for t in told:
        state = "not there" if not t["installed"] else "runs" if t["runs"] else "does not run (owner or mode)"
        call.say(f"{t['name']}: {state}")


class Listening:
    """A ledger whose transactions also tell which beads they changed; else it is the ledger that it wraps."""

    def __init__(self, ledger: "Ledger") -> None:
        self._ledger = ledger
        self.told: list[tuple[str, str]] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._ledger, name)

    def transact(self, fn: object, *, actor: str = "") -> object:
        heard: list[tuple[str, str]] = []

        def run(tx: object) -> object:
            heard.clear()
            tx.told = heard  # type: ignore[attr-defined]
            return fn(tx)  # type: ignore[operator]

        result = self._ledger.transact(run, actor=actor)
        self.told += heard
        return result
