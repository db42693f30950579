"""Every rule: what it flags, what it leaves alone, and what its codemod makes of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rehearsal_city import git

from gcity_tui.rehearsal.check.lane import BOOKS, RULES, hits, lane
from gcity_tui.rehearsal.check.source import Patch, Source
from gcity_tui.rehearsal.fix.patching import CODEMODS, apply, fix

# rule: (flagged, not flagged, what the codemod makes of the first; "" = it has none)
TABLE: dict[str, tuple[str, str, str]] = {
    "eval-exec": ("x = eval(t)", "x = eval('1')", "import ast\nx = ast.literal_eval(t)"),
    "shell-true": (
        "import subprocess\nsubprocess.run(f'gzip {p}', shell=True)",
        "import subprocess\nsubprocess.run(['gzip', p], check=True)",
        'import subprocess\nsubprocess.run(["gzip", str(p)])',
    ),
    "os-system": (
        "import os\nos.system('ls -l')",
        "import os\nos.listdir('.')",
        'import os\nimport subprocess\nsubprocess.run(["ls", "-l"])',
    ),
    "pickle-load": ("import pickle\npickle.loads(b)", "import json\njson.loads(b)", ""),
    "yaml-load": (
        "import yaml\nyaml.load(t)",
        "import yaml\nyaml.load(t, Loader=yaml.SafeLoader)",
        "import yaml\nyaml.safe_load(t)",
    ),
    "hardcoded-secret": (
        'API_TOKEN = "a8f3-11c9"',
        'API_TOKEN = "<token>"\ntoken_kind = "bearer-kind"',
        'import os\nAPI_TOKEN = os.environ.get("API_TOKEN", "")',
    ),
    "mktemp": (
        "import tempfile\np = tempfile.mktemp(suffix='.x')",
        "import tempfile\np = tempfile.mkdtemp()",
        "import tempfile\np = tempfile.NamedTemporaryFile(suffix='.x', delete=False).name",
    ),
    "assert-check": (
        "def f(a):\n    assert a > 0, 'low'\n    return a",
        "def f(a):\n    b = g()\n    assert b\n    return b",
        "def f(a):\n    if not (a > 0):\n        raise ValueError('low')\n    return a",
    ),
    "weak-hash": (
        "import hashlib\nh = hashlib.md5(b)",
        "import hashlib\nh = hashlib.md5(b, usedforsecurity=False)",
        "import hashlib\nh = hashlib.sha256(b)",
    ),
    "sql-format": ("c.execute(f'select * from t where a = {a}')", "c.execute('select * from t where a = ?', (a,))", ""),
    "bind-all": ("s.bind(('0.0.0.0', 80))", "ok = host == '0.0.0.0'", 's.bind(("127.0.0.1", 80))'),
    "no-timeout": (
        "import requests\nrequests.get(u)",
        "import requests\nrequests.get(u, timeout=3)",
        "import requests\nrequests.get(u, timeout=10)",
    ),
    "path-input": ("import os\nopen(os.path.join(b, input()))", "import os\nopen(os.path.join(b, 'c'))", ""),
    "random-secret": (
        "import random\ndef make_token(a):\n    return random.choice(a)",
        "import random\ndef roll(a):\n    return random.choice(a)",
        "import random\nimport secrets\ndef make_token(a):\n    return secrets.choice(a)",
    ),
    "open-mode": ("import os\nos.chmod(p, 0o777)", "import os\nos.chmod(p, 0o644)", "import os\nos.chmod(p, 0o750)"),
    "unverified-tls": ("c.get(u, verify=False)", "c.get(u, verify=True)", "c.get(u, verify=True)"),
    "debug-server": ("app.run(debug=True)", "app.run(debug=False)", "app.run(debug=False)"),
    "mutable-default": (
        "def f(a, b=[]):\n    return b",
        "def f(a, b=()):\n    return b",
        "def f(a, b=None):\n    if b is None:\n        b = []\n    return b",
    ),
    "bare-except": (
        "try:\n    f()\nexcept:\n    g()",
        "try:\n    f()\nexcept OSError:\n    g()",
        "try:\n    f()\nexcept Exception:\n    g()",
    ),
    "swallowed": ("try:\n    f()\nexcept Exception:\n    pass", "try:\n    f()\nexcept OSError:\n    pass", ""),
    "unused-import": (
        "import os\nimport re\nre.sub(a, b, c)",
        "import re\nre.sub(a, b, c)",
        "import re\nre.sub(a, b, c)",
    ),
    "shadowed-builtin": (
        "def f():\n    list = g()\n    return list",
        "def f():\n    lists = g()\n    return lists",
        "def f():\n    list_ = g()\n    return list_",
    ),
    "no-docstring": ("def f():\n    g()\n    h()", "def _f():\n    g()\n    h()", ""),
    "long-function": ("def _f():\n" + "    g()\n" * 61, "def _f():\n" + "    g()\n" * 20, ""),
    "none-equal": ("if a == None:\n    g()", "if a is None:\n    g()", "if a is None:\n    g()"),
    "bool-equal": ("if a.b == False:\n    g()", "if not a.b:\n    g()", "if not a.b:\n    g()"),
    "star-import": ("from os import *", "from os import path\npath.join(a)", ""),
    "unused-variable": (
        "def _f():\n    a = g()\n    return 1",
        "def _f():\n    a = g()\n    return a",
        "def _f():\n    g()\n    return 1",
    ),
    "old-format": ("t = '{} of {}'.format(a, b.c)", "t = '{0}'.format(a)", "t = f'{a} of {b.c}'"),
    "empty-fstring": ("t = f'a'", "t = f'{a:>{w}}'", "t = 'a'"),
    "type-equal": ("if type(a) == B:\n    g()", "if isinstance(a, B):\n    g()", "if isinstance(a, B):\n    g()"),
    "not-in": ("if not a in b:\n    g()", "if a not in b:\n    g()", "if a not in b:\n    g()"),
    "unclosed-file": (
        "t = open(p, encoding='utf-8').read()",
        "with open(p) as f:\n    t = f.read()",
        "import pathlib\nt = pathlib.Path(p).read_text(encoding='utf-8')",
    ),
    "unchecked-run": (
        "import subprocess\nsubprocess.run(['a'])",
        "import subprocess\nd = subprocess.run(['a'])\nsubprocess.run(['a'], check=False)",
        "import subprocess\nsubprocess.run(['a'], check=True)",
    ),
    "named-lambda": ("f = lambda a, b=1: a + b", "f = g", "def f(a, b=1):\n    return a + b"),
    "list-membership": (
        "def f(xs):\n    seen = []\n    for x in xs:\n        if x not in seen:\n            seen.append(x)",
        "def f(xs):\n    seen = set()\n    for x in xs:\n        if x not in seen:\n            seen.add(x)",
        "def f(xs):\n    seen = set()\n    for x in xs:\n        if x not in seen:\n            seen.add(x)",
    ),
    "text-by-adding": (
        "def f(xs):\n    t = ''\n    for x in xs:\n        t += g(x)\n    return t",
        "def f(xs):\n    t = 0\n    for x in xs:\n        t += g(x)\n    return t",
        "def f(xs):\n    t_parts = ['']\n    for x in xs:\n        t_parts.append(g(x))\n"
        '    t = "".join(t_parts)\n    return t',
    ),
    "recursion": (
        "def f(n):\n    return n if n < 2 else f(n - 1) + f(n - 2)",
        "def f(t):\n    return f(t.left) + f(t.right)",
        "import functools\n@functools.lru_cache(maxsize=None)\n"
        "def f(n):\n    return n if n < 2 else f(n - 1) + f(n - 2)",
    ),
    "pattern-in-loop": (
        "import re\n\n\ndef f(xs):\n    for x in xs:\n        g(re.compile('a+'), x)",
        "import re\n\nA = re.compile('a+')\n\n\ndef f(xs):\n    return A",
        "import re\n\n_PATTERN = re.compile('a+')\n\n\ndef f(xs):\n    for x in xs:\n        g(_PATTERN, x)",
    ),
    "sort-in-loop": (
        "def f(xs, ys):\n    for x in xs:\n        g(sorted(ys)[0], x)",
        "def f(xs, ys):\n    for x in xs:\n        ys.append(x)\n        g(sorted(ys)[0], x)",
        "def f(xs, ys):\n    sorted_ys = sorted(ys)\n    for x in xs:\n        g(sorted_ys[0], x)",
    ),
    "pop-front": (
        "def f(x):\n    q = [x]\n    while q:\n        q.extend(g(q.pop(0)))",
        "def f(x):\n    q = [x]\n    while q:\n        q.extend(g(q.pop()))",
        "import collections\ndef f(x):\n    q = collections.deque([x])\n    while q:\n        q.extend(g(q.popleft()))",
    ),
    "count-in-loop": (
        "def f():\n    xs = list(g())\n    for x in xs:\n        h(xs.count(x))",
        "def f(t):\n    for x in 'abc':\n        h(t.count(x))",
        "",
    ),
    "nested-search": (
        "def f(xs, ys):\n    for x in xs:\n        for y in ys:\n            if x.a == y.a:\n                h(x, y)",
        "def f(xs, ys):\n    for x in xs:\n        for y in ys:\n            if y.a == 3:\n                h(x, y)",
        "",
    ),
}


def found(text: str, rule: str) -> list[int]:
    source = Source("a.py", text.encode())
    return [hit.node.lineno for entry, hit in hits(RULES[rule].category, source) if entry.id == rule]


def test_the_table_has_every_rule_and_there_are_enough():
    assert set(TABLE) == set(RULES)
    assert {key for key, row in TABLE.items() if row[2]} == set(CODEMODS)
    assert {name: len(book.rules) >= 8 for name, book in BOOKS.items()} == dict.fromkeys(BOOKS, True)
    assert len(BOOKS["security"].rules) >= 10
    assert len(BOOKS["style"].rules) >= 10
    assert all(rule.severity in ("blocker", "major", "minor", "nit") and rule.body for rule in RULES.values())


@pytest.mark.parametrize("rule", sorted(TABLE))
def test_a_rule_flags_what_it_should_and_nothing_else(rule):
    bad, good, _ = TABLE[rule]
    assert found(bad + "\n", rule)
    assert found(good + "\n", rule) == []
    assert found(bad.replace("\n", "  # noqa\n") + "  # noqa\n", rule) == []


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("rule", sorted(CODEMODS))
def test_a_codemod_cures_its_rule_once_and_keeps_the_rest(rule, newline):
    bad, _, cured = TABLE[rule]
    # Code before and after, with white space of its own and letters of several bytes, must come out byte for byte.
    tail = '\n\n\nzß  =   [ 1,2 ]   # "kept" ünï\nprint( zß )\n'
    data = (bad + tail).replace("\n", newline).encode()
    line = found(bad + tail, rule)[0]
    anchor = (bad + tail).splitlines()[line - 1]
    once = fix("a.py", data, rule, line, anchor)
    assert once is not None
    assert once.decode() == (cured + tail).replace("\n", newline)
    assert fix("a.py", once, rule, line, anchor) is None
    assert found(once.decode(), rule) == []


def test_a_finding_is_found_by_its_anchor_when_lines_moved_and_never_far_off():
    data = b"a = 1\n" * 30 + b"if b == None:\n    pass\n"
    assert fix("a.py", data, "none-equal", 3, "if  b ==  None:") is not None
    assert fix("a.py", data, "none-equal", 3, "if c == None:") is None
    assert fix("a.py", data, "none-equal", 3) is None
    assert fix("a.py", data, "none-equal", 29) is not None
    assert fix("a.py", b"if (:\n", "none-equal", 1) is None
    assert fix("a.py", b"\xff\xfe", "none-equal", 1) is None


def test_two_faults_on_one_line_are_cured_together():
    data = b"ok = type(a) == B and type(b) == B\n"
    assert fix("a.py", data, "type-equal", 1) == b"ok = isinstance(a, B) and isinstance(b, B)\n"


@pytest.mark.parametrize(
    "command", ["'ls | wc'", "f'echo {a} > {b}'", "f'{a!r} b'", "command", "'echo $HOME'", "'ls *'"]
)
def test_a_command_that_needs_a_shell_keeps_it(command):
    assert fix("a.py", f"import subprocess\nsubprocess.run({command}, shell=True)\n".encode(), "shell-true", 2) is None


def test_the_cure_of_one_rule_may_be_a_finding_of_another():
    cured = fix("a.py", (TABLE["shell-true"][0] + "\n").encode(), "shell-true", 2)
    assert cured is not None
    assert found(TABLE["shell-true"][0] + "\n", "unchecked-run") == []
    assert found(cured.decode(), "unchecked-run") == [2]


@pytest.mark.parametrize(
    ("text", "cured"),
    [
        ("from a import (\n    b,\n    c,\n)\nb()\n", "from a import (\n    b,\n)\nb()\n"),
        ("from a import b, c as d\nb()\n", "from a import b\nb()\n"),
        ("def f():\n    import os\n", "def f():\n    pass\n"),
    ],
)
def test_of_an_import_only_the_unused_name_goes(text, cured):
    assert fix("a.py", text.encode(), "unused-import", found(text, "unused-import")[0]) == cured.encode()


def test_patches_that_overlap_are_refused():
    with pytest.raises(ValueError, match="overlap"):
        apply(b"abcdef", [Patch(0, 3, "x"), Patch(2, 4, "y")])


def test_the_list_that_is_returned_keeps_its_order():
    text = "def f(xs):\n    seen = []\n    for x in xs:\n        if x not in seen:\n            seen.append(x)\n"
    text += "    return seen\n"
    cured = fix("a.py", text.encode(), "list-membership", 4)
    assert cured is not None
    names: dict = {}
    exec(cured, names)
    assert names["f"]([3, 1, 3, 2, 1]) == [3, 1, 2]
    assert "known_seen" in cured.decode()


@pytest.mark.parametrize(
    "head", ["def f(xs, have=None):\n    if have is None:\n        have = []\n",
             "def f(xs, on):\n    if on:\n        have = []\n",
             "def f(xs, *have):\n    have = []\n",
             "def f(xs):\n    try:\n        have = []\n    finally:\n        pass\n"],
)  # fmt: skip
def test_a_list_that_may_come_from_elsewhere_is_left_alone(head: str):
    text = head + "    for x in xs:\n        if x not in have:\n            have.append(x)\n    return have\n"
    line = text[: text.index("not in")].count("\n") + 1
    assert fix("a.py", text.encode(), "list-membership", line) is None


def test_a_list_made_anew_in_each_turn_is_followed():
    text = "def f(xs):\n    out = []\n    for y in xs:\n        have = []\n        for x in y:\n"
    text += "            if x not in have:\n                have.append(x)\n        out.append(have)\n    return out\n"
    cured = fix("a.py", text.encode(), "list-membership", 6)
    assert cured is not None
    names: dict = {}
    exec(cured, names)
    assert names["f"]([[1, 1, 2], [2, 2]]) == [[1, 2], [2]]


# A whole leg.


def repository(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def check(folder: Path, *words: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "gcity_tui.rehearsal.check", *words], cwd=folder, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def test_a_lane_has_the_fields_of_its_schema_and_the_same_order_each_time(tmp_path):
    folder = repository(
        tmp_path / "r",
        {
            "b.py": "import os\nimport re\n\nos.system(x)\nif a == None:\n    pass\n",
            "a/c.py": "x = eval(input())\n",
            "broken.py": "if (:\n",
            "ignored/d.py": "x = eval(y)\n",
            ".gitignore": "ignored\n",
        },
    )
    first = check(folder, "security")
    assert first == check(folder, "security")
    assert (first["schema_version"], first["lane_id"], first["rehearsal"]) == (
        "review-quorum.lane.v1",
        "security",
        True,
    )
    assert first["findings_count"] == len(first["findings"]) == 2
    assert (first["verdict"], first["failure_class"]) == ("pass_with_findings", "none")
    top = first["findings"][0]
    assert (top["severity"], top["file"], top["line"], top["anchor"]) == ("blocker", "a/c.py", 1, "x = eval(input())")
    assert set(top) >= {"severity", "category", "rule", "title", "body", "file", "start", "end", "evidence"}
    assert first["read_only_enforcement"]["passed"] is True
    assert [f["rule"] for f in check(folder, "style")["findings"]] == ["unused-import", "none-equal"]


def test_with_a_base_only_changed_files_are_looked_at(tmp_path):
    folder = repository(tmp_path / "r", {"a.py": "x = eval(y)\n", "b.py": "y = 1\n"})
    (folder / "b.py").write_text("y = eval(z)\n")
    git(folder, "commit", "-qam", "second")
    assert [f["file"] for f in check(folder, "security", "--base", "HEAD~1")["findings"]] == ["b.py"]


HOT = """import re
import sys


