"""Start a Celery worker of any app, as `afterturn worker` does: without Celery's whole command line.

`python -m harness.chaos.start_worker MODULE ARGUMENTS`: the app is MODULE.app, the rest is for Celery's `worker`. The
whole command line also imports Flower, a third of a worker's start.
"""

from __future__ import annotations

import importlib
import sys


def main() -> None:
    name, *arguments = sys.argv[1:]
    # Before any module of Celery's worker: it sets how SIGTERM ends a worker.
    app = importlib.import_module(name).app
    base, command = importlib.import_module("celery.bin.base"), importlib.import_module("celery.bin.worker")
    context = base.CLIContext(app=app, no_color=True, workdir=None, quiet=False)
    command.worker.main(args=arguments, prog_name="celery worker", obj=context)


if __name__ == "__main__":
    main()
