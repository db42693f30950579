"""Formula files that would do harm, as files and through the command: each refused in clear words, memory bounded."""

# ruff: noqa: E501 (formulas as they would be written)

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

V2 = 'contract = "graph.v2"\n'
STEP = '[[steps]]\nid = "s"\ntitle = "S"\n'
LARGEST = 220
"""MB that the whole process may take for all of them."""
CHILD = """
import json, re, sys
from gcity_tui.__main__ import main
code = main()
peak = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])  # not what our parent had before exec
print(json.dumps({"code": code, "mb": peak // 1024}), file=sys.stderr)
"""


def bombs(folder: Path, outside: Path) -> dict[str, str]:
    """Writes the files; name → what its refusal says."""
    texts: dict[str, tuple[str, str]] = {
        "doubling": (f'{STEP}expand = "e0"\n', "nested deeper than 5"),
        "composed": (f'{STEP}[[compose.expand]]\ntarget = "s"\nwith = "e0"\n', "nested deeper than 5"),
        "range": (f'{STEP}[steps.loop]\nrange = "1..1000000000"\nbody = [{{ id = "b", title = "B" }}]\n', "a loop of 1000000000 turns"),
        "power": (f'{STEP}[steps.loop]\nrange = "1..9^9^9^9"\nbody = [{{ id = "b", title = "B" }}]\n', "cannot compute"),
        "count": (f'{STEP}[steps.loop]\ncount = 1000000000\nbody = [{{ id = "b", title = "B" }}]\n', "a loop of 1000000000 turns"),
        "loops": (nested_loops(9), "grows beyond 60000 steps"),
        "deep steps": ("".join(f'[[steps{".children" * n}]]\nid = "s{n}"\ntitle = "S"\n' for n in range(60)), "deeper than 24"),
        "deep lists": ("x = " + "[" * 100_000, "nested too deeply"),
        "dotted key": (".".join(["a"] * 1_000_000) + " = 1\n", "more than 64 parts"),
        "dotted head": ("[" + ".".join(["a"] * 1_000_000) + "]\n", "more than 64 parts"),
        "digits": ("version = " + "9" * 1_000_000 + "\n", "limit"),
        "laughs": ('[vars]\nv = "' + "x" * 100_000 + f'"\n{STEP}description = "' + "{{v}}" * 10_000 + '"\n', "longer than"),
        "climbs": (V2 + STEP + 'description_file = "../../../../../../../../etc/hostname"\n', "leaves its pack"),
        "absolute": (V2 + STEP + f'description_file = "{outside}"\n', "leaves its pack"),
        "linked": (V2 + STEP + 'description_file = "../assets/link.md"\n', "leaves its pack"),
        "linked folder": (V2 + STEP + 'description_file = "../assets/way/secret.md"\n', "leaves its pack"),
        "a script": (V2 + STEP + "check = { max_attempts = 1, check = { path = '../assets/link.md' } }\n", "leaves its pack"),
        "extends": ('extends = ["../../../../../../etc/hostname"]\n' + STEP, "which is not there"),
        "itself": (f'extends = ["itself"]\n{STEP}', "circular extends detected: itself -> itself"),
    }  # fmt: skip
    formulas = folder / "formulas"
    (folder / "assets").mkdir(parents=True)
    formulas.mkdir()
    (folder / "pack.toml").write_text('[pack]\nname = "p"\nschema = 2\n')
    (folder / "assets" / "link.md").symlink_to(outside)
    (folder / "assets" / "way").symlink_to(outside.parent)
    for name, (text, _) in texts.items():
        (formulas / f"{name}.toml").write_text(f'formula = "{name}"\n{text}')
    for n in range(41):
        more = f'expand = "e{n + 1}"\n' if n < 40 else ""
        both = "".join(f'[[template]]\nid = "{{target}}.{side}"\ntitle = "T"\n{more}' for side in "ab")
        (formulas / f"e{n}.toml").write_text(f'formula = "e{n}"\ntype = "expansion"\n{both}')
    with (formulas / "huge.toml").open("wb") as file:
        file.write(b'formula = "huge"\n' + b'[[steps]]\nid = "s"\ntitle = "S"\n' * 10)
        file.truncate(100 * 1024 * 1024)
    (formulas / "device.toml").symlink_to("/dev/zero")
    os.mkfifo(formulas / "pipe.toml")
    (formulas / "stolen.toml").symlink_to(outside)
    others = {
        "huge": "larger than 4 MB",
        "device": "no formula file",
        "pipe": "no formula file",
        "stolen": "no formula file",
    }
    return {**{name: says for name, (_, says) in texts.items()}, **others}


def nested_loops(levels: int) -> str:
    text, table = STEP, "steps"
    for n in range(levels):
        text += f'[{table}.loop]\ncount = 10\n[[{table}.loop.body]]\nid = "b{n}"\ntitle = "B"\n'
        table += ".loop.body"
    return text


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], dict[str, dict[str, str]], dict[str, int]]:
    """(what each should say, what each said, code and MB of the one process that looked at all of them)."""
    base = tmp_path_factory.mktemp("hostile")
    outside = base / "outside" / "secret.md"
    outside.parent.mkdir()
    outside.write_text("secret")
    wanted = bombs(base / "pack", outside)
    files = [f"{base}/pack/formulas/{name}.toml" for name in wanted]
    env = {**os.environ, "HOME": str(base), "XDG_STATE_HOME": str(base)}
    ran = subprocess.run([sys.executable, "-c", CHILD, "formula", "validate", "--json", *files],
                         capture_output=True, text=True, env=env, cwd=base, timeout=120, check=False)  # fmt: skip
    assert ran.stdout.startswith("["), ran.stdout + ran.stderr
    said = {Path(one["formula"]).stem: one for one in json.loads(ran.stdout)}
    return wanted, said, json.loads(ran.stderr.splitlines()[-1])


def test_each_is_refused_in_clear_words(told: tuple[dict[str, str], dict[str, dict[str, str]], dict[str, int]]) -> None:
    wanted, said, _ = told
    assert set(said) == set(wanted)
    for name, words in wanted.items():
        assert not said[name]["ok"] and words in said[name]["error"], (name, said[name])
        assert ".toml" in said[name]["where"], (name, said[name])
        assert "secret" not in said[name]["error"].replace("secret.md", "")
        assert len(said[name]["error"]) < 400


def test_memory_is_bounded(told: tuple[dict[str, str], dict[str, dict[str, str]], dict[str, int]]) -> None:
    assert told[2]["code"] == 78
    assert told[2]["mb"] < LARGEST
