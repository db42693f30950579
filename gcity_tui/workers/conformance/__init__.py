"""What a worker of a provider has to do, measured: Gas City's requirements, a report of its shape. Offline."""

from gcity_tui.workers.conformance.report import Result, report
from gcity_tui.workers.conformance.running import run

__all__ = ["Result", "report", "run"]
