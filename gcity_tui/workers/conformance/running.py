"""A conformance run over providers: transcripts and launch for each, a living worker for those with a look."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from gcity_tui.model.declared import Provider
from gcity_tui.model.errors import CityError
from gcity_tui.workers.conformance.lived import Lived, Stage
from gcity_tui.workers.conformance.report import Result
from gcity_tui.workers.conformance.said import Said
from gcity_tui.workers.conformance.started import Started
from gcity_tui.workers.conformance.tasks import Tasks

LIVED = ("WC-BRINGUP-001", "WC-TRANSPORT-001", "WC-INT-001", "WI-INT-001", "WI-CONT-001")


def run(
    providers: Mapping[str, Provider],
    names: Iterable[str],
    environ: Mapping[str, str],
    told: Callable[[Result], None] = lambda result: None,
) -> tuple[Result, ...]:
    """Every requirement for each of `names`, in folders that are taken away again. `told` hears of each at once."""
    found: list[Result] = []

    def note(results: Iterable[Result]) -> None:
        for result in results:
            found.append(result)
            told(result)

    with tempfile.TemporaryDirectory(prefix="gcity-conf-") as base:
        for name in names:
            provider, folder = providers[name], Path(base) / name
            note(Started(provider, folder / "start").results())
            note(Said(provider, folder / "said").results())
            note(_lived(name, providers.get(f"rehearsal-{name}"), folder / "city", environ))
    return tuple(found)


def _lived(name: str, look: Provider | None, folder: Path, environ: Mapping[str, str]) -> Iterable[Result]:
    if look is None:
        for requirement in LIVED:
            yield Result(requirement, name, "unsupported", "no scripted agent has its look; `make test-agents` runs it")
        return
    try:
        stage = Stage(folder, environ)
    except CityError as e:
        yield Result("WC-BRINGUP-001", name, "environment_error", str(e))
        return
    try:
        yield from Lived(name, look, stage).results()
        yield from Tasks(name, look, stage).results()
    finally:
        stage.close()
