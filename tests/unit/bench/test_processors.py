"""What the processors were busy with."""

import subprocess
import sys
import time

import pytest

from bench import processors
from bench.processors import Moment


def test_figures_between_two_moments():
    figures = Moment(ours=13.0, everybody=130.0).figures(Moment(ours=10.0, everybody=126.0), turns=1_000)
    assert figures == {"cpu_ms_per_turn": pytest.approx(3.0), "share_of_others": pytest.approx(0.25)}


def test_what_children_use_is_ours():
    before = processors.now()
    if before is None:
        pytest.skip("this system has no /proc")
    subprocess.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.5: pass"], check=True)
    own = time.process_time()
    while time.process_time() - own < 0.2:
        pass
    after = processors.now()
    assert 0.6 <= after.ours - before.ours < 5
    assert after.everybody - before.everybody >= 0.6
