"""The figures of bench.fairness."""

from bench import fairness


def test_the_delay_is_that_of_the_slowest_part_over_alone():
    figures = {"quiet_alone_s": 2.0, "quiet_beside_noisy_s": 2.5, "quiet_beside_import_s": 4.0, "unknown": 9.0}
    assert fairness._with_delay(figures) == {
        "quiet_alone_s": 2.0,
        "quiet_beside_noisy_s": 2.5,
        "quiet_beside_import_s": 4.0,
        "quiet_delay_s": 2.0,
    }


def test_without_a_part_there_is_no_delay():
    assert fairness._with_delay({"quiet_beside_noisy_s": 2.5}) == {"quiet_beside_noisy_s": 2.5}
    assert fairness._with_delay({"quiet_alone_s": 2.5}) == {"quiet_alone_s": 2.5}
