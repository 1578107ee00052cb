"""min(k, owned) rows, for every filter, for every user, on the first and the thousandth query of one connection."""

import pytest

from afterturn import MemoryClient
from afterturn.client import connections
from harness import copying
from harness.synthetic import TOPICS, Vocabulary, said_by

USERS = 1_000
FACTS = 20
#: Turns of each: a user's turn says two facts, the assistant answers.
TURNS = 20


@pytest.fixture
def put(settings, database):
    """Fill the tables with so many users who have so many facts each, and return what they said."""
    [(space_id, dimension)] = database.execute(
        "SELECT space_id, dimension FROM embedding_spaces WHERE state = 'serving'"
    ).fetchall()

    def filled(users, facts):
        vocabulary = Vocabulary(dimension)
        said = [said_by(number, facts, vocabulary) for number in range(users)]
        with copying.loading(settings.postgres_url.get_secret_value()) as connection:
            for first in range(0, users, 250):
                copying.put(connection, said[first : first + 250], space_id, vocabulary)
        database.execute("ANALYZE")
        return said

    return filled


@pytest.fixture
def words():
    """The words of the made-up vocabulary; they do not depend on its vectors."""
    return Vocabulary(2).words


def owned(said):
    """Return filters with the number of facts that pass."""
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


def test_a_thousand_users_and_a_thousand_filtered_queries_on_one_connection(settings, put, words):
    said = put(USERS, FACTS)
    for number in range(1_000):
        one = said[number * 7 % USERS]
        passing = owned(one)
        given, count = passing[number % len(passing)]
        limit = 1 + number % 25
        query = " ".join(words[place] for place in one.facts[number % FACTS, :3]) if number % 3 else None
        found = MemoryClient(one.user_id, settings=settings).recall(query, limit, kinds=["fact"], **given)
        assert len(found) == min(limit, count), (number, given, query)
        assert len({memory.memory_id for memory in found}) == len(found)
    assert connections.of_process(settings).postgres.get_stats()["connections_num"] == 1


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
def test_the_pages_together_are_the_one_large_page(settings, put, words, given, count):
    [one] = put(1, 120)
    memory = MemoryClient(one.user_id, settings=settings)
    if given["query"] is not None:
        given = given | {"query": " ".join(words[place] for place in one.facts[7, :4])}
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
