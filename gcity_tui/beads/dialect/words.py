"""Words of the dialect: each command's flags, and how a command line is taken apart.

A flag is written `name/alias/…:kind`; kind `1` takes a value, `*` may be repeated, none is a switch. A one-letter alias
is a short flag. Several names of one flag fall together under the first.
"""

from gcity_tui.model.errors import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

GLOBAL = (
    "json actor:1 rig:1 dir/C:1 db:1 quiet/q verbose/v readonly sandbox allow-stale no-pager no-color no-daemon"
    " no-auto-flush"
    " no-auto-import help/h profile directory:1 dolt-auto-commit:1"
)
_FIND = (
    " status/s:* type/t:* exclude-type:* assignee/a:1 unassigned/no-assignee label/l/labels:* label-any:*"
    " label-pattern:1 label-regex:1 exclude-label:*"
    " limit/n:1 sort:1 reverse/r long pretty tree flat id:* parent:1 priority/p:1 priority-min:1 priority-max:1 all"
    " title/title-contains:1 desc-contains:1 notes-contains:1 search:1 created-after:1 created-before:1 updated-after:1"
    " updated-before:1 closed-after:1 closed-before:1 defer-before:1 due-before:1 metadata-field:* has-metadata-key:*"
    " include-infra include-gates include-templates include-ephemeral no-labels empty-description mol-type:1"
    " wisp-type:1"
    " pinned no-pinned ready spec:1 offset:1 format:1 watch/w overdue deferred no-parent"
)
_FIELDS = (
    " title:1 description/d/body:1 body-file:1 stdin type/t:1 priority/p:1 assignee/a:1 design:1 design-file:1"
    " acceptance:1 notes:1 estimate/e:1 external-ref:1 due:1 defer:1 spec-id:1 metadata:1 set-metadata:* parent:1"
    " status/s:1"
    " ephemeral no-history"
)
# command → (module, function, flags)
COMMANDS = {
    "create": (
        "make",
        "create",
        _FIELDS + " labels/l/label:* deps:* waits-for:1 waits-for-gate:1 graph:1 silent dry-run force id:1 prefix:1"
        " repo:1 no-inherit-labels mol-type:1 wisp-type:1 validate skills:1 context:1 format:1 event-category:1"
        " event-actor:1"
        " event-target:1 event-payload:1 sender:1 append-notes:1 await-type:1 await-id:1 file/f:1",
    ),
    "q": ("make", "quick", _FIELDS + " labels/l/label:*"),
    "show": ("show", "show", "short long refs children thread id:* local-time as-of:1 watch/w object"),
    "history": ("history", "history", "limit/n:1"),
    "list": ("lists", "list_", _FIND),
    "children": ("lists", "children", _FIND),
    "search": ("lists", "search", _FIND + " query:1"),
    "ready": ("lists", "ready", _FIND + " claim mol:1 gated explain include-deferred plain"),
    "blocked": ("lists", "blocked", "parent:1 limit/n:1"),
    "count": ("lists", "count", _FIND + " by-status by-priority by-type by-assignee by-label"),
    "query": ("query", "query", "limit/n:1 all/a sort:1 reverse/r long parse-only"),
    "stale": ("lists", "stale", "days/d:1 status/s:1 limit/n:1"),
    "update": (
        "change",
        "update",
        _FIELDS
        + " claim add-label/label/labels:* remove-label:* set-labels:* unset-metadata:* append-notes/note:1 persistent"
        " history await-id:1 session:1 unassign append-description:1",
    ),
    "close": (
        "finish",
        "close",
        "reason/r/resolution/message/m/comment:1 reason-file:1 force/f continue no-auto suggest-next claim-next"
        " session:1",
    ),
    "reopen": ("finish", "reopen", "reason/r:1"),
    "delete": ("finish", "delete", "force/f cascade dry-run from-file:1 reason:1 hard"),
    "defer": ("change", "defer", "until:1 reason:1"),
    "undefer": ("change", "undefer", ""),
    "assign": ("change", "assign", ""),
    "priority": ("change", "priority", ""),
    "note": ("change", "note", "file:1 stdin"),
    "tag": ("change", "tag", ""),
    "label": ("remarks", "label", ""),
    "comment": ("remarks", "comment", "file/f:1 stdin author:1"),
    "comments": ("remarks", "comments", "file/f:1 author:1 local-time"),
    "supersede": ("finish", "supersede", "with:1"),
    "duplicate": ("finish", "duplicate", "of:1"),
    "dep": (
        "links",
        "dep",
        "type/t:1 blocks/b:1 blocked-by:1 depends-on:1 direction:1 status:1 max-depth/d:1 format:1 file:1"
        " show-all-paths reverse"
        " metadata:1",
    ),
    "link": ("links", "link", "type/t:1"),
    "relate": ("links", "relate", ""),
    "unrelate": ("links", "unrelate", ""),
    "epic": ("links", "epic", "eligible-only dry-run"),
    "ship": ("ship", "ship", "force dry-run"),
    "mol": (
        "mol",
        "mol",
        "parallel/p for:1 limit/n:1 range:1 force/f/yes/y dry-run age:1 all closed exclude-type:* type:1 summary:1"
        " keep-children"
        " active root-only var:* assignee:1 title:1 as:1 ref:1 ephemeral pour attach:* attach-type:1 target:1",
    ),
    "swarm": ("swarm", "swarm", "coordinator:1 force verbose"),
    "graph": ("swarm", "graph", "all compact box dot html"),
    "rename": ("renames", "rename", ""),
    "rename-prefix": ("renames", "rename_prefix", "dry-run repair"),
    "promote": ("renames", "promote", "reason/r:1"),
    "batch": ("bulk", "batch", "file/f:1 dry-run message/m:1"),
    "sql": ("bulk", "sql", "csv stdin"),
    "human": ("people", "human", "status/s:1 response/r:1 reason:1"),
    "todo": ("people", "todo", _FIELDS + " labels/l/label:* all limit/n:1 reason/r:1 force/f"),
    "state": ("people", "state", ""),
    "set-state": ("people", "set_state", "reason:1"),
    "audit": (
        "people",
        "audit",
        "kind:1 issue-id:1 model:1 prompt:1 response:1 tool-name:1 exit-code:1 error:1 label:1 reason:1 stdin",
    ),
    "find-duplicates": ("tidy", "find_duplicates", "threshold:1 status/s:1 limit/n:1 method:1 model:1"),
    "lint": ("tidy", "lint", "type/t:1 status/s:1"),
    "preflight": ("tidy", "preflight", "check fix"),
    "orphans": ("tidy", "orphans", "fix details"),
    "archive": ("tidy", "archive", "older-than:1 dry-run"),
    "hooks": ("hooks", "hooks", "force shared chain beads"),
    "formula": ("city", "formula", "resolve var:* type:1"),
    "cook": ("city", "formula", "var:* dry-run persist force search-path:* prefix:1 mode:1"),
    "bootstrap": ("city", "nothing", "dry-run yes/y"),
    "vc": ("city", "nothing", "message/m:1 stdin"),
    "dolt": ("city", "nothing", "force remote:1"),
    "daemons": ("city", "nothing", "force"),
    "activity": ("city", "activity", "follow/f limit/n:1 since:1 type:1 mol:1"),
    "heartbeat": ("change", "heartbeat", ""),
    "mail": ("city", "mail", ""),
    "gate": (
        "gates",
        "gate",
        "type/t:1 await-id:1 timeout:1 reason/r:1 blocks:1 all limit/n/l:1 status:1 dry-run escalate title:1 waiter:*",
    ),
    "merge-slot": ("gates", "merge_slot", "holder:1 wait"),
    "stats": ("overview", "stats", "all assigned no-activity"),
    "prime": ("overview", "prime", "full mcp stealth export hook-json"),
    "version": ("overview", "version", ""),
    "where": ("overview", "where", ""),
    "info": ("overview", "info", "whats-new schema thanks"),
    "ping": ("overview", "ping", ""),
    "config": ("settings", "config", "force-git-tracked"),
    "kv": ("settings", "kv", ""),
    "remember": ("settings", "remember", "key:1"),
    "memories": ("settings", "memories", ""),
    "recall": ("settings", "recall", ""),
    "forget": ("settings", "forget", ""),
    "init": (
        "settings",
        "init",
        "prefix/p:1 skip-hooks skip-agents stealth server server-host:1 server-port:1 force reinit-local"
        " from-jsonl non-interactive"
        " database:1 backend:1 role:1 setup-exclude contributor team branch:1 server-socket:1 server-user:1 external",
    ),
    "sync": ("settings", "sync", "status message/m:1 no-push no-pull import-only flush-only"),
    "export": ("transfer", "export", "output/o:1 all include-infra include-memories scrub format/f:1 force status/s:1"),
    "import": ("takein", "import_", "input/i:1 dry-run dedup file/f:1 backup all force"),
    "purge": ("transfer", "purge", "dry-run force older-than:1 pattern:1"),
    "doctor": ("overview", "doctor", "fix yes/y agent deep perf check:1 server migration:1 dry-run"),
    "help": ("overview", "help_", ""),
}
UNSERVED = {
    ("show", "as-of"): "what a bead was at a commit is not kept; gcity-tui events tells what changed",
    ("show", "thread"): "mail is the city's: gcity-tui mail, gc mail thread",
    ("graph", "dot"): "bd dep tree --format mermaid draws a graph",
    ("graph", "html"): "bd dep tree --format mermaid draws a graph",
    ("export", "scrub"): "nothing here guesses which beads are tests: leave them out by --status, or delete them",
    ("rename-prefix", "repair"): "give the prefix that is wrong as --rig, or rename the beads one by one",
    ("create", "repo"): "name the rig with --rig",
}
"""Flags of bd that ask for what is not done here: an error with another way, for silence would be taken for success."""
VERBS = {
    "mol": "show current progress list stale ready last-activity bond squash burn wisp pour",
    "gate": "create list show resolve close approve check discover add-waiter",
    "dep": "add remove list tree cycles relate unrelate",
    "merge-slot": "create check acquire release",
    "swarm": "validate create status list",
    "label": "add remove propagate list list-all",
    "config": "get set list unset",
    "kv": "get set list unset",
    "audit": "record label",
    "formula": "list show",
}
"""Commands that have commands of their own: alone they print what there is, as bd does."""
ALIASES = {
    **{
        "new": "create",
        "view": "show",
        "done": "close",
        "ls": "list",
        "status": "stats",
        "graph-deps": "dep",
        "find": "search",
    },
    **{"molecule": "mol", "gates": "gate", "daemon": "daemons"},
}


