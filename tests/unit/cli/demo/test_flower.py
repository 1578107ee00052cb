"""What Flower's metrics say of the run."""

from api_shim.cli.demo import flower
from api_shim.cli.demo.flower import TaskCounts

METRICS = """\
# HELP flower_events_total Number of events
# TYPE flower_events_total counter
flower_events_total{task="afterturn.archive",type="task-received",worker="fast@host"} 3.0
flower_events_total{task="afterturn.archive",type="task-succeeded",worker="fast@host"} 3.0
flower_events_total{task="afterturn.extract",type="task-succeeded",worker="slow@host"} 2.0
flower_events_total{task="afterturn.extract",type="task-failed",worker="slow@host"} 1.0
flower_events_total{task="afterturn.sweep",type="task-succeeded",worker="fast@host"} 40.0
flower_events_created{task="afterturn.extract",type="task-failed",worker="slow@host"} 1.7e+09
"""


def test_tasks_are_counted_by_how_they_ended_without_the_sweeps():
    assert flower.count_tasks(METRICS) == TaskCounts(succeeded=5, failed=1)


def test_a_flower_that_does_not_answer_has_seen_nothing():
    assert flower.read_task_counts("http://127.0.0.1:1") is None
