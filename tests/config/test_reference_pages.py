"""docs/reference: every key of every file stands there with its type, default, dialect and meaning, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gcity_tui.config import keys
from gcity_tui.formulas import words
from gcity_tui.model.declared import Agent, Daemon, Provider
from gcity_tui.model.names import seconds

PAGES = Path(__file__).resolve().parents[2] / "docs" / "reference"
ROW = re.compile(r"^\| `([^`]+)` \| ([^|]+?) \| ([^|]*?) ?\| (both|newer|older|ours) \| (?:yes|–) \| (.+?) \|$")
TYPES = {
    "str": "text", "bool": "true/false", "int": "number", "strs": "list of texts", "map": "table of texts",
    "table": "table", "tables": "list of tables", "duration": "duration", "any": "see meaning",
    "sleep": "duration or off", "steps": "list of steps",
}  # fmt: skip
ONLY_PATCH = {k: v for k, v in keys.PATCH.items() if k not in keys.AGENT}
SECTIONS = [
    ("city", "Top level", keys.CITY), ("city", "workspace", keys.WORKSPACE), ("city", "imports", keys.IMPORT),
    ("city", "patches", keys.PATCHES), ("city", "rigs", keys.RIG), ("city", "named_session", keys.NAMED_SESSION),
    ("city", "upstreams", keys.UPSTREAM),
    ("city", "agent_defaults", keys.DEFAULTS), ("city", "daemon", keys.DAEMON), ("city", "session", keys.SESSION),
    ("city", "beads", keys.BEADS), ("city", "orders", keys.ORDERS), ("city", "orders.overrides", keys.ORDER_OVERRIDE),
    ("city", "convergence", keys.CONVERGENCE), ("city", "mail, events, chat_sessions, session_sleep", keys.MAIL),
    ("city", "events", keys.EVENTS), ("city", "chat_sessions", keys.CHAT_SESSIONS),
    ("city", "session_sleep", keys.SESSION_SLEEP), ("city", ".gc/site.toml", keys.SITE),
    ("agent", "Keys", keys.AGENT), ("agent", "pool", keys.POOL), ("agent", "Patches", ONLY_PATCH),
    ("provider", "Keys", keys.PROVIDER), ("provider", "options_schema", keys.OPTION),
    ("provider", "options_schema.choices", keys.CHOICE), ("provider", "screen", keys.SCREEN),
    ("provider", "screen.dialogs", keys.DIALOG),
    ("pack", "Top level", keys.PACK_FILE), ("pack", "[pack]", keys.PACK), ("order", "[order]", keys.ORDER),
    ("formula", "Top level", words.FORMULA), ("formula", "vars", words.VARIABLE), ("formula", "steps", words.STEP),
    ("formula", "loop", words.LOOP), ("formula", "gate", words.GATE), ("formula", "check", words.CHECK),
    ("formula", "check.check", words.SCRIPT), ("formula", "retry", words.RETRY), ("formula", "drain", words.DRAIN),
    ("formula", "on_complete", words.ON_COMPLETE), ("formula", "compose", words.COMPOSE),
    ("formula", "compose.expand", words.EXPAND), ("formula", "compose.map", words.MAP),
    ("formula", "compose.branch", words.BRANCH), ("formula", "compose.gate", words.COMPOSE_GATE),
    ("formula", "advice", words.ADVICE), ("formula", "advice.before", words.ADVICE_STEP),
    ("formula", "pointcuts", words.POINTCUT), ("formula", "legs", words.LEG), ("formula", "synthesis", words.SYNTHESIS),
    ("formula", "inputs", words.INPUT), ("formula", "output", words.OUTPUT),
]  # fmt: skip


def section(page: str, head: str) -> dict[str, tuple[str, str, str]]:
    """Key → (type, default, meaning) of the table under a heading."""
    text = (PAGES / f"{page}.md").read_text("utf-8")
    part = text.split(f"\n## {head}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in part.splitlines() if line.startswith("| `")]
    found = {}
    for row in rows:
        match = ROW.match(row)
        assert match, row
        assert match[1] not in found, f"{page}: {head}: {match[1]} stands there twice"
        found[match[1]] = (match[2], match[3].strip("` "), match[5])
    return found


@pytest.mark.parametrize(("page", "head", "known"), SECTIONS, ids=[f"{p}: {h}" for p, h, _ in SECTIONS])
def test_a_table_has_every_key_with_its_type(page: str, head: str, known: dict[str, str]) -> None:
    assert {k: t for k, (t, _, _) in section(page, head).items()} == {k: TYPES[t] for k, t in known.items()}


def test_every_table_of_the_pages_is_checked() -> None:
    for page in {p for p, _, _ in SECTIONS}:
        text = (PAGES / f"{page}.md").read_text("utf-8")
        with_table = {
            h for h, part in re.findall(r"\n## ([^\n]+)\n(.*?)(?=\n## |\Z)", text, re.DOTALL) if "| `" in part
        }
        assert with_table == {h for p, h, _ in SECTIONS if p == page}


def test_defaults_are_the_programs() -> None:
    daemon = section("city", "daemon")
    for key in ("patrol_interval", "restart_window", "shutdown_timeout", "start_timeout"):
        assert seconds(daemon[key][1]) == getattr(Daemon(), key)
    for key in ("max_restarts", "max_wakes_per_tick"):
        assert int(daemon[key][1]) == getattr(Daemon(), key)
    for key in ("formula_v2", "formula_v2_by_version"):
        assert daemon[key][1] == str(getattr(Daemon(), key)).lower()
    provider = section("provider", "Keys")
    plain = Provider("x")
    for key in ("ready_timeout_ms", "settle_ms", "prompt_mode", "resume_style", "instructions_file"):
        assert provider[key][1] == str(getattr(plain, key))
    assert section("agent", "Keys")["wake_mode"][1] == Agent("x").wake_mode


def test_links_between_the_pages_lead_somewhere() -> None:
    for page in sorted({p for p, _, _ in SECTIONS}):
        text = (PAGES / f"{page}.md").read_text("utf-8")
        for target in re.findall(r"\]\(([^)#]*)(?:#[^)]*)?\)", text):
            assert not target or (PAGES / target).is_file(), f"{page}: {target}"
