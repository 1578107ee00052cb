"""Every second: find owed work and enqueue it. Every minute: find pending turns that are missing in the due index."""

from __future__ import annotations

from afterturn.pipeline import runtime
from afterturn.pipeline.stages import sweep

from .stage import stage


@stage("sweep")
def run() -> None:
    """Sweep once."""
    sweep.sweep(runtime.current())


@stage("reconcile")
def run_reconcile() -> None:
    """Search Redis once for pending turns that are missing in the due index."""
    sweep.reconcile(runtime.current())
