"""Memories that are indexed: recall says what it would say of them without an index, and nothing that is not so."""

import random
from datetime import timedelta

import psycopg
import pytest

from afterturn import faults
from afterturn.forgetting import erasures
from afterturn.pipeline.runtime import Runtime
from afterturn.pipeline.stages import index
from afterturn.recall.vector_index import building, lookup
from afterturn.scopes import UserScope
from api_shim import MemoryClient, connections
from harness import copying, fact_filters, synthetic
from harness.brute_force import BruteForce, Stemmer
from harness.known_vectors import KnownVectors

FACTS = 600
#: Of the hashing embedder, which turns that are written later are embedded by.
DIMENSION = 512
TABLES = ("memory_indexes", "index_postings", "index_cells")


@pytest.fixture(scope="module")
def vocabulary():
    return synthetic.Vocabulary(DIMENSION)


@pytest.fixture(scope="module")
def said(vocabulary):
    return synthetic.said_by(0, FACTS, vocabulary)


@pytest.fixture
def space_id(database):
    space, dimension = database.execute(
        "SELECT space_id, dimension FROM embedding_spaces WHERE state = 'serving'"
    ).fetchone()
    assert dimension == DIMENSION
    return space


@pytest.fixture
def scope(settings, database, said, vocabulary, space_id, monkeypatch):
    """The user whose memory was loaded, and is not indexed yet; from 1,000 documents on, it is large."""
    monkeypatch.setattr(index, "LARGE", 1_000)
    with copying.loading(settings.postgres_url.get_secret_value()) as connection:
        copying.put(connection, [said], space_id, vocabulary)
    database.execute("UPDATE users SET next_user_seq = 1000")
    # As autovacuum would have done by the time a memory is large.
    database.execute("ANALYZE")
    return UserScope(copying.TENANT, said.user_id)


@pytest.fixture
def indexed(scope, pipeline):
    assert pipeline.sweep()["index"] == 1
    pipeline.settle()
    return scope


@pytest.fixture
def asked(settings, said, vocabulary, space_id):
    """Questions, whose vectors the client's embedder knows."""
    questions = list(synthetic.questions(said, 40, vocabulary))
    embedder = connections.of_process(settings).question_embedder = KnownVectors(settings, space_id)
    embedder.known = {one.text: one.vector for one in questions}
    return questions


@pytest.fixture
def memory(settings, said):
    return MemoryClient(said.user_id, "asking", settings=settings)


@pytest.fixture
def whole_reads(monkeypatch):
    """Counts the recalls for which the index was not enough."""
    counted = []
    ranked = lookup.ranked

    def counting(*arguments):
        found = yield from ranked(*arguments)
        if found is None:
            counted.append(arguments[0])
        return found

    monkeypatch.setattr(lookup, "ranked", counting)
    return counted


def rows(database: psycopg.Connection) -> list[int]:
    return [database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES]


def names(found):
    return [(one.kind, one.session_id, one.memory_id) for one in found]


def test_a_small_memory_is_looked_at_once_and_not_indexed(settings, database, said, vocabulary, space_id, pipeline):
    with copying.loading(settings.postgres_url.get_secret_value()) as connection:
        copying.put(connection, [said], space_id, vocabulary)
    database.execute("UPDATE users SET next_user_seq = 1000")
    assert pipeline.sweep()["index"] == 1
    pipeline.settle()
    assert rows(database) == [0, 0, 0]
    assert pipeline.sweep()["index"] == 0


def test_an_indexed_memory_answers_as_an_exact_one(indexed, said, vocabulary, database, asked, memory, whole_reads):
    exact = BruteForce(said, Stemmer(database, vocabulary))
    shared = 0
    for question in asked:
        found = memory.recall(question.text, 10)
        best = exact.best(question, 10)
        named = {
            one.memory_id if one.kind == "fact" else f"{one.session_id}/{one.evidence[0].position}" for one in found
        }
        shared += len(named & {getattr(key, "item", str(key)) for key, _ in best})
    assert shared >= 0.98 * 10 * len(asked)
    assert whole_reads == []


def test_an_indexed_memory_answers_without_vectors_too(indexed, asked, memory, database, monkeypatch, whole_reads):
    monkeypatch.setattr(KnownVectors, "embed", lambda *_: None)
    found = [set(names(memory.recall(question.text, 10))) for question in asked[:5]]
    assert whole_reads == []
    database.execute("DELETE FROM memory_indexes")
    for question, shown in zip(asked, found, strict=False):
        assert len(shown & set(names(memory.recall(question.text, 10)))) >= 9


