"""What the processors were busy with."""

import subprocess
import sys
import time

import pytest

from bench import processors
from bench.processors import Moment


def test_figures_between_two_moments():
    before = Moment(ours={"slow": 8.0, "bench": 2.0}, everybody=126.0)
    after = Moment(ours={"slow": 10.0, "bench": 2.5, "redis": 0.5}, everybody=130.0)
    assert after.figures(before, turns=1_000) == {
        "cpu_ms_per_turn": pytest.approx(3.0),
        "cpu_ms_per_turn_slow": pytest.approx(2.0),
        "cpu_ms_per_turn_bench": pytest.approx(0.5),
        "cpu_ms_per_turn_redis": pytest.approx(0.5),
        "share_of_others": pytest.approx(0.25),
    }


def test_what_children_use_is_ours():
    before = processors.now()
    if before is None:
        pytest.skip("this system has no /proc")
    subprocess.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.5: pass"], check=True)
    own = time.process_time()
    while time.process_time() - own < 0.2:
        pass
    after = processors.now()
    assert 0.6 <= sum(after.ours.values()) - sum(before.ours.values()) < 5
    assert after.everybody - before.everybody >= 0.6


def test_a_child_is_counted_under_its_kind():
    if processors.now() is None:
        pytest.skip("this system has no /proc")
    spin = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ntime.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", spin, "redis-server"], stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        used = processors.now().ours
        child.kill()
    assert used["redis"] >= 0.2
