"""`gcity-tui bd …`: the door of the `bd` dialect when no controller answers. Imports nothing that is heavy."""

import sys
from posix import O_WRONLY, dup2, environ, getcwd, open

from gcity_tui.beads.door import run


def main(argv: "list[str]", ledger_path: str = "") -> int:
    """Run one `bd` command here and print what it says; returns its exit code. `ledger_path` "": find it from here."""
    env = {k.decode("utf-8", "replace"): v.decode("utf-8", "replace") for k, v in environ.items()}
    reads = any(a == "-" or a.endswith("=-") or a == "--stdin" for a in argv)
    stdin = sys.stdin.buffer.read() if reads else b""
    code, out, err = run(argv, env, stdin, getcwd(), ledger_path)
    try:
        sys.stdout.buffer.write(out)
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # the reader (head, less) has what it wanted
        dup2(open("/dev/null", O_WRONLY), 1)
    sys.stderr.buffer.write(err)
    sys.stderr.buffer.flush()
    return code
