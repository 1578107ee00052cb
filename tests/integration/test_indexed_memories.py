"""Indexed memories: recall returns what it would return without an index, and nothing that is no longer stored."""

import random
from datetime import timedelta

import psycopg
import pytest

from afterturn import MemoryClient, faults
from afterturn.client import connections
from afterturn.forgetting import erasures
from afterturn.pipeline.runtime import Runtime
from afterturn.pipeline.stages import index
from afterturn.recall.vector_index import building, lookup
from afterturn.scopes import UserScope
from harness import copying, fact_filters, synthetic
from harness.brute_force import BruteForce, Stemmer
from harness.known_vectors import KnownVectors

FACTS = 600
#: The dimension of the hashing embedder, which embeds the turns that the tests write.
DIMENSION = 512
TABLES = ("memory_indexes", "index_postings", "index_cells")


@pytest.fixture(scope="module")
def vocabulary():
    return synthetic.Vocabulary(DIMENSION)


@pytest.fixture(scope="module")
def said(vocabulary):
    return synthetic.make_memory(0, FACTS, vocabulary)


@pytest.fixture
def space_id(database):
    space, dimension = database.execute(
        "SELECT space_id, dimension FROM embedding_spaces WHERE state = 'serving'"
    ).fetchone()
    assert dimension == DIMENSION
    return space


@pytest.fixture
def scope(settings, database, said, vocabulary, space_id, monkeypatch):
    """A user with a loaded memory that has no index yet. Memories are indexed from 1,000 documents on."""
    monkeypatch.setattr(index, "MIN_DOCUMENTS", 1_000)
    with copying.loading(settings.postgres_url.get_secret_value()) as connection:
        copying.put(connection, [said], space_id, vocabulary)
    database.execute("UPDATE users SET next_user_seq = 1000")
    # Autovacuum has usually analyzed the tables by the time a memory is large.
    database.execute("ANALYZE")
    return UserScope(copying.TENANT, said.user_id)


@pytest.fixture
def indexed(scope, pipeline):
    assert pipeline.sweep()["index"] == 1
    pipeline.settle()
    return scope


@pytest.fixture
def questions(settings, said, vocabulary, space_id):
    """Questions with known vectors in the embedder of the client."""
    questions = list(synthetic.questions(said, 40, vocabulary))
    embedder = connections.get_connections(settings).question_embedder = KnownVectors(settings, space_id)
    embedder.known = {question.text: question.vector for question in questions}
    return questions


@pytest.fixture
def memory(settings, said):
    return MemoryClient(said.user_id, "asking", settings=settings)


@pytest.fixture
def whole_reads(monkeypatch):
    """The requests for which recall had to read the whole memory."""
    requests = []
    search_index = lookup.search_index

    def recording(*arguments):
        results = yield from search_index(*arguments)
        if results is None:
            requests.append(arguments[0])
        return results

    monkeypatch.setattr(lookup, "search_index", recording)
    return requests


def row_counts(database: psycopg.Connection) -> list[int]:
    return [database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES]


def names(memories):
    return [(found.kind, found.session_id, found.memory_id) for found in memories]


def test_a_small_memory_is_checked_once_and_not_indexed(settings, database, said, vocabulary, space_id, pipeline):
    with copying.loading(settings.postgres_url.get_secret_value()) as connection:
        copying.put(connection, [said], space_id, vocabulary)
    database.execute("UPDATE users SET next_user_seq = 1000")
    assert pipeline.sweep()["index"] == 1
    pipeline.settle()
    assert row_counts(database) == [0, 0, 0]
    assert pipeline.sweep()["index"] == 0


def test_an_index_finds_nearly_the_exact_results(indexed, said, vocabulary, database, questions, memory, whole_reads):
    exact = BruteForce(said, Stemmer(database, vocabulary))
    shared = 0
    for question in questions:
        found = memory.recall(question.text, 10)
        best = exact.best(question, 10)
        keys = {
            memory.memory_id if memory.kind == "fact" else f"{memory.session_id}/{memory.evidence[0].position}"
            for memory in found
        }
        shared += len(keys & {getattr(key, "item", str(key)) for key, _ in best})
    assert shared >= 0.98 * 10 * len(questions)
    assert whole_reads == []


