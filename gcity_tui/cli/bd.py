"""`gcity-tui bd …`: the door of the `bd` dialect when no controller answers. Imports nothing that is heavy."""

import sys
from posix import O_WRONLY, dup2, environ, getcwd, open

from gcity_tui.beads.door import BEYOND, run


def main(argv: "list[str]", ledger_path: str = "") -> int:
    """Run one `bd` command here and print what it says; returns its exit code. `ledger_path` "": find it from here."""
    env = {k.decode("utf-8", "replace"): v.decode("utf-8", "replace") for k, v in environ.items()}
    reads = any(a == "-" or a.endswith("=-") or a == "--stdin" for a in argv)
    stdin = sys.stdin.buffer.read() if reads else b""
    code, out, err = run(argv, env, stdin, getcwd(), ledger_path) if _plain(argv) else _formulas(argv, env, stdin)
    try:
        sys.stdout.buffer.write(out)
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # the reader (head, less) has what it wanted
        dup2(open("/dev/null", O_WRONLY), 1)
    sys.stderr.buffer.write(err)
    sys.stderr.buffer.flush()
    return code


def _plain(argv: "list[str]") -> bool:
    """Whether it is a word of the ledger's own; those that need the city's formulas are few, and may be slow."""
    return not any(word in BEYOND for word in argv[:4])


def _formulas(argv: "list[str]", env: "dict[str, str]", stdin: bytes) -> "tuple[int, bytes, bytes]":
    from pathlib import Path

    from gcity_tui.beads.door import LEDGER, locate
    from gcity_tui.beads.ledger import Ledger
    from gcity_tui.config import load_city
    from gcity_tui.factory.bd_door import answer

    place = locate(env, getcwd())
    if not place.endswith(f"/{LEDGER}"):
        return run(argv, env, stdin, getcwd(), "")
    ledger = Ledger.open(place)
    try:
        return answer(ledger, lambda: load_city(Path(place.removesuffix(f"/{LEDGER}"))), argv, env, stdin, getcwd())
    finally:
        ledger.shut()
