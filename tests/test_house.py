"""The house holds: floors, sizes, names, and what is loaded for what."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from longest import SECONDS

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "gcity_tui").rglob("*.py"))


def _id(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=_id)
def test_a_module_says_what_it_is_for_and_fits_on_a_few_pages(path: Path) -> None:
    text = path.read_text("utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "the first line of a module says what it is for"
    assert len(text.splitlines()) <= 450, "a file of over 450 lines is two rooms"
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= 60, f"{node.name} has {lines} lines"


@pytest.mark.parametrize("path", MODULES, ids=_id)
def test_names_are_of_the_domain(path: Path) -> None:
    assert not re.fullmatch(r"(utils?|helpers?|managers?|base|common|misc)", path.stem)


def test_nothing_machine_specific_is_in_the_repository() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    bad = re.compile(r"/(work|home/[a-z]+|Users/[a-z]+)/(main|shared|\.library)\b|://[^\s\"']*(artifactory|nexus)")
    for name in listed.stdout.split():
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".sh", ".yaml", ""} and path.is_file() and path != Path(__file__):
            assert not bad.search(path.read_text("utf-8", "replace")), name


def loaded(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after `code`."""
    script = f"{code}\nimport sys\nprint(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd="/")
    return {m.split(".")[0] for m in done.stdout.split()}


@pytest.mark.parametrize(
    "code",
    [
        "from gcity_tui.cli import bd",
        "import gcity_tui.cli.door",
        "import gcity_tui.cli.session, gcity_tui.cli.talk, gcity_tui.cli.work, gcity_tui.cli.city",
    ],
)
def test_words_load_no_pictures(code: str) -> None:
    assert not loaded(code) & {"textual", "rich", "libtmux"}


def test_the_longest_tests_are_there() -> None:
    """One that was renamed would begin last, and the suite would wait for it alone."""
    for name in SECONDS:
        file, test = name.split("::")
        assert f"\ndef {test}(" in (ROOT / "tests" / file).read_text("utf-8"), name
