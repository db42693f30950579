"""Orders by hand: what is listed, when one is due, what a run does and leaves; and `sling --merge`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from gcity_tui.beads.ledger import Ledger
from gcity_tui.city import City
from gcity_tui.cli.gc import ours
from gcity_tui.factory import orders
from gcity_tui.model.order import Order

Run = Callable[..., tuple[int, str, str]]
FILES = {
    "every": 'trigger = "cooldown"\ninterval = "1h"\n'
             'exec = "echo $ORDER_DIR $GC_RIG $BEADS_ACTOR $WORD; exit ${CODE:-0}"\n'
             "[order.env]\nWORD = 'hello'",
    "nightly": 'trigger = "cron"\nschedule = "0 3 * * 1,7"\nexec = "true"',
    "asked": 'trigger = "condition"\ncheck = "test -e wanted"\nexec = "rm wanted"\nscope = "city"',
    "told": 'trigger = "event"\non = "deploy"\nexec = "true"',
    "slow": 'trigger = "manual"\nexec = "sleep 60"\ntimeout = "200ms"',
    "made": 'trigger = "manual"\nformula = "small"\npool = "eddie"\n[order.params.word]\nrequired = true',
    "off": 'trigger = "manual"\nexec = "true"\nenabled = false',
}  # fmt: skip
FORMULA = 'formula = "small"\nversion = 1\n[vars.word]\nrequired = true\n[[steps]]\nid = "do"\ntitle = "Say {{word}}"\n'


@pytest.fixture
def home(home: Path) -> Path:
    (home / "orders").mkdir()
    (home / "formulas").mkdir(exist_ok=True)
    (home / "formulas" / "small.toml").write_text(FORMULA)
    for name, text in FILES.items():
        (home / "orders" / f"{name}.toml").write_text(f"[order]\n{text}\n")
    City.open(home).site.close()
    return home


def told(run: Run, *words: str) -> dict[str, object]:
    _, out, err = run("order", *words, "--json")
    assert not err, err
    return json.loads(out)  # type: ignore[no-any-return]


def test_they_are_listed_and_shown(run: Run) -> None:
    assert {"every", "nightly", "asked", "told", "slow", "made"} <= {o["name"] for o in told(run)["orders"]}  # type: ignore[attr-defined]
    assert told(run, "show", "every")["interval"] == 3600.0
    assert "cooldown" in run("order")[1] and "0 3 * * 1,7" in run("order", "show", "nightly")[1]
    code, _, err = run("order", "show", "evry")
    assert code == 4 and "did you mean every?" in err
    assert run("order", "run", "asked", "--rig", "repo")[0] == 2, "once for the city"


def test_a_line_is_run_in_its_place_and_leaves_a_record(home: Path, run: Run) -> None:
    made = told(run, "run", "every", "--rig", "repo")
    assert made["ok"] and str(made["output"]).split() == [str(home / "orders"), "repo", "order:every:rig:repo", "hello"]
    assert run("order", "run", "every", "--var", "CODE=7")[0] == 1
    assert "took over" in str(told(run, "run", "slow")["output"])
    runs = told(run, "history")["runs"]
    assert [(r["order"], r["outcome"]) for r in runs] == [  # type: ignore[attr-defined]
        ("slow", "exec-failed"), ("every", "exec-failed"), ("every:rig:repo", "exec")]  # fmt: skip
    assert len(told(run, "history", "every")["runs"]) == 1  # type: ignore[arg-type]
    kinds = [e["type"] for e in json.loads(run("events", "--json")[1])]
    assert kinds.count("order.fired") == 3 and kinds.count("order.failed") == 2
    assert run("bd", "ready", "--json")[1].strip() == "[]", "a run is record, not work"


def test_a_formula_is_slung_and_what_it_requires_is_asked_for(run: Run) -> None:
    code, _, err = run("order", "run", "made")
    assert code == 2 and "which word?" in err
    made = told(run, "run", "made", "--rig", "repo", "--var", "word=x")
    assert made["ok"] and made["root"]
    assert told(run, "history", "made", "--rig", "repo")["runs"][0]["outcome"] == "wisp"  # type: ignore[index]


def test_what_is_due_and_why(home: Path, run: Run) -> None:
    def due(name: str) -> tuple[int, bool]:
        code, out, _ = run("order", "check", name, "--json")
        return code, json.loads(out)["orders"][0]["due"]

    assert due("every") == (0, True)
    run("order", "run", "every")
    assert due("every") == (1, False), "its interval has begun"
    assert due("asked") == (1, False)
    (home / "wanted").touch()
    assert due("asked") == (0, True)
    run("order", "run", "asked")
    assert due("asked") == (1, False) and not (home / "wanted").exists()
    assert due("told") == (1, False)
    with City.open(home) as city:
        city.site.ledger.emit("deploy", "x", "me")
        assert due("told") == (0, True)
        run("order", "run", "told")
        assert due("told") == (1, False), "one run for all that happened"
    assert due("slow") == (1, False)


@pytest.mark.parametrize(("line", "at", "fits"), [
    ("0 3 * * 1,7", "2026-11-22T03:00", True), ("0 3 * * 1,7", "2026-11-23T03:00", True),
    ("0 3 * * 1,7", "2026-11-24T03:00", False), ("0 3 * * 0", "2026-11-22T03:00", True),
    ("*/15 * * * *", "2026-11-22T07:45", True), ("*/15 * * * *", "2026-11-22T07:46", False),
    ("5 4 1 12 *", "2026-12-01T04:05", True), ("5 4 1 12 *", "2026-11-01T04:05", False),
])  # fmt: skip
def test_cron(line: str, at: str, fits: bool) -> None:
    assert orders.fits(line, datetime.fromisoformat(at)) is fits


def test_a_cron_order_is_due_once_in_its_minute(home: Path) -> None:
    with City.open(home) as city:
        at = orders.Placed(Order("m", "cron", script="true", schedule="* * * * *", tz="Europe/Berlin"))
        now = time.time()
        assert orders.due(city.site, at, now)[0]
        orders.carry_out(city.site, at, {}, lambda *a: "")
        assert not orders.due(city.site, at, time.time() if time.time() // 60 == now // 60 else now)[0] \
            or time.time() // 60 != now // 60  # fmt: skip
        assert orders.due(city.site, at, time.time() + 60)[0]


def test_runs_that_never_ended_are_swept(home: Path, run: Run) -> None:
    ledger = Ledger.open(str(home / ".gc" / "ledger.db"))
    ledger.create("order x", labels=("order-tracking", "order-run:x"))
    assert run("order", "sweep", "tracking", "--stale-after", "0s")[0] == 2, "it says what it would do first"
    assert "closed 1" in run("order", "sweep", "tracking", "--stale-after", "0s", "--confirm")[1]
    assert run("order", "sweep", "tracking", "--stale-after", "10m", "--confirm", "--quiet")[1] == ""
    assert run(*ours(["order", "sweep-nudge-mail", "--quiet"])) == (0, "", "")
    ledger.shut()


def test_how_work_is_to_be_merged_stands_on_its_bead(home: Path, run: Run) -> None:
    assert ours(["sling", "eddie", "paint", "--merge", "mr"]) == ["sling", "eddie", "paint", "--merge", "mr"]
    for formula in ("none", "small"):
        code, out, err = run("sling", "repo/eddie", "paint it", "--formula", formula, "--merge", "mr", "--json",
                             *(("--var", "word=x") if formula == "small" else ()))  # fmt: skip
        assert code == 0, err
        bead = json.loads(run("bd", "show", json.loads(out)["bead"], "--json")[1])
        assert (bead[0] if isinstance(bead, list) else bead)["metadata"]["merge_strategy"] == "mr"
    assert run("sling", "repo/eddie", "x", "--merge", "sideways")[0] == 2
