"""The vectors of a batch are stored some at a time: each of them once, whatever their number is."""

import random

import pytest

from afterturn.database import pool
from afterturn.embedding import items, spaces
from afterturn.embedding.items import Item
from afterturn.scopes import UserScope

ANA = UserScope("default", "ana")


@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 50])
def test_every_vector_is_stored_once(settings, database, count):
    database.execute("INSERT INTO users (tenant_id, user_id) VALUES ('default', 'ana')")
    numbers = random.Random(count)
    embedded = [
        (
            Item(kind=numbers.choice(["fact", "turn"]), name=str(number), text=""),
            [numbers.uniform(-1, 1) for _ in range(512)],
        )
        for number in range(count)
    ]
    with pool.worker_connection(settings) as connection:
        [space] = spaces.read_active_spaces(connection)
        for _ in range(2):
            items.store_vectors(connection, ANA, space, embedded)
        items.store_vectors(connection, ANA, space, [*embedded, *embedded])
    rows = database.execute("SELECT kind, item, embedding::text FROM vectors WHERE user_id = 'ana'").fetchall()
    sent = {(item.kind, item.name): items.halfvec(vector).to_list() for item, vector in embedded}
    stored = {(kind, name): [float(number) for number in text[1:-1].split(",")] for kind, name, text in rows}
    assert len(rows) == count
    assert stored.keys() == sent.keys()
    for key, vector in sent.items():
        assert stored[key] == pytest.approx(vector, rel=1e-3)
