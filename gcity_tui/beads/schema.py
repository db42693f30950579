"""The ledger's tables and the words they hold. The one file whose SQL is SQLite's own; names are those of `bd` 1.0.

Times are whole microseconds since 1970 (UTC) or NULL; flags are 0 or 1; absent text is ''. What readiness needs is kept
beside each bead: `blockers` (edges that hold it back now), `held` (parents that are blocked), `wake_at` (0, or when its
own or a parent's deferral ends) and `hidden` (1: never offered as work unless its type is asked for by name).
"""

SCHEMA_VERSION = 2

STATUSES = ("open", "in_progress", "blocked", "deferred", "closed", "pinned", "hooked")
PROMPTED = ("escalated",)
"""Statuses that prompts of Gas Town set and bd refuses: taken, and neither open nor done."""
CORE_TYPES = (
    *(
        "bug",
        "feature",
        "task",
        "epic",
        "chore",
        "decision",
        "message",
        "molecule",
        "gate",
        "spike",
        "story",
        "milestone",
    ),
    "event",
)
GAS_CITY_TYPES = (
    *("convoy", "merge-request", "agent", "role", "rig", "session", "spec", "convergence", "step", "slot", "queue"),
    *("warrant", "digest", "wisp", "wait", "nudge"),
)
TYPE_ALIASES = {
    **{"enhancement": "feature", "feat": "feature", "dec": "decision", "adr": "decision", "investigation": "spike"},
    **{"timebox": "spike", "user-story": "story", "ms": "milestone", "mr": "merge-request", "mol": "molecule"},
}
READY_EXCLUDED = ("merge-request", "gate", "molecule", "message", "agent", "role", "rig", "session")
"""Types that are records or containers, not work. `session` is Gas City's addition to bd's own seven."""
RECORD_TYPES = ("session", "spec", "message", "event", "agent", "role", "rig")
"""Types that only record something and ask nobody for work."""
INFRA_TYPES = ("agent", "rig", "role", "message")
NUDGE = "gc:nudge"
"""The label of a text that waits to be typed to an agent, or was: a record of the city's, of an ordinary type."""
NUDGE_EXPIRES = 24 * 3600.0
"""Seconds after which such a text is not said any more."""
NUDGE_LEASE = 20.0
"""Seconds in which a hook that was given such a text says that it printed it: programs give their hooks ten."""
LEASE = "GCITY_LEASE"
"""The variable that names one call of `gc nudge drain`: what it was given, and later what became of its print."""

BLOCKING = ("blocks", "conditional-blocks")
WAITING = ("blocks", "conditional-blocks", "waits-for")
DEP_TYPES = (
    *("blocks", "conditional-blocks", "waits-for", "parent-child", "related", "discovered-from", "replies-to"),
    *(
        "relates-to",
        "duplicates",
        "supersedes",
        "authored-by",
        "assigned-to",
        "approved-by",
        "attests",
        "tracks",
        "until",
    ),
    *("caused-by", "validates", "delegated-from"),
)

# (column, kind): s text, i number, t time, b flag, j JSON text; in the order of bd's own record. The last is ours: an
# object of what an import brought that nothing here knows; its keys go out again beside the others.
FIELDS = (
    *(("id", "s"), ("title", "s"), ("description", "s"), ("design", "s"), ("acceptance_criteria", "s"), ("notes", "s")),
    *(("spec_id", "s"), ("status", "s"), ("priority", "i"), ("issue_type", "s"), ("assignee", "s"), ("owner", "s")),
    *(("estimated_minutes", "i"), ("created_at", "t"), ("created_by", "s"), ("updated_at", "t"), ("started_at", "t")),
    *(("closed_at", "t"), ("close_reason", "s"), ("closed_by_session", "s"), ("due_at", "t"), ("defer_until", "t")),
    *(("external_ref", "s"), ("source_system", "s"), ("compaction_level", "i"), ("compacted_at", "t")),
    *(("compacted_at_commit", "s"), ("original_size", "i"), ("sender", "s"), ("ephemeral", "b"), ("no_history", "b")),
    *(("wisp_type", "s"), ("pinned", "b"), ("is_template", "b"), ("bonded_from", "j"), ("await_type", "s")),
    *(
        ("await_id", "s"),
        ("timeout", "i"),
        ("waiters", "j"),
        ("mol_type", "s"),
        ("work_type", "s"),
        ("event_kind", "s"),
    ),
    *(("actor", "s"), ("target", "s"), ("payload", "s"), ("extra", "j")),
)
COLUMNS = tuple(name for name, _ in FIELDS)
KIND = dict(FIELDS)
AT = {name: i for i, name in enumerate(COLUMNS)}
SELECT = "b." + ", b.".join(COLUMNS)

_SQL = {"s": "TEXT NOT NULL DEFAULT ''", "i": "INTEGER", "t": "INTEGER", "b": "INTEGER NOT NULL DEFAULT 0"}
_OWN = {"priority": "INTEGER NOT NULL DEFAULT 2", "created_at": "INTEGER NOT NULL", "updated_at": "INTEGER NOT NULL"}
_READY = "status = 'open' AND blockers = 0 AND held = 0 AND hidden = 0 AND wake_at = 0"

