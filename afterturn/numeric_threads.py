"""One thread for numpy's matrix products in our processes: the pools already have as many workers as pay."""

from __future__ import annotations

import os

#: The variables of the libraries that numpy may compute with. They are read when numpy is imported.
VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")


def limit() -> None:
    """Let matrix products use one thread, unless the environment says otherwise. Call it before numpy is imported.

    Their threads wait for each other in a loop that uses a whole processor. Consolidating a large memory took three
    times the processor time with two of them.
    """
    for name in VARIABLES:
        os.environ.setdefault(name, "1")
