"""`gcity-tui bd …`: the door of the `bd` dialect when no controller answers. Imports nothing that is heavy."""

import sys
from posix import environ, getcwd

from gcity_tui.beads.door import run


def main(argv: "list[str]", ledger_path: str = "") -> int:
    """Run one `bd` command here and print what it says; returns its exit code. `ledger_path` "": find it from here."""
    env = {k.decode("utf-8", "replace"): v.decode("utf-8", "replace") for k, v in environ.items()}
    reads = any(a == "-" or a.endswith("=-") or a == "--stdin" for a in argv)
    stdin = sys.stdin.buffer.read() if reads else b""
    code, out, err = run(argv, env, stdin, getcwd(), ledger_path)
    sys.stdout.buffer.write(out)
    sys.stdout.buffer.flush()
    sys.stderr.buffer.write(err)
    sys.stderr.buffer.flush()
    return code