TABLES = (
    "CREATE TABLE beads (seq INTEGER PRIMARY KEY, "
    + ", ".join(f"{n} {_OWN.get(n) or _SQL.get(k, _SQL['s'])}" for n, k in FIELDS)
    + ", prefix TEXT NOT NULL, revision INTEGER NOT NULL DEFAULT 1, blockers INTEGER NOT NULL DEFAULT 0,"
    " held INTEGER NOT NULL DEFAULT 0, wake_at INTEGER NOT NULL DEFAULT 0, hidden INTEGER NOT NULL DEFAULT 0)",
    "CREATE UNIQUE INDEX beads_id ON beads (id)",
    f"CREATE INDEX beads_ready ON beads (priority, created_at DESC, id) WHERE {_READY}",
    f"CREATE INDEX beads_ready_in ON beads (prefix, priority, created_at DESC, id) WHERE {_READY}",
    f"CREATE INDEX beads_ready_old ON beads (created_at, id) WHERE {_READY}",
    "CREATE INDEX beads_wake ON beads (wake_at) WHERE wake_at > 0",
    "CREATE INDEX beads_live ON beads (priority, created_at DESC, id) WHERE status <> 'closed'",
    # Partial too, and for the same reason as the next: a query must say `status <> 'open'` to be served by it.
    "CREATE INDEX beads_status ON beads (status, priority, created_at DESC, id) WHERE status <> 'open'",
    # Partial: a plain one is taken for `assignee = ''` too, and then every ready query sorts the whole backlog.
    "CREATE INDEX beads_assignee ON beads (assignee, status) WHERE assignee > ''",
    "CREATE INDEX beads_type ON beads (issue_type, status)",
    "CREATE TABLE deps (issue_id TEXT NOT NULL, depends_on_id TEXT NOT NULL, type TEXT NOT NULL, created_at"
    " INTEGER NOT NULL,"
    " created_by TEXT NOT NULL DEFAULT '', metadata TEXT NOT NULL DEFAULT '{}', thread_id TEXT NOT NULL DEFAULT '',"
    " PRIMARY KEY (issue_id, depends_on_id, type)) WITHOUT ROWID",
    "CREATE INDEX deps_target ON deps (depends_on_id, type, issue_id)",
    "CREATE TABLE labels (bead TEXT NOT NULL, label TEXT NOT NULL, PRIMARY KEY (bead, label)) WITHOUT ROWID",
    "CREATE INDEX labels_label ON labels (label, bead)",
    # `json` 1: value is JSON text (a number, true, an object), else it is a string. `live` 1: its bead is not closed.
    "CREATE TABLE bead_meta (bead TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, json INTEGER NOT NULL"
    " DEFAULT 0,"
    " live INTEGER NOT NULL DEFAULT 1, PRIMARY KEY (bead, key)) WITHOUT ROWID",
    # The head of the value only: outputs of many KB are values too.
    "CREATE INDEX meta_value ON bead_meta (key, substr(value, 1, 64), live, bead)",
    "CREATE TABLE comments (seq INTEGER PRIMARY KEY, id TEXT NOT NULL, bead TEXT NOT NULL, author TEXT NOT NULL,"
    " text TEXT NOT NULL, created_at INTEGER NOT NULL)",
    "CREATE INDEX comments_bead ON comments (bead, seq)",
    "CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, type TEXT NOT NULL, subject"
    " TEXT NOT NULL,"
    " actor TEXT NOT NULL, old_value TEXT NOT NULL DEFAULT '', new_value TEXT NOT NULL DEFAULT '',"
    " message TEXT NOT NULL DEFAULT '', payload TEXT NOT NULL DEFAULT '')",
    "CREATE INDEX events_subject ON events (subject, seq)",
    "CREATE INDEX events_type ON events (type, seq)",
    "CREATE TABLE config (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE scopes (prefix TEXT PRIMARY KEY, rig TEXT NOT NULL, path TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE counters (kind TEXT NOT NULL, name TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (kind, name))"
    " WITHOUT ROWID",
    "CREATE TABLE pours (idempotency_key TEXT NOT NULL, node TEXT NOT NULL, bead TEXT NOT NULL, at INTEGER NOT NULL,"
    " PRIMARY KEY (idempotency_key, node)) WITHOUT ROWID",
)

UPGRADES = {1: ("ALTER TABLE beads ADD COLUMN extra TEXT NOT NULL DEFAULT ''",)}
"""Version → what makes it the next; afterwards every bead's readiness is counted anew."""

ON_OPEN = (
    *("PRAGMA busy_timeout = 10000", "PRAGMA synchronous = NORMAL", "PRAGMA temp_store = MEMORY"),
    "PRAGMA cache_size = -32000",
)
"""NORMAL with a write-ahead log: a killed process loses nothing that was committed and a torn transaction never shows;
after a power cut the last commits may be missing, but the file is whole. FULL halves the claims per second for that."""
ON_CREATE = ("PRAGMA journal_mode = WAL",)
