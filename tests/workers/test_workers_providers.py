"""A provider that nobody wrote code for: a shell program, declared in a city; and what the shipped ones declare."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from workers_ground import Ground, becomes, settled, wait_for

from gcity_tui.model.declared import Agent
from gcity_tui.model.errors import Refused
from gcity_tui.model.session import Pending, Phase
from gcity_tui.transcripts import FORMATS
from gcity_tui.workers import hooks
from gcity_tui.workers.launch import command, launch
from gcity_tui.workers.protocol import InteractionResponse, NudgeRequest

SHELL = """#!/bin/bash
# An agent of a few lines: a first-run dialog, a prompt, a question, a conversation on disk, a hook.
UP=null
say() { local id=$RANDOM$RANDOM
  printf '{"uuid":"%s","parentUuid":%s,"type":"%s","timestamp":"%s","sessionId":"%s","message":%s}\\n' \\
    "$id" "$UP" "$1" "$(date -u +%FT%T.%3NZ)" "$KEY" "$2" >> "$OWN/$KEY.jsonl"; UP="\\"$id\\""; }
told() { [ -n "$RULES" ] && sh -c "$(cat "$RULES")" hook "$1"; }
KEY=; OWN=$HOME_OF_IT; RULES=
UP_OF() { tail -n1 "$1" 2>/dev/null | sed 's/^{"uuid":\\("[0-9]*"\\).*/\\1/'; }
while [ $# -gt 0 ]; do case $1 in
  --id) KEY=$2; shift;; --again) KEY=$2; echo "going on with $KEY"; shift;; --rules) RULES=$2; shift;;
  --mode) MODE=$2; shift;; esac; shift; done
mkdir -p "$OWN"; stty -echo; UP=$(UP_OF "$OWN/$KEY.jsonl"); UP=${UP:-null}
if [ ! -e "$OWN/seen" ]; then printf 'First time here? Press y to go on.\\n'; read -rn1; touch "$OWN/seen"; clear; fi
while :; do
  printf 'mini> '; IFS= read -r line || exit 0
  line=${line//$'\\e[200~'/}; line=${line//$'\\e[201~'/}; printf '%s\\n' "$line"
  say user "{\\"role\\":\\"user\\",\\"content\\":\\"$line\\"}"; told busy; printf '(thinking hard)\\n'; sleep 0.3
  case $line in *danger*) told waiting; clear; printf 'Shall I run it?\\n [a] Allow\\n [d] Deny\\n'; read -rn1 answer
    clear; line="you said $answer";; esac
  say assistant "{\\"role\\":\\"assistant\\",\\"content\\":\\"mode $MODE: $line\\",\\"stop_reason\\":\\"end_turn\\"}"
  clear; printf 'mode %s: %s\\n' "$MODE" "$line"; told idle
done
"""
TOML = """
[providers.mini]
display_name = "Mini"
command = "%s"
prompt_mode = "none"
session_id_flag = "--id"
resume_flag = "--again"
settle_ms = 50
transcript = "claude"
transcript_root = "${HOME_OF_IT:-~/.mini}"
transcript_glob = "{key}.jsonl"
sees = ["hook", "transcript", "screen"]

[providers.mini.env]
HOME_OF_IT = "%s"

[providers.mini.option_defaults]
mode = "calm"

[providers.mini.options.mode]
calm = ["--mode", "calm"]
wild = ["--mode", "wild"]

[providers.mini.hooks]
args = ["--rules", "{scratch}/rules/said"]

[providers.mini.hooks.files]
"rules/said" = 'echo "$1 said" > "$GC_SCRATCH/state"'

[providers.mini.screen]
ready = '^mini> *$'
busy = '^\\(thinking hard\\)$'

[[providers.mini.screen.dialogs]]
id = "first"
kind = "startup"
match = 'First time here\\?'
keys = ["y"]