def test_filters_give_as_many_as_there_are_on_the_thousandth_query_of_one_connection(
    indexed, said, asked, memory, settings
):
    drawn = random.Random(3)
    postgres = connections.of_process(settings).postgres
    for number in range(1_000 // 5):
        chosen = fact_filters.around(said, drawn.randrange(len(said.facts)), drawn.choice(fact_filters.KINDS))
        owned = sum(map(chosen.passes, range(len(said.facts))))
        limit = drawn.choice((1, 10, 40))
        for question in asked[:5]:
            found = memory.recall(question.text, limit, kinds=["fact"], **chosen.arguments)
            assert len(found) == min(limit, owned), (number, chosen.arguments)
    assert postgres.get_stats()["connections_num"] == 1


def test_what_few_memories_pass_is_looked_for_in_all_of_them(indexed, said, database, asked, memory, whole_reads):
    database.execute("UPDATE facts SET topics = '{rare}' WHERE fact_id = ANY(%s)", (said.fact_ids[5:8],))
    assert {one.memory_id for one in memory.recall(asked[0].text, 10, topics=["rare"])} == {
        str(fact_id) for fact_id in said.fact_ids[5:8]
    }
    assert len(whole_reads) == 1


@pytest.mark.parametrize(
    "filters",
    [{"kinds": ["episode"]}, {"include_superseded": True}, {"as_of": synthetic.BEGINNING + timedelta(days=1)}],
)
def test_what_the_index_does_not_know_is_read(indexed, asked, memory, whole_reads, filters):
    memory.recall(asked[0].text, 10, **filters)
    assert len(whole_reads) == 1


def test_pages_of_an_indexed_memory_follow_one_another(indexed, asked, memory):
    first = memory.recall(asked[0].text, 10)
    second = memory.recall(asked[0].text, 10, cursor=first[-1].cursor)
    assert not set(names(first)) & set(names(second))
    both = memory.recall(asked[0].text, 20)
    assert names(first + second) == names(both)


def test_turns_that_came_since_are_found(indexed, settings, pipeline, said, whole_reads):
    memory = MemoryClient(said.user_id, "session-000001", settings=settings)
    memory.write("user", "My zebra is called Quagga.")
    assert any("Quagga" in one.text for one in memory.recall("zebra Quagga", 5))
    pipeline.settle()
    assert any("Quagga" in one.text for one in memory.recall("zebra Quagga", 5))
    assert whole_reads == []


def test_superseded_facts_are_found_no_more(indexed, said, database, asked, memory):
    best = memory.recall(asked[0].text, 1, kinds=["fact"])[0]
    database.execute("UPDATE facts SET status = 'superseded' WHERE fact_id = %s", (best.memory_id,))
    assert best.memory_id not in {one.memory_id for one in memory.recall(asked[0].text, 20, kinds=["fact"])}


def test_a_turn_that_is_taken_back_is_in_no_index(indexed, settings, database, pipeline, said):
    memory = MemoryClient(said.user_id, "session-000001", settings=settings)
    taken = memory.write("user", "My zebra is called Quagga.")
    pipeline.settle()
    database.execute("UPDATE users SET indexed_user_seq = 0, index_hinted_at = NULL")
    pipeline.settle()
    held = rows(database)
    assert held[0] == 1
    memory.pop()
    assert taken is not None
    pipeline.sweep()
    while pipeline.hints.waiting and pipeline.hints.waiting[0][0] != "index":
        pipeline.step()
    assert rows(database) == [0, 0, 0]
    assert not any("Quagga" in one.text for one in memory.recall("zebra Quagga", 5))
    database.execute("UPDATE users SET index_hinted_at = NULL")
    pipeline.settle()
    assert rows(database)[0] == 1


def test_nothing_of_a_forgotten_user_stays(indexed, pipeline, database):
    assert min(rows(database)) > 0
    assert erasures.forget(pipeline.runtime, indexed).removed.keys() >= set(TABLES)
    assert rows(database) == [0, 0, 0]


def test_an_index_whose_lease_was_taken_over_does_not_count(scope, pipeline, database, monkeypatch):
    begun = []
    release = building.leases.release

    def taken_over(connection, lease):
        begun.append(lease)
        with pipeline.runtime.postgres.connection() as other:
            # As a removal does, which the lock on the user keeps waiting in earnest.
            other.execute("DELETE FROM leases WHERE kind = 'index'")
        release(connection, lease)

    monkeypatch.setattr(building.leases, "release", taken_over)
    assert index.index(pipeline.runtime, scope) is False
    assert begun
    assert rows(database)[0] == 0


class Died(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("point", faults.POINTS["index"])
def test_an_index_that_died_at_any_point_is_made_by_the_next(
    scope, settings, pipeline, database, monkeypatch, asked, memory, point
):
    def reach(name):
        if name == f"index.{point}":
            raise Died

    monkeypatch.setattr(faults, "point", reach)
    with pytest.raises(Died):
        index.index(pipeline.runtime, scope)
    # Whatever it left behind, nobody reads an index that is not whole.
    assert len(memory.recall(asked[0].text, 10)) == 10
    monkeypatch.undo()
    monkeypatch.setattr(index, "LARGE", 1_000)
    database.execute("DELETE FROM leases")
    database.execute("UPDATE users SET index_hinted_at = NULL")
    pipeline.settle()
    builds = [database.execute(f"SELECT DISTINCT build FROM {table}").fetchall() for table in TABLES]
    assert len(builds[0]) == 1
    assert builds[0] == builds[1] == builds[2]


def test_a_second_index_takes_the_place_of_the_first(indexed, settings, database, asked, memory):
    before = rows(database)
    found = names(memory.recall(asked[0].text, 10))
    database.execute("UPDATE users SET indexed_user_seq = 0")
    runtime = Runtime(settings)
    assert index.index(runtime, indexed)
    runtime.close()
    assert rows(database) == before
    assert names(memory.recall(asked[0].text, 10)) == found
