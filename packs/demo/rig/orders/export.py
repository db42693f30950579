"""The listing as a file, packed for the archive."""

import os
import subprocess
import tempfile

from orders.report import listing


def archive(orders, path=None):
    """Write the listing and pack it; the name of the packed file."""
    path = path or tempfile.mktemp(suffix=".txt")
    with open(path, "w", encoding="utf-8") as file:
        file.write(listing(orders))
    subprocess.run(f"gzip -f {path}", shell=True)
    return path + ".gz"
