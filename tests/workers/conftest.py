"""The ground that workers' tests stand on."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from workers_ground import ground  # noqa: F401
