"""What an agent declares of its program: its endpoint, its command, its own prompt mode."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gcity_tui.model.declared import COMMAND, Agent, Provider
from gcity_tui.model.session import SessionRecord
from gcity_tui.workers.launch import Places, environment, launch

RECORD = SessionRecord("gc-1", "shop/eddie-2", "shop/eddie", name="shop--eddie-2", work_dir="/w", token="t", rig="shop")
PLACES = Places("town", Path("/city"), {"MY_KEY": "s3cret", "PATH": "/bin"}, Path("/rigs/shop"))
EDDIE = Agent("eddie", dir="shop")
PLAIN = Provider("plain", command="plain", env={"M_URL": "default"})


def test_an_endpoints_variables() -> None:
    served = {"M_URL": "http://near", "M_KEY": "$MY_KEY", "M_OTHER": "${NOT_SET}", "M_TEXT": "costs $5"}
    agent = replace(EDDIE, model_from=served, env={"M_TEXT": "own"})
    shown, secret = environment(PLAIN, agent, RECORD, PLACES)
    said = {**shown, **secret}
    assert (said["M_URL"], said["M_KEY"], said["M_OTHER"], said["M_TEXT"]) == ("http://near", "s3cret", "", "own")
    assert "s3cret" not in shown.values(), "a key never stands openly in a pane"


def test_a_command_is_told_nothing_unless_it_says_how() -> None:
    agent = replace(EDDIE, start_command="./run.sh 'a b'")
    made = launch(COMMAND, agent, RECORD, PLACES, prompt="Do it.")
    assert made.argv == ("./run.sh", "a b") and not made.first and not made.prompted
    assert "GC_STARTUP_PROMPT_DELIVERED" not in made.env
    told = launch(replace(COMMAND, prompt_mode="arg"), agent, RECORD, PLACES, prompt="Do it.")
    assert told.argv == ("./run.sh", "a b", "Do it.") and told.prompted


def test_how_a_program_is_driven_is_the_agents_word() -> None:
    made = launch(replace(PLAIN, prompt_mode="flag", prompt_flag="-p"), EDDIE, RECORD, PLACES, prompt="Do it.")
    assert made.argv[-2:] == ("-p", "Do it.")
    typed = launch(replace(PLAIN, prompt_mode="none"), EDDIE, RECORD, PLACES, prompt="Do it.")
    assert typed.first == "Do it." and "Do it." not in typed.argv