def test_an_index_can_be_searched_without_vectors(indexed, questions, memory, database, monkeypatch, whole_reads):
    monkeypatch.setattr(KnownVectors, "embed", lambda *_: None)
    results = [set(names(memory.recall(question.text, 10))) for question in questions[:5]]
    assert whole_reads == []
    database.execute("DELETE FROM memory_indexes")
    for question, result in zip(questions, results, strict=False):
        assert len(result & set(names(memory.recall(question.text, 10)))) >= 9


def test_an_index_returns_no_fact_that_has_faded_since_it_was_made(indexed, questions, memory, database, whole_reads):
    before = [names(memory.recall(question.text, 10, kinds=["fact"])) for question in questions[:5]]
    database.execute(
        "UPDATE facts SET life = 'state', fades_at = '2001-01-01' WHERE get_byte(uuid_send(fact_id), 15) % 2 = 0"
    )
    faded = {str(row[0]) for row in database.execute("SELECT fact_id FROM facts WHERE fades_at IS NOT NULL").fetchall()}
    assert len(faded) > FACTS / 3
    for question, earlier in zip(questions, before, strict=False):
        found = names(memory.recall(question.text, 10, kinds=["fact"]))
        assert len(found) == 10 and not faded & {name[2] for name in found}
        assert [name for name in earlier if name[2] not in faded] == [name for name in found if name in earlier]
        everything = names(memory.recall(question.text, 10, kinds=["fact"], include_faded=True))
        assert everything == earlier
    assert whole_reads == []


