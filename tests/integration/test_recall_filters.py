"""Every filter returns min(limit, matching) memories, for every user, on the first and the thousandth query."""

import pytest

from afterturn import MemoryClient
from afterturn.client import connections
from harness import copying
from harness.synthetic import TOPICS, Vocabulary, make_memory

USERS = 1_000
FACTS = 20
#: Per user. A turn of the user states two facts, and the assistant answers.
TURNS = 20


@pytest.fixture
def load_users(settings, database):
    """A function that stores a number of users with a number of facts each, and returns what they said."""
    [(space_id, dimension)] = database.execute(
        "SELECT space_id, dimension FROM embedding_spaces WHERE state = 'serving'"
    ).fetchall()

    def load(users, facts):
        vocabulary = Vocabulary(dimension)
        said = [make_memory(number, facts, vocabulary) for number in range(users)]
        with copying.loading(settings.postgres_url.get_secret_value()) as connection:
            for first in range(0, users, 250):
                copying.put(connection, said[first : first + 250], space_id, vocabulary)
        database.execute("ANALYZE")
        return said

    return load


@pytest.fixture
def words():
    """The words of the synthetic vocabulary, which do not depend on its vectors."""
    return Vocabulary(2).words


def filters_with_counts(said):
    """Return filters, each with the number of facts that pass."""
    middle = said.said_at(TURNS // 2)
    return [
        ({}, FACTS),
        ({"topics": [TOPICS[0]]}, 3),
        ({"topics": [TOPICS[0], TOPICS[1]]}, 6),
        ({"topics": ["no such topic"]}, 0),
        ({"session_id": said.session_of(0)}, FACTS),
        ({"session_id": "nowhere"}, 0),
        ({"agent_id": copying.AGENTS[0]}, FACTS),
        ({"agent_id": copying.AGENTS[1]}, 0),
        ({"since": middle}, FACTS // 2),
        ({"until": middle}, FACTS // 2),
        ({"since": said.said_at(2), "until": said.said_at(4)}, 2),
        ({"since": middle, "time": "recorded"}, FACTS // 2),
        ({"as_of": said.said_at(0)}, 2),
        ({"as_of": said.said_at(0), "time": "recorded"}, 2),
        ({"topics": [TOPICS[0]], "since": middle, "agent_id": copying.AGENTS[0]}, 1),
        ({"metadata": {"place": "kitchen"}}, 0),
    ]


@pytest.mark.parametrize("queries", [250, pytest.param(1_000, marks=pytest.mark.chaos)])
def test_many_filtered_queries_for_many_users_use_one_connection(settings, load_users, words, queries):
    said = load_users(USERS, FACTS)
    for number in range(queries):
        user = said[number * 7 % USERS]
        passing = filters_with_counts(user)
        given, count = passing[number % len(passing)]
        limit = 1 + number % 25
        query = " ".join(words[place] for place in user.facts[number % FACTS, :3]) if number % 3 else None
        found = MemoryClient(user.user_id, settings=settings).recall(query, limit, kinds=["fact"], **given)
        assert len(found) == min(limit, count), (number, given, query)
        assert len({memory.memory_id for memory in found}) == len(found)
    assert connections.get_connections(settings).postgres.get_stats()["connections_num"] == 1


@pytest.mark.parametrize(
    ("given", "count"),
    [
        ({"query": "{words}"}, None),
        ({"query": "{words}", "kinds": ["fact", "turn"], "agent_id": copying.AGENTS[1]}, None),
        ({"query": "{words}", "kinds": ["turn"]}, 120),
        ({"query": "{words}", "topics": [TOPICS[2]]}, 15),
        ({"query": None}, 120),
        ({"query": None, "kinds": ["fact"]}, 120),
        ({"query": None, "order": "importance"}, 120),
    ],
)
def test_the_pages_together_equal_one_large_page(settings, load_users, words, given, count):
    [user] = load_users(1, 120)
    memory = MemoryClient(user.user_id, settings=settings)
    if given["query"] is not None:
        given = given | {"query": " ".join(words[place] for place in user.facts[7, :4])}
    whole = memory.recall(limit=1_000, **given)
    assert len({(found.kind, found.memory_id, found.session_id) for found in whole}) == len(whole) > 0
    assert count is None or len(whole) == count
    for size in (7, 50, 1_000):
        pages, cursor = [], None
        while page := memory.recall(limit=size, cursor=cursor, **given):
            assert len(page) == min(size, len(whole) - len(pages))
            pages += page
            cursor = page[-1].cursor
        assert pages == whole
