"""A tour of afterturn: chapters in the order of their numbers, from writing a turn to forgetting a user.

    01 - 04   a turn is written, archived, and becomes part of a batch
    05 - 06   batches become facts, and what changes is superseded
    07 - 13   what is read: recall, facts of a moment, summaries, the profile, the context of a model's call
    14 - 16   a person adds and corrects facts
    17 - 20   a turn is taken back, and what rested on it
    21 - 24   imports, costs, budgets, batches that cannot be processed
    25        a user is forgotten
    26 - 28   messages of chat APIs, ids of turns, a session without a user
    29        threads: how a matter developed

Each test shows one behaviour, on a real Redis and a real Postgres, with all stages in this process.
"""
