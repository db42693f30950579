"""Every command and flag combination that prompts and packs were counted to use, each run against a small ledger.

The table is `times seen | words | what must come`: `text` some lines, `id` one id, `{}` a JSON object, `[]` an array,
`quiet` nothing at all, `-` text or nothing; `!phrase` exit 1 and the phrase. Those that real bd 1.0.3 rejects though
prompts use them (its desire paths) stand at the end.
"""

from __future__ import annotations

import json
import shlex

import pytest

COUNTED = """
109 | show A | text
85 | show A --json | []
68 | close A | text
44 | close A --reason "finished as it was asked" | text
37 | create "a title" | text
33 | update A --set-metadata branch=fix/x | text
29 | list --assignee=me --status=in_progress | -
29 | create --ephemeral --silent -d text -l x,y -t chore "a wisp" | id
28 | ready | text
26 | dep add A C | text
23 | update A --notes "what was done" | text
23 | mol current | -
17 | update A --assignee other | text
17 | prime | text
16 | update A --status in_progress | text
14 | create --priority 2 --title T --type task | text
13 | update A --claim | text
13 | blocked | text
11 | list --status open | text
11 | ready --assignee me | text
10 | init | !already initialized
9 | list | text
9 | create --parent E --silent --type task -d text -l x -p 1 "a child" | id
8 | list --assignee=me --json --status=open | []
7 | mol wisp a-formula --json --root-only | !needs the city's formulas
7 | update A --unset-metadata work_dir | text
7 | update A --design "how" | text
6 | mol wisp a-formula --root-only | !needs the city's formulas
6 | mol burn W --force | text
6 | create --title T --type bug | text
6 | create --ephemeral --silent -l x -t chore "a wisp" | id
5 | create -t task "a title" | text
5 | ready --unassigned | text
5 | ready --metadata-field gc.routed_to=r/e --unassigned | text
5 | list --json --limit=0 --status=open | []
5 | create --label pool:dog --metadata {"k":"v"} --title T --type warrant | text
5 | list --status=open --type=task | text
5 | update A | text
5 | mol current --json | []
4 | update A --assignee "" --status open | text
4 | update A --label x | text
4 | init --skip-hooks -p gc | !already initialized
4 | list --json --label type:plugin-run --status open | []
3 | dep remove B A | text
3 | update A --notes n --set-metadata k=v | text
3 | update A --assignee me --set-metadata k=v --status open | text
3 | create --label x --metadata {} --type task "a title" | text
3 | list --all --json --limit 5 | []
3 | ready --assignee=me --json --limit=1 | []
3 | update A --set-metadata gc.outcome=pass --status closed | text
3 | blocked --json | []
3 | config set types.custom warrant,digest | text
3 | mol | text
3 | create --description d --priority 1 --title T --type task | text
3 | create --description d --type task "a title" | text
3 | create --description d --title T --type epic | text
3 | merge-slot check --json | {}
3 | create --description d --labels x --wisp-type patrol "a title" | text
2 | reopen D | text
2 | update A --actor me --claim | text
2 | dep list A --direction=up --type=blocks --json | []
2 | dep add A C --type tracks | text
2 | gate check --type timer --escalate | text
2 | list --assignee=me --json --limit 3 --status open | []
2 | list --assignee me | -
2 | gate list --json | []
2 | rename-prefix new | !declared by the city
2 | list --type bug | -
2 | list --created-after=2026-01-01 --json --label x | []
2 | ready --assignee=me --json | []
2 | create --title T | text
2 | list --label x --status open | -
2 | mol wisp gc --closed --force | text
2 | mol wisp gc --age 1h --force | text
2 | create --ephemeral -l x -t chore "a wisp" | text
2 | list --json --status=in_progress | []
2 | doctor | text
2 | create --ephemeral --silent --title T -d text -l x -t chore | id
2 | create --silent -d text -l x -t task "a title" | id
1 | purge | text
1 | ready --json --label=pool:worker --limit=1 --unassigned | []
1 | init --quiet --server --server-host h --server-port 1 --skip-agents --skip-hooks -p gc | !already initialized
1 | init --prefix gc | !already initialized
1 | update A --assignee me --metadata {"k":"v"} | text
1 | list --closed-after=-24h --json --status=closed | []
1 | list --all --json -n 5 | []
1 | update W --persistent | text
1 | comment A "a remark" | text
1 | delete A --force | text
1 | gate check | text
1 | mol wisp gc --age 1h --dry-run | text
1 | mol wisp gc --age 1h | text
1 | create --json -t task "a title" | {}
1 | mol wisp a-formula --json --root-only --var k=v | !needs the city's formulas
1 | list --assignee=me --exclude-type=epic --json --limit=1 --status=open | []
1 | update A --assignee me --set-metadata k=v | text
1 | list --created-after=-24h --json --limit 5 | []
1 | list --closed-after=-24h --json --limit 5 --status closed | []
1 | list --created-after=-24h --json --type task | []
1 | create --label x --title T --type task | text
1 | list --json --limit 1 --metadata-field gc.routed_to=r/e --status open | []
1 | create --label x "a title" | text
1 | ready --label pool:worker | -
1 | mol progress M | text
1 | list --json --metadata-field gc.routed_to=r/e --status open | []
1 | update A --notes n --status in_progress | text
1 | blocked --json --parent E | []
1 | update A --claim --json | []
1 | create --json "a title" | {}
1 | formula list | !needs the city's formulas
1 | formula show a-formula | !needs the city's formulas
1 | update A --add-label x | text
1 | new --type task "a title" | text
1 | new "a title" | text
1 | update A --claim --status in_progress | text
1 | update A --assignee me --status open -s open | text
1 | search rain --label x --limit 3 --status open | -
1 | list --desc-contains rain --json --label x | []
1 | mol show M | text
1 | ready --gated --json | {}
1 | mol show M --json | {}
1 | list --limit 5 --status open | text
1 | stats | text
1 | list --created-after 2026-01-01 --created-before 2027-01-01 | text
1 | list --status open --updated-after 2026-01-01 | text
1 | list --created-after=-24h --label x | -
1 | create --description d --label x --title T --type task | text
1 | mol wisp create a-formula --var k=v | !needs the city's formulas
1 | info --whats-new | text
1 | merge-slot acquire --holder me --json --wait | {}
1 | merge-slot release --holder "" --json | {}
1 | mol wisp | text
1 | export | text
1 | export --db DB --format jsonl | text
1 | version | text
1 | list --all --created-after=-24h --json -l x | []
1 | bootstrap | text
1 | count --status open -l x | text
1 | create --silent --type task -d text -l x -p 2 "a title" | id
1 | vc commit -m done | text
1 | dolt push | text
1 | new --wisp-type patrol -l x -p 2 -t chore "a title" | text
1 | new -l x -p 2 -t chore "a title" | text
3 | new -l x -t chore "a title" | text
24 | create --rig rig "for the rig" | text
16 | sync | text
14 | sync --status | text
4 | gate close G --reason "looked at it" | text
2 | gate list --json --status=open --type=gh | []
3 | create --prefix rg- "for the rig" | text
2 | create --metadata {} --set-metadata k=v --title T --type task | text
2 | list --dir . | text
1 | create --dir . "a title" | text
1 | update A --note "more of it" | text
1 | update A --note more --status open | text
1 | update A --labels p,q | text
1 | list --search rain --status open --type task | -
1 | create --status open --type task "a title" | text
1 | create --description d --format id --label x --priority 1 --title T --type task | id
1 | formula show --resolve a-formula | !needs the city's formulas
1 | mol list --active | text
1 | mol step respawn --target x | !is not done here
1 | update A --status=escalated | text
2 | daemons killall | text
1 | heartbeat A | text
"""
PROGRAMS = """
1 | list --status in_progress --assignee=gc-s1 --json --limit=1 | []
1 | ready --metadata-field gc.routed_to=r/e --unassigned --json --limit=1 | []
1 | list --metadata-field gc.routed_to=r/e --status=open --type=molecule --no-assignee --json --limit=1 | []
1 | ready --include-ephemeral --metadata-field gc.routed_to=r/e --unassigned --sort oldest --json | []
1 | ready --exclude-type=epic --exclude-label hold --json --limit 0 | []
1 | query "status=open AND metadata.gc.routed_to=r/e" --json | []
1 | create --json T -t task --priority 1 --description d --assignee me --deps A,C --labels x,y | {}
1 | create --json T -t task --parent E --metadata {"k":"v"} | {}
1 | show --json A | []
1 | update --json A --title T2 --type bug --priority 0 --parent E --set-metadata k=v --add-label x --remove-label y | []
1 | close --json A C | []
1 | delete --force --json A | {}
1 | list --json --include-infra --include-gates --limit 0 --parent E --metadata-field k=v | []
1 | dep list A B --json | []
1 | purge --json --dry-run | {}
1 | config get --json types.custom | {}
1 | mol current M --json | []
1 | mol burn W --force --json | {}
1 | ready --mol M --json | {}
1 | ready --explain --json | {}
1 | swarm status E --json | {}
1 | stats --json | {}
1 | sql "SELECT id, status FROM issues ORDER BY id" --json | []
1 | list --flat --json | []
1 | show A --allow-stale --children --json | []
1 | delete A --force --hard | text
1 | kv set k v | text
1 | ready A | text
"""


