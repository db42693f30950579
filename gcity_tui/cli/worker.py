"""worker conformance: what each provider's worker can do, measured here and now; exit 1 when a requirement is unmet."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from gcity_tui.cli import output
from gcity_tui.config import load_city
from gcity_tui.config.discover import discover
from gcity_tui.model.declared import Provider
from gcity_tui.model.errors import CityError, NotFound


def worker_arguments(p: argparse.ArgumentParser) -> None:
    p.usage = "gcity-tui worker conformance [--provider NAME]… [--json]"
    p.add_argument("action", choices=("conformance",))
    p.add_argument("--provider", action="append", default=[], help="only this one (again for more)")


def worker(args: argparse.Namespace) -> int:
    from gcity_tui.workers.conformance import Result, report, run

    providers = _providers(getattr(args, "city", None))
    names = args.provider or [n for n, p in sorted(providers.items()) if not p.rehearsal]
    for name in names:
        if name not in providers:
            raise NotFound(f"no provider {name!r}", cure=f"there are: {', '.join(sorted(providers))}")
    began = time.time()

    def told(r: Result) -> None:
        if not args.json:
            output.say(f"{r.status:<12} {r.profile:<12} {r.requirement:<18} {r.detail}")

    made = report(run(providers, names, os.environ, told), began, time.time())
    if args.json:
        output.emit_json(made)
    else:
        s = made["summary"]
        output.say(f"{s['status']}: {s['passed']} passed, {s['failed']} failed, {s['unsupported']} unsupported")
    return 1 if made["summary"]["status"] == "fail" else 0


def _providers(given: str | None) -> dict[str, Provider]:
    """Those of the city at hand, else those that are shipped."""
    try:
        found = discover(given, os.environ, Path.cwd())
        return dict(load_city(found).providers)
    except CityError:
        if given:
            raise
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "city.toml").write_text('[workspace]\nname = "none"\n')
        return dict(load_city(Path(folder)).providers)
