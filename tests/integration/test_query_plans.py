"""What runs every second, and what status asks, is answered from what is open, however much is done."""

from harness import idle_sessions, query_plans


def test_no_query_reads_a_growing_table_as_a_whole(settings, pipeline):
    idle_sessions.fill(settings.postgres_url.get_secret_value(), 5_000)
    assert query_plans.sequential_scans(pipeline.runtime) == []
