"""What counts of an answer that tells developments, and what models write instead of what they are asked for."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from afterturn.errors import AnswerMalformed
from afterturn.sleep import thread_answer, thread_by_rules, thread_question
from afterturn.sleep.matters import Matter, MatterFact
from afterturn.sleep.thread_question import ThreadQuestion

TEXTS = (
    "Ana looks for a place for her studio.",
    "Ana signed the lease with Rui Costa for 900 euros.",
    "Ana opened the studio.",
)
DAYS = (datetime(2023, 1, 20, tzinfo=UTC), datetime(2023, 4, 3, tzinfo=UTC), datetime(2023, 6, 20, tzinfo=UTC))


def matter(first=0, *, current=(False, True, True), texts=TEXTS):
    facts = tuple(
        MatterFact(
            fact_id=UUID(int=first + number),
            text=text,
            subject="Ana",
            attribute=None,
            since=DAYS[number],
            said_at=DAYS[number],
            superseded_by=None,
            is_current=current[number],
        )
        for number, text in enumerate(texts)
    )
    return Matter(facts=facts, first_id=facts[0].fact_id)


QUESTION = ThreadQuestion((matter(), matter(10)))


def read(*threads):
    text = threads[0] if threads and isinstance(threads[0], str) else json.dumps({"threads": list(threads)})
    return thread_answer.read_threads(QUESTION, text, prompt_version="threads-1", model="m")


def thread(*steps, number=1, title="Studio", state=None):
    return {
        "matter": number,
        "title": title,
        "steps": [{"text": text, "facts": facts} for text, facts in steps],
        "state": None if state is None else {"text": state[0], "facts": state[1]},
    }


def texts(written, place=0):
    draft = written.drafts[place]
    return [step.text for step in draft.steps] + ([draft.state.text] if draft.state else [])


@pytest.mark.parametrize(
    "text",
    [
        "signed the lease on 3 April 2023",
        "signed the lease on April 3rd",
        "signed the lease on 2023-04-03",
        "signed the lease (2023-04)",
        "signed the lease on a Monday in April",
        "signed the lease with Rui Costa",
        "signed the lease with Costa, for 900 euros",
    ],
)
def test_what_the_facts_and_their_days_say_counts(text):
    assert texts(read(thread((text, [2]), ("opened", [3])))) == [text, "opened"]


@pytest.mark.parametrize(
    "text",
    [
        "signed the lease on 4 April",
        "signed the lease in May",
        "signed the lease in 2022",
        "signed the lease with Maria",
        "Maria signed the lease",
        "signed the lease for 950 euros",
        "signed the lease for two years",
    ],
)
def test_names_numbers_and_dates_that_no_fact_says_do_not_count(text):
    written = read(thread((text, [2]), ("opened", [3]), state=("runs the studio", [3])))
    assert texts(written) == ["opened", "runs the studio"]
    assert written.dropped == 1


def test_clauses_that_all_begin_with_a_capital_letter_begin_with_no_names():
    assert texts(read(thread(("Signed the lease", [2]), ("Opened", [3])))) == ["Signed the lease", "Opened"]


def test_the_state_rests_on_current_facts():
    written = read(thread(("signed the lease", [2]), ("opened", [3]), state=("looks for a place", [1, 2])))
    assert written.drafts[0].state is None
    assert written.dropped == 1


def test_one_statement_alone_is_no_development():
    assert texts(read(thread(("opened", [3])))) == []


def test_facts_of_another_matter_support_nothing():
    assert texts(read(thread(("opened", [6]), ("signed the lease", [2]), ("looked", [1])))) == [
        "signed the lease",
        "looked",
    ]
    assert texts(read(thread(("opened", [6]), ("signed the lease", [5]), number=2)), 1) == [
        "opened",
        "signed the lease",
    ]


def test_at_most_eight_steps_are_read():
    written = read(thread(*[("opened", [3])] * 10))
    assert len(written.drafts[0].steps) == thread_answer.MOST_STEPS
    assert written.dropped == 2


def test_every_matter_of_the_question_gets_a_draft():
    written = read(thread(("opened", [3]), ("signed", [2])))
    assert [len(draft.steps) for draft in written.drafts] == [2, 0]
    assert [draft.thread_id for draft in written.drafts] == [thread_question.thread_id(m) for m in QUESTION.matters]


@pytest.mark.parametrize(
    "answer",
    [
        '{"threads": [{"matter": "M1", "title": "Studio", "steps": [{"text": "opened", "facts": ["F3"]}, '
        '{"text": "signed", "facts": "F2, F1"}]}]}',
        'Here:\n```json\n{"threads": {"matter": 1, "title": "Studio", "steps": [{"text": "opened", "facts": [3]}, '
        '{"text": "signed", "facts": 2}]}}\n```',
        '{"matter": 1, "title": "Studio", "steps": [{"text": "opened", "facts": [3]}, '
        '{"text": "signed", "facts": [2]}]}',
    ],
)
def test_other_forms_are_read(answer):
    assert texts(read(answer)) == ["opened", "signed"]


@pytest.mark.parametrize("answer", ["", "It opened.", '{"threads": 7}', '{"facts": []}', "[]"])
def test_what_has_no_place_for_threads_is_malformed(answer):
    with pytest.raises(AnswerMalformed):
        read(answer)


@pytest.mark.parametrize(
    "item",
    [7, None, {}, {"matter": 9, "steps": []}, {"matter": 1, "steps": "none"}, {"matter": 1, "steps": [None, 7, {}]}],
)
def test_an_unreadable_thread_is_no_thread(item):
    assert texts(read(item)) == []


def test_the_question_is_the_same_when_a_fact_is_said_again():
    said_again = Matter(
        facts=tuple(type(fact)(**_fields(fact) | {"said_at": DAYS[2]}) for fact in matter().facts), first_id=UUID(int=0)
    )
    assert thread_question.matter_digest(said_again) == thread_question.matter_digest(matter())
    assert thread_question.matter_digest(matter(current=(False, False, True))) != thread_question.matter_digest(
        matter()
    )


def _fields(fact):
    return {name: getattr(fact, name) for name in fact.__dataclass_fields__}


def test_questions_are_few_and_limited():
    many = [matter(10 * number) for number in range(20)]
    questions = thread_question.make_questions(many)
    assert [len(question.matters) for question in questions] == [8, 8, 4]
    long_texts = tuple(f"{text} {'word ' * 2_000}" for text in TEXTS)
    questions = thread_question.make_questions([matter(10 * number, texts=long_texts) for number in range(40)])
    assert all(len(question.text()) < 20_000 for question in questions)
    assert sum(len(question.matters) for question in questions) == 40
    assert thread_question.make_questions([]) == []


def test_the_title_by_rules_is_a_word_that_facts_share():
    assert thread_by_rules.make_title(matter().facts) == "Studio"
    alone = matter(texts=("Ana swims.", "Ana sang.", "Ana ran.")).facts
    assert thread_by_rules.make_title(alone) == "Ana"
