"""`gc`, `bd` and `stopper` for one test: the contract of the real ones over a JSON file. Run by its name."""

import fcntl
import json
import os
import sys
import time
from pathlib import Path

folder = Path(os.environ["FILE_CITY"])
program, argv = Path(sys.argv[0]).name, sys.argv[1:]


def stopper():
    """Stand still until the file `go` is there: a place for a kill to fall."""
    while not (folder / "go").exists():
        time.sleep(0.02)


def word_after(name):
    return argv[argv.index(name) + 1]


def hook(state):
    beads = state["beads"].values()
    mine = [b for b in beads if b["status"] == "in_progress"] or [b for b in beads if b["status"] == "open"]
    if not mine:
        print(
            json.dumps({"schema_version": "1", "ok": True, "command": "hook", "action": "drain", "reason": "no_work"})
        )
        return 1
    mine[0]["status"] = "in_progress"
    print(json.dumps({"schema_version": "1", "ok": True, "action": "work", "bead_id": mine[0]["id"]}))
    return 0


def review(state):
    bead = state["beads"][word_after("--bead")]
    if argv[1] == "submit":
        with open(argv[-1], encoding="utf-8") as file:
            lane = json.load(file)
        assert lane["findings_count"] == len(lane["findings"])
        bead["metadata"].update({"gc.output_json": json.dumps(lane), "gc.outcome": "pass"})
    elif argv[1] == "open":
        print(json.dumps({"round": 1, "findings": state["open"]}))
    elif argv[1] == "merge" and state.get("merge_fails"):
        print("not a fast-forward", file=sys.stderr)
        return 1
    return 0


def bd(state):
    bead = state["beads"].get(argv[1])
    if bead is None:
        print(f'Error resolving {argv[1]}: no issue found matching "{argv[1]}"', file=sys.stderr)
        return 1
    if argv[0] == "show":
        print(json.dumps([bead]))
    elif argv[0] == "update":
        for at, word in enumerate(argv):
            if word == "--set-metadata":
                key, value = argv[at + 1].split("=", 1)
                bead["metadata"][key] = value
    elif argv[0] == "close":
        assert len(word_after("--reason")) >= 20
        if bead["status"] == "closed":
            print("already closed", file=sys.stderr)
            return 1
        bead["status"] = "closed"
    return 0


def main(state):
    if state["broken"] > 0:
        state["broken"] -= 1
        print("no answer from the city", file=sys.stderr)
        return 3
    if program == "bd":
        return bd(state)
    return {"hook": hook, "review": review}.get(argv[0], lambda _: 0)(state)


if program == "stopper":
    stopper()
    sys.exit(0)
with open(folder / "lock", "w") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    state_file = folder / "state.json"
    whole = json.loads(state_file.read_text())
    code = main(whole)
    if code == 0:
        whole["log"].append([program, *argv])
    fresh = folder / "state.new"
    fresh.write_text(json.dumps(whole))
    fresh.replace(state_file)
sys.exit(code)