def seen(xs):
    got = []
    for x in xs:
        if x not in got:
            got.append(x)
    return got


def cold(xs):
    got = []
    for x in xs[:3]:
        if x not in got:
            got.append(x)
    return got


def fib(n):
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)


def text(xs):
    out = ""
    for x in xs:
        out += str(x)
    return out


def find(xs):
    for x in xs:
        re.compile("a+").match(str(x))


def order(xs, ys):
    for x in xs:
        if sorted(ys)[0] == x:
            break


def front(xs):
    queue = list(xs)
    while queue:
        queue.pop(0)


def many(xs):
    items = list(xs)
    for x in items:
        items.count(x)


def pairs(xs, ys):
    for x in xs:
        for y in ys:
            if x == y:
                break


if __name__ == "__main__":
    xs = list(range(600))
    seen(xs), cold(xs), fib(15), text(xs), find(xs), order(reversed(xs), xs), front(xs), many(xs), pairs(xs, xs[:5])
"""


def test_what_is_hot_is_reported_with_its_time_and_what_is_cold_is_not(tmp_path):
    folder = repository(tmp_path / "r", {"main.py": HOT})
    result = lane("performance", folder)
    functions = {f["rule"]: f["evidence"] for f in result["findings"]}
    assert set(functions) == set(BOOKS["performance"].rules)
    assert [f["line"] for f in result["findings"] if f["rule"] == "list-membership"] == [8]
    assert all("executed" in text and " ms in " in text for text in functions.values())
    again = lane("performance", folder)
    shape = [[(f["rule"], f["line"], f["title"]) for f in each["findings"]] for each in (result, again)]
    assert shape[0] == shape[1]


def test_named_runs_are_used_and_packages_are_run_as_modules(tmp_path):
    slow = "def f(xs):\n    t = ''\n    for x in xs:\n        t += str(x)\n    return t\n"
    files = {
        "pkg/__init__.py": "", "pkg/slow.py": slow,
        "pkg/__main__.py": "import sys\nfrom pkg.slow import f\nf(range(int(sys.argv[1])))\n",
        "pyproject.toml": '[tool.rehearsal]\nrun = ["-m pkg 600"]\n',
    }  # fmt: skip
    hot = lane("performance", repository(tmp_path / "hot", files))
    assert [f["file"] for f in hot["findings"]] == ["pkg/slow.py"]
    assert "ran: python -m pkg 600" in hot["evidence"]
    few = {**files, "pyproject.toml": '[tool.rehearsal]\nrun = ["-m pkg 60"]\n'}
    assert lane("performance", repository(tmp_path / "few", few))["findings"] == []


def test_programs_that_hang_crash_read_or_write_are_survived(tmp_path, monkeypatch):
    monkeypatch.setattr("gcity_tui.rehearsal.check.timing._LIMIT", 0.6)
    monkeypatch.setattr("gcity_tui.rehearsal.check.timing._GRACE", 0.9)
    loop = "    t = ''\n    for x in range(600):\n        t += str(x)\n"
    body = f'def f():\n{loop}    return t\n\n\nif __name__ == "__main__":\n    f()\n'
    ends = {
        "hang.py": "    while True:\n        pass\n",
        "deaf.py": "    import signal, time\n    signal.signal(14, signal.SIG_IGN)\n    time.sleep(60)\n",
        "dead.py": "    import os\n    os.abort()\n",
        "read.py": "    open('left.txt', 'w').write(input())\n",
        "write.py": "    from pathlib import Path\n    Path(__file__).with_name('hang.py').write_text('')\n",
    }
    folder = repository(tmp_path / "r", {name: body + end for name, end in ends.items()})
    before = {path.name: path.read_bytes() for path in folder.glob("*") if path.is_file()}
    result = lane("performance", folder)
    assert [f["file"] for f in result["findings"]] == sorted(ends)
    assert {path.name: path.read_bytes() for path in folder.glob("*") if path.is_file()} == before
    assert result["read_only_enforcement"]["passed"] is True


def test_a_program_sees_nothing_of_our_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("GC_SECRET_THING", "42")
    told = tmp_path / "told"
    program = (
        "def f():\n    t = ''\n    for x in range(9):\n        t += str(x)\n\n\n"
        f'if __name__ == "__main__":\n    import os\n    open({str(told)!r}, "w").write(repr(dict(os.environ)))\n'
    )
    lane("performance", repository(tmp_path / "r", {"main.py": program}))
    assert told.exists()
    assert "GC_SECRET_THING" not in told.read_text()
    assert os.environ["HOME"] not in told.read_text()
