"""What tests of the factory share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from core_world import Town


@pytest.fixture
def town(tmp_path: Path, repository: Path) -> Iterator[Town]:
    """A city of scripted agents over a repository; tests that need another declare their own."""
    made = Town(tmp_path, repository)
    yield made
    made.end()
