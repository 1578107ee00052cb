"""Find owed work and enqueue it; find pending turns that are missing in the due index.

Beat's own process sweeps every second, and sends `reconcile` every minute. It sends no message `sweep`: that one is for
the beat of an older release, and for whoever wants a sweep now.
"""

from __future__ import annotations

from afterturn.pipeline import runtime
from afterturn.pipeline.stages import sweep

from .stage import stage


@stage("sweep")
def run() -> None:
    """Sweep once, unless another sweep has just begun."""
    sweep.sweep(runtime.current())


@stage("reconcile")
def run_reconcile() -> None:
    """Search Redis for pending turns that are missing in the due index, unless somebody else began to a moment ago."""
    sweep.reconcile_if_due(runtime.current())
