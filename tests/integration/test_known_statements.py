"""Extraction is shown the known facts that are near to a batch, and says how new statements are related to them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from afterturn import tokens
from afterturn.consolidation import known_statements
from afterturn.scopes import UserScope
from api_shim import MemoryClient
from harness.llm_server import LLMServer, answers, prompt
from harness.pipeline import Pipeline

ANA = UserScope("default", "ana")


class Model:
    """Gives one fact per turn, in its words, with the relations that the test names: (known text, new text) -> word."""

    def __init__(self) -> None:
        self.relations: dict[tuple[str, str], str] = {}
        #: The known texts of each extraction call.
        self.shown: list[list[str]] = []

    def __call__(self, request):
        turns = prompt.shown_turns(request)
        if not turns:
            return None
        known = prompt.shown_statements(request)
        self.shown.append([statement.text for statement in known])
        return {"facts": [self._fact(turn, known) for turn in turns], "episode": None}

    def _fact(self, turn, known):
        words = ((one.label, self.relations.get((one.text, turn.content))) for one in known)
        found = [f"{label} {word}" for label, word in words if word]
        return answers.fact(turn.content, [(turn.number, turn.content)], known=found)


@pytest.fixture
def model():
    return Model()


@pytest.fixture
def llm(model):
    with LLMServer(answer=model) as server:
        yield server


@pytest.fixture
def pipeline(settings, llm, hot_store):
    given = {"llm_base_url": llm.base_url, "llm_api_key": "sk-test", "retry_seconds": 0.05}
    with Pipeline(type(settings)(**settings.model_dump(exclude_unset=True) | given)) as opened:
        yield opened


def say(pipeline, *texts, day=1, user="ana"):
    memory = MemoryClient(user, "chat", settings=pipeline.settings)
    for text in texts:
        memory.write("user", text, name="Ana", occurred_at=datetime(2024, 1, day, tzinfo=UTC))
    memory.flush()
    pipeline.settle()
    return memory


def current(memory):
    return sorted(fact.text for fact in memory.facts())


def test_what_is_near_to_the_turns_is_shown_and_nothing_else(pipeline, model):
    say(pipeline, "Ana rents a studio.", "Ana has two cats.", "Ana plays chess.")
    say(pipeline, "Ana leaves the studio in May.", day=2)

    assert model.shown == [[], ["Ana rents a studio."]]


def test_a_new_user_is_shown_nothing_and_nothing_of_another_user(pipeline, model):
    say(pipeline, "Ben rents a studio.", user="ben")
    say(pipeline, "Ana leaves the studio.")

    assert model.shown == [[], []]


def test_the_shown_facts_have_a_bound_whatever_the_size_of_the_memory(pipeline, model, llm):
    for group in range(8):
        say(pipeline, *(f"Ana met Kunde{group}x{number} in her studio for an hour." for number in range(25)))
    llm.forget()
    say(pipeline, " ".join(f"Kunde{group}x{number}" for group in range(8) for number in range(25)), day=2)

    text = prompt.user_text(llm.calls("extract")[0].json)
    known = text[text.index("Known:") : text.index("Turns:")]
    assert 20 < len(model.shown[-1]) <= 100
    assert tokens.estimate(known) <= known_statements.KNOWN_TOKENS + 20


@pytest.mark.parametrize(
    ("word", "left"),
    [
        ("replaces", ["The studio is in Porto, Ana says."]),
        ("corrects", ["The studio is in Porto, Ana says."]),
        ("same", ["The studio is in Faro."]),
        ("contradicts", ["The studio is in Faro.", "The studio is in Porto, Ana says."]),
        ("unheard_of", ["The studio is in Faro.", "The studio is in Porto, Ana says."]),
    ],
)
def test_the_relation_decides_and_no_judge_is_asked(pipeline, model, llm, word, left):
    first, second = "The studio is in Faro.", "The studio is in Porto, Ana says."
    if word == "same":
        second = "In Faro is the studio."
    model.relations[first, second] = word
    say(pipeline, first)
    memory = say(pipeline, second, day=2)

    assert current(memory) == left
    assert llm.calls("judge") == []


def test_what_is_over_leaves_without_a_new_value(pipeline, model, llm):
    model.relations["Ana rents a studio.", "Ana has given the studio back."] = "ends"
    say(pipeline, "Ana rents a studio.")
    memory = say(pipeline, "Ana has given the studio back.", day=2)

    assert current(memory) == ["Ana has given the studio back."]


def test_a_fuller_wording_takes_the_place_of_a_poorer_one(pipeline, model, llm):
    fuller = "Ana rents a studio in Faro."
    model.relations["Ana rents a studio.", fuller] = "refines"
    say(pipeline, "Ana rents a studio.")
    memory = say(pipeline, fuller, day=2)

    assert current(memory) == [fuller]
    [fact] = memory.facts()
    assert len(fact.evidence) == 2


def test_undo_of_the_turn_that_replaced_a_fact_brings_it_back(pipeline, model):
    model.relations["Ana rents a studio.", "Ana bought the studio."] = "replaces"
    say(pipeline, "Ana rents a studio.")
    memory = say(pipeline, "Ana bought the studio.", day=2)
    memory.remove(memory.history()[-1].turn_id)
    pipeline.settle()

    assert current(memory) == ["Ana rents a studio."]


def test_a_label_that_was_not_shown_means_nothing(pipeline, llm):
    say(pipeline, "Ana rents a studio.")
    llm.queue(
        {"facts": [answers.fact("Ana sold the studio.", [(1, "sold the studio")], known=["K7 ends", "K0 same"])]},
        on="extract",
    )
    memory = say(pipeline, "Ana sold the studio.", day=2)

    assert current(memory) == ["Ana rents a studio.", "Ana sold the studio."]


def test_the_relation_is_kept_with_the_answer_and_not_with_the_memory_of_now(pipeline, model, database):
    """The labels K1, … of an answer mean the facts that were shown with it, also after a crash."""
    model.relations["Ana rents a studio.", "Ana bought the studio."] = "replaces"
    memory = say(pipeline, "Ana rents a studio.")
    shown = database.execute("SELECT fact_id FROM facts").fetchall()
    memory.write("user", "Ana bought the studio.", name="Ana", occurred_at=datetime(2024, 1, 2, tzinfo=UTC))
    memory.flush()
    pipeline.do("archive", [["default", "ana", "chat"]])
    [(batch,)] = database.execute("SELECT batch_id::text FROM batches WHERE state = 'pending'").fetchall()
    pipeline.do("extract", "default", "ana", batch)
    assert database.execute("SELECT known_ids FROM answers WHERE known_ids IS NOT NULL").fetchall() == [
        ([fact_id for (fact_id,) in shown],)
    ]
    # As after a crash between the answer and the transition, with another memory.
    database.execute(
        "UPDATE batches SET state = 'pending', extracted_at = NULL, hinted_at = NULL WHERE batch_id = %s", (batch,)
    )
    memory.add_fact("The first studio is a garage.")
    calls = len(model.shown)
    pipeline.settle()

    assert len(model.shown) == calls
    assert current(memory) == ["Ana bought the studio.", "The first studio is a garage."]


def test_a_relation_follows_a_fact_that_was_merged_meanwhile(pipeline, model, database):
    model.relations["Ana rents a studio.", "Ana bought the studio."] = "replaces"
    memory = say(pipeline, "Ana rents a studio.", "A studio is rented by Ana.")
    memory.write("user", "Ana bought the studio.", name="Ana", occurred_at=datetime(2024, 1, 2, tzinfo=UTC))
    memory.flush()
    pipeline.do("archive", [["default", "ana", "chat"]])
    [(batch,)] = database.execute("SELECT batch_id::text FROM batches WHERE state = 'pending'").fetchall()
    pipeline.do("extract", "default", "ana", batch)
    database.execute(
        "UPDATE facts SET status = 'superseded', ended_because = 'merged', superseded_at = now(), superseded_by = "
        "(SELECT fact_id FROM facts WHERE text = 'A studio is rented by Ana.') WHERE text = 'Ana rents a studio.'"
    )
    pipeline.settle()

    assert current(memory) == ["Ana bought the studio."]


def test_answers_to_the_prompt_before_are_used(pipeline, model, database, llm):
    """After an upgrade, a batch whose answer is stored is not asked for again."""
    memory = MemoryClient("ana", "chat", settings=pipeline.settings)
    memory.write("user", "Ana rents a studio.", name="Ana")
    memory.flush()
    pipeline.do("archive", [["default", "ana", "chat"]])
    [(batch,)] = database.execute("SELECT batch_id::text FROM batches").fetchall()
    pipeline.do("extract", "default", "ana", batch)
    database.execute("UPDATE answers SET prompt_version = 'extract-3', known_ids = NULL")
    database.execute("UPDATE batches SET state = 'pending', extracted_at = NULL, prompt_version = NULL, model = NULL")
    pipeline.settle()

    assert len(model.shown) == 1
    assert current(memory) == ["Ana rents a studio."]
    assert database.execute("SELECT prompt_version FROM batches").fetchall() == [("extract-3",)]


def pending_after(pipeline, database, *texts):
    """Say things as batches of one turn each, archive them, and sweep once; return which were handed out."""
    memory = MemoryClient("ana", "chat", settings=pipeline.settings)
    for text in texts:
        memory.write("user", text, name="Ana")
        memory.flush()
        pipeline.do("archive", [["default", "ana", "chat"]])
    pipeline.sweep()
    return handed_out(database)


def handed_out(database):
    rows = database.execute("SELECT hinted_at IS NOT NULL FROM batches ORDER BY user_seq").fetchall()
    return [is_handed_out for (is_handed_out,) in rows]


def test_a_batch_is_extracted_after_the_one_before_it_is_applied(pipeline, model, database):
    assert pending_after(pipeline, database, "Ana rents a studio.", "Ana leaves the studio.") == [True, False]
    pipeline.settle()

    assert model.shown == [[], ["Ana rents a studio."]]


@pytest.mark.parametrize(
    "change",
    [
        "created_at = now() - interval '601 seconds'",
        "paused_until = now() + interval '1 hour', hinted_at = NULL",
        "cut_by = 'import'",
        "state = 'dead'",
    ],
    ids=["an old backlog", "a paused one", "an import", "a dead one"],
)
def test_it_does_not_wait_for(pipeline, database, change):
    pending_after(pipeline, database, "Ana rents a studio.", "Ana leaves the studio.")
    database.execute(f"UPDATE batches SET {change} WHERE user_seq = 1")
    pipeline.sweep()

    assert handed_out(database)[1] is True


def test_an_import_is_extracted_in_parallel(pipeline, database):
    pending_after(pipeline, database, "Ana rents a studio.", "Ana leaves the studio.")
    database.execute("UPDATE batches SET cut_by = 'import'")
    pipeline.sweep()

    assert handed_out(database) == [True, True]