def rows(table: str) -> list[tuple[str, str]]:
    found = []
    for line in filter(None, table.splitlines()):
        _, words, shape = (part.strip() for part in line.split(" | ", 2))
        found.append((words, shape))
    return found


@pytest.fixture
def prepared(bd, tmp_path) -> dict[str, str]:
    """A, C open (A routed to r/e, mine); B waits for A; D closed; E epic; M a molecule; W a wisp; G a gate; a slot."""
    (tmp_path / "rig").mkdir()
    bd.ledger.set_scopes([("gc", "", str(tmp_path)), ("rg", "rig", str(tmp_path / "rig"))], "gc")
    bd.env["BEADS_ACTOR"] = "me"
    named = {"C": bd.make("c"), "E": bd.make("e", "-t", "epic"), "M": bd.make("m", "-t", "molecule")}
    named["A"] = bd.make("rain", "--metadata", '{"gc.routed_to":"r/e","work_dir":"/x"}', "-d", "it rains")
    named["B"] = bd.make("b", "--deps", named["A"])
    named["D"] = bd.make("done")
    bd.ok("close", named["D"])
    bd.make("kid", "--parent", named["E"])
    bd.make("step", "--parent", named["M"])
    named["W"] = bd.make("wisp", "--ephemeral")
    named["G"] = bd.json("gate", "create", "--blocks", named["C"], "--type", "timer", "--timeout", "1h")["id"]
    bd.make("mine", "-a", "me")
    bd.ok("merge-slot", "create")
    return {**named, "DB": bd.ledger.path}