[[providers.mini.screen.dialogs]]
id = "approval"
kind = "approval"
match = '^Shall I run it\\?'
prompt = '^(Shall I run it\\?)'
options = '^ \\[(?P<key>\\w)\\] (?P<label>\\w+)'
choose = "letter"
"""


def test_a_made_up_provider_needs_no_code(ground: Ground) -> None:
    program = ground.path / "mini"
    program.write_text(SHELL)
    program.chmod(0o755)
    ground.declare(TOML % (program, ground.path / "of-mini"))
    assert not ground.city.warnings
    worker = ground.worker("mini", agent=Agent("eddie", provider="mini", option_defaults={"mode": "wild"}))
    worker.start()
    becomes(worker, Phase.READY)
    assert worker.nudge(NudgeRequest("hello mini")).delivered
    becomes(worker, Phase.READY)
    assert [e.text for e in worker.history().entries] == ["hello mini", "mode wild: hello mini"]
    sources = {e.source: e.claim for e in worker.evidence(time.time())}
    assert sources["hook"] is Phase.READY and sources["transcript"] is Phase.READY
    receipt = worker.nudge(NudgeRequest("danger ahead")).receipt
    becomes(worker, Phase.WAITING)
    assert {e.source: e.claim for e in worker.evidence(time.time())}["hook"] is Phase.WAITING
    pending = wait_for(worker.pending)  # its hook tells a moment before it is drawn
    assert isinstance(pending, Pending) and pending.options == ("Allow", "Deny")
    assert worker.respond(InteractionResponse("Deny", pending.request_id)) == "Deny"
    assert settled(worker, receipt).state.settled
    becomes(worker, Phase.READY)
    assert worker.history().entries[-1].text == "mode wild: you said d"
    rules = worker.life.places.scratch(worker.record) / "rules" / "said"
    assert rules.read_text().startswith("echo") and rules.stat().st_mode & 0o777 == 0o600
    key = worker.record.key
    worker.stop()
    worker.start()
    assert f"going on with {key}" in worker.peek() and len(worker.history().entries) == 4
    worker.close()
    assert not rules.exists() and not rules.parent.exists()


def test_a_hooks_file_stays_in_its_folder(tmp_path: Path) -> None:
    for name in ("../out", "/etc/out", "a/../../out", ""):
        with pytest.raises(Refused):
            hooks.install(tmp_path / "scratch", {name: "x"})
    (tmp_path / "scratch" / "link").symlink_to(tmp_path / "theirs")
    hooks.install(tmp_path / "scratch", {"link": "mine"})
    assert not (tmp_path / "theirs").exists() and (tmp_path / "scratch" / "link").read_text() == "mine"


def test_a_report_that_is_half_written_is_not_believed(tmp_path: Path) -> None:
    report = hooks.Report(tmp_path)
    assert report.read() is None
    (tmp_path / "state").write_text("busy prompt\n")
    told = report.read()
    assert told is not None and told.claim is Phase.BUSY and told.detail == "its hook said prompt"
    for words in ("", "xyz", "\x1b[31mbusy"):
        (tmp_path / "state").write_text(words)
        assert report.read() == told
    (tmp_path / "state").write_text("idle\n")
    wait_for(lambda: (e := report.read()) is not None and e.claim is Phase.READY)
    (tmp_path / "state").unlink()
    assert report.read() is None


def test_the_shipped_providers_can_all_be_launched(ground: Ground) -> None:
    listed = "claude codex gemini grok kimi kiro cursor copilot amp opencode mimocode groq cerebras auggie pi omp"
    wanted = f"{listed} antigravity qwen aider".split()
    assert set(wanted) <= set(ground.city.providers) and len(wanted) == 19
    worker = ground.worker()
    for name in wanted:
        provider = ground.city.providers[name]
        record = replace(worker.record, provider=name, key="k-1")
        made = launch(provider, Agent("eddie", provider=name), record, worker.life.places, prompt="do it")
        words = " ".join(made.argv)
        assert "{" not in words.replace("{scratch}", "") or provider.hooks.args, words
        assert provider.transcript in FORMATS or not provider.transcript
        assert (made.first == "do it") == (provider.prompt_mode == "none") == (not made.prompted)
        assert not any(flag in words for flag in ("dangerously", "yolo", "bypass-approvals", "--trust-all")), words
        again = command(provider, Agent("eddie", provider=name), record, resume=True)
        assert any("k-1" in word for word in again) or not provider.resume_flag
        for text in made.files.values():
            if text.lstrip().startswith("{"):
                assert "hooks" in json.loads(text)
