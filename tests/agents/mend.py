"""Mend what is open, as an author without a model can: `mend.py --bead ID` applies a codemod per open finding."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bead", required=True)
    bead = parser.parse_args().bead
    asked = ["gc", "review", "open", "--bead", bead, "--json"]
    said = subprocess.run(asked, capture_output=True, text=True, check=True)
    findings = json.loads(said.stdout)["findings"]
    # From the last line up, so that one fix does not move the lines of the next.
    for f in sorted(findings, key=lambda f: (f["file"], -(f["line"] or 0), f["rule"])):
        if not f["rule"] or not f["file"]:
            continue
        words = [f["rule"], f["file"], f"--line={f['line'] or 0}", f"--anchor={f['anchor']}"]
        done = subprocess.run([sys.executable, "-P", "-m", "gcity_tui.rehearsal.fix", *words], check=False)
        print(("mended " if done.returncode == 0 else "left ") + f"{f['rule']} {f['file']}:{f['line']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