@pytest.mark.parametrize(("words", "shape"), [pytest.param(*r, id=r[0][:60]) for r in rows(COUNTED + PROGRAMS)])
def test_a_counted_form(bd, prepared: dict[str, str], words: str, shape: str) -> None:
    argv = [prepared.get(w, w) for w in (shlex.split(words) if '"' in words.replace('{"', "") else words.split(" "))]
    if "{" in words and "'" not in words:
        argv = [prepared.get(w, w) for w in shlex.split(words.replace('{"', "'{\"").replace('"}', "\"}'"))]
    code, out, err = bd(*argv)
    if shape.startswith("!"):
        assert code and shape[1:] in out + err, (code, out, err)
        return
    assert code == 0, (out, err)
    assert "unknown" not in err and "Traceback" not in err
    if shape == "[]":
        assert isinstance(json.loads(out), list)
    elif shape == "{}":
        assert isinstance(json.loads(out), dict)
    elif shape == "id":
        assert out.count("\n") == 1 and out.strip().startswith(("gc-", prepared["E"]))
    elif shape == "text":
        assert out.strip() and out.endswith("\n")


def test_the_table_is_whole() -> None:
    assert len(rows(COUNTED)) >= 162 and len({w for w, _ in rows(COUNTED)}) == len(rows(COUNTED))


def test_create_goes_to_the_rig_that_it_names(bd, prepared: dict[str, str]) -> None:
    assert bd.make("x", "--rig", "rig").startswith("rg-") and bd.make("x", "--prefix", "rg-").startswith("rg-")
