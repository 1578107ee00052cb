"""Insert sessions without open work into the tables."""

from __future__ import annotations

import psycopg


def fill(postgres_url: str, sessions: int) -> None:
    """Insert this number of users, each with one session of one turn: archived, applied and summarized a day ago."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for statement in _IDLE:
            connection.execute(statement, {"sessions": sessions})
        connection.execute("VACUUM ANALYZE")


_IDLE = (
    """
    INSERT INTO users (tenant_id, user_id, version, next_user_seq)
    SELECT 'default', 'user-' || n, 1, 2 FROM generate_series(1, %(sessions)s) AS n
    """,
    """
    INSERT INTO sessions (tenant_id, user_id, session_id, next_position, cut_through, applied_through,
                          summarized_through, last_archived_at)
    SELECT 'default', 'user-' || n, 'session', 2, 1, 1, 1, now() - interval '1 day'
    FROM generate_series(1, %(sessions)s) AS n
    """,
    """
    INSERT INTO turns (tenant_id, user_id, session_id, position, turn_id, role, content, tokens, occurred_at,
                       written_at, archived_at, stems)
    SELECT 'default', 'user-' || n, 'session', 1, 'turn-' || n, 'user', 'I live at number ' || n, 6, moment, moment,
           moment, stem_codes('I live at number ' || n)
    FROM generate_series(1, %(sessions)s) AS n, LATERAL (SELECT now() - interval '1 day' AS moment) AS times
    """,
    """
    INSERT INTO batches (tenant_id, user_id, batch_id, session_id, user_seq, first_position, last_position, tokens,
                         cut_by, state, hinted_at, created_at, extracted_at, embedded_at, applied_at)
    SELECT 'default', 'user-' || n, gen_random_uuid(), 'session', 1, 1, 1, 6, 'idle', 'applied', moment, moment, moment,
           moment, moment
    FROM generate_series(1, %(sessions)s) AS n, LATERAL (SELECT now() - interval '1 day' AS moment) AS times
    """,
    """
    INSERT INTO summaries (tenant_id, user_id, session_id, text, through_user_seq)
    SELECT 'default', 'user-' || n, 'session', 'They said where they live.', 1
    FROM generate_series(1, %(sessions)s) AS n
    """,
)