# A statement is prepared after 5 executions, and may get another plan after 5 more.
@pytest.mark.parametrize("queries", [200, pytest.param(1_000, marks=pytest.mark.chaos)])
def test_filters_return_all_matching_facts_up_to_the_limit_also_on_the_last_query_of_a_connection(
    indexed, said, questions, memory, settings, queries
):
    random_source = random.Random(3)
    postgres = connections.get_connections(settings).postgres
    for number in range(queries // 5):
        chosen = fact_filters.around(
            said, random_source.randrange(len(said.facts)), random_source.choice(fact_filters.KINDS)
        )
        passing = sum(map(chosen.passes, range(len(said.facts))))
        limit = random_source.choice((1, 10, 40))
        for question in questions[:5]:
            found = memory.recall(question.text, limit, kinds=["fact"], **chosen.arguments)
            assert len(found) == min(limit, passing), (number, chosen.arguments)
    assert postgres.get_stats()["connections_num"] == 1


def test_a_narrow_filter_is_applied_to_the_whole_memory(indexed, said, database, questions, memory, whole_reads):
    database.execute("UPDATE facts SET topics = '{rare}' WHERE fact_id = ANY(%s)", (said.fact_ids[5:8],))
    assert {found.memory_id for found in memory.recall(questions[0].text, 10, topics=["rare"])} == {
        str(fact_id) for fact_id in said.fact_ids[5:8]
    }
    assert len(whole_reads) == 1


@pytest.mark.parametrize(
    "filters",
    [{"kinds": ["episode"]}, {"include_superseded": True}, {"as_of": synthetic.BEGINNING + timedelta(days=1)}],
)
def test_searches_that_the_index_cannot_answer_read_the_whole_memory(indexed, questions, memory, whole_reads, filters):
    memory.recall(questions[0].text, 10, **filters)
    assert len(whole_reads) == 1


def test_the_pages_of_an_indexed_memory_join_without_overlap(indexed, questions, memory):
    first = memory.recall(questions[0].text, 10)
    second = memory.recall(questions[0].text, 10, cursor=first[-1].cursor)
    assert not set(names(first)) & set(names(second))
    both = memory.recall(questions[0].text, 20)
    assert names(first + second) == names(both)


def test_turns_newer_than_the_index_are_found(indexed, settings, pipeline, said, whole_reads):
    memory = MemoryClient(said.user_id, "session-000001", settings=settings)
    memory.write("user", "My zebra is called Quagga.")
    assert any("Quagga" in found.text for found in memory.recall("zebra Quagga", 5))
    pipeline.settle()
    assert any("Quagga" in found.text for found in memory.recall("zebra Quagga", 5))
    assert whole_reads == []


def test_facts_that_were_superseded_after_indexing_are_not_found(indexed, said, database, questions, memory):
    best = memory.recall(questions[0].text, 1, kinds=["fact"])[0]
    database.execute("UPDATE facts SET status = 'superseded' WHERE fact_id = %s", (best.memory_id,))
    assert best.memory_id not in {found.memory_id for found in memory.recall(questions[0].text, 20, kinds=["fact"])}


def test_removing_a_turn_drops_the_index(indexed, settings, database, pipeline, said):
    memory = MemoryClient(said.user_id, "session-000001", settings=settings)
    turn_id = memory.write("user", "My zebra is called Quagga.")
    pipeline.settle()
    database.execute("UPDATE users SET indexed_user_seq = 0, index_hinted_at = NULL")
    pipeline.settle()
    assert row_counts(database)[0] == 1
    memory.pop()
    assert turn_id is not None
    pipeline.sweep()
    while pipeline.hints.waiting and pipeline.hints.waiting[0][0] != "index":
        pipeline.step()
    assert row_counts(database) == [0, 0, 0]
    assert not any("Quagga" in found.text for found in memory.recall("zebra Quagga", 5))
    database.execute("UPDATE users SET index_hinted_at = NULL")
    pipeline.settle()
    assert row_counts(database)[0] == 1


def test_forgetting_a_user_deletes_the_index(indexed, pipeline, database):
    assert min(row_counts(database)) > 0
    assert erasures.forget(pipeline.runtime, indexed).removed.keys() >= set(TABLES)
    assert row_counts(database) == [0, 0, 0]


def test_a_build_that_lost_its_lease_publishes_no_index(scope, pipeline, database, monkeypatch):
    released = []
    release = building.leases.release

    def release_after_takeover(connection, lease):
        released.append(lease)
        with pipeline.runtime.postgres.connection() as other:
            # A removal deletes the lease in the same way, but waits for the lock on the user.
            other.execute("DELETE FROM leases WHERE kind = 'index'")
        release(connection, lease)

    monkeypatch.setattr(building.leases, "release", release_after_takeover)
    assert index.index(pipeline.runtime, scope) is False
    assert released
    assert row_counts(database)[0] == 0


class Died(BaseException):
    """Simulates the end of the process."""


@pytest.mark.parametrize("point", faults.POINTS["index"])
def test_after_a_crash_at_any_point_the_next_build_succeeds(
    scope, settings, pipeline, database, monkeypatch, questions, memory, point
):
    def crash_at(name):
        if name == f"index.{point}":
            raise Died

    monkeypatch.setattr(faults, "point", crash_at)
    with pytest.raises(Died):
        index.index(pipeline.runtime, scope)
    # Recall never reads an incomplete index.
    assert len(memory.recall(questions[0].text, 10)) == 10
    monkeypatch.undo()
    monkeypatch.setattr(index, "MIN_DOCUMENTS", 1_000)
    database.execute("DELETE FROM leases")
    database.execute("UPDATE users SET index_hinted_at = NULL")
    pipeline.settle()
    builds = [database.execute(f"SELECT DISTINCT build FROM {table}").fetchall() for table in TABLES]
    assert len(builds[0]) == 1
    assert builds[0] == builds[1] == builds[2]


def test_a_new_index_replaces_the_old_one(indexed, settings, database, questions, memory):
    before = row_counts(database)
    results = names(memory.recall(questions[0].text, 10))
    database.execute("UPDATE users SET indexed_user_seq = 0")
    runtime = Runtime(settings)
    assert index.index(runtime, indexed)
    runtime.close()
    assert row_counts(database) == before
    assert names(memory.recall(questions[0].text, 10)) == results