def flags(spec: str) -> "dict[str, tuple[str, str]]":
    """`"limit/n:1 all"` → {"limit": ("limit", "1"), "n": ("limit", "1"), "all": ("all", "")}."""
    table: dict[str, tuple[str, str]] = {}
    for word in spec.split():
        names, _, kind = word.partition(":")
        every = names.split("/")
        for name in every:
            table[name] = (every[0], kind)
    return table


def parse(command: str, args: "list[str]") -> "tuple[dict[str, Any], list[str]]":
    """Flags (switch → True, one value → str, repeatable → list) and the words that are none."""
    table = flags(GLOBAL)
    table.update(flags(COMMANDS[command][2]))
    opts: dict[str, Any] = {}
    rest: list[str] = []
    at = 0
    while at < len(args):
        word = args[at]
        at += 1
        if word == "--":
            rest.extend(args[at:])
            break
        if len(word) < 2 or word[0] != "-":
            rest.append(word)
            continue
        if word.startswith("--"):
            name, eq, value = word[2:].partition("=")
        elif word[1:].isdecimal():
            rest.append(word)
            continue
        else:
            name, eq, value = word[1], word[2:3], word[2:]
            value = value[1:] if value.startswith("=") else value
        if name not in table or (len(name) == 1) != (word[1] != "-"):
            raise unknown(word.partition("=")[0], command, table)
        name, kind = table[name]
        if not kind:
            if eq and not word.startswith("--"):  # -qv: switches in one word
                args = [*args[:at], "-" + value, *args[at:]]
            opts[name] = not (eq and word.startswith("--") and value.lower() in ("false", "0", "no"))
            continue
        if not eq:
            if at >= len(args):
                raise Usage(f"flag needs an argument: {word}")
            value = args[at]
            at += 1
        if kind == "*":
            opts.setdefault(name, []).append(value)
        else:
            opts[name] = value
    return opts, rest


def unknown(flag: str, command: str, table: "dict[str, tuple[str, str]]") -> Usage:
    from gcity_tui.model.names import nearest

    close = nearest(flag.lstrip("-"), tuple(t for t in table if len(t) > 1))
    hint = f"did you mean --{close}?" if close else f"see bd {command} --help"
    return Usage(f"unknown flag: {flag}", cure=hint)
