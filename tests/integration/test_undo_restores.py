"""Undo restores exactly what was there: for every relation, every pair of relations, and both orders of two undos.

Each combination is a user of its own, so that all of them pass the stages together.
"""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from api_shim import MemoryClient
from harness.llm_server import LLMServer
from harness.pipeline import Pipeline
from tests.integration.related import answering

BASE = "Jon is starting a studio with Gina."
ROME = "Jon lives in Rome."
#: What is said later -> its relation to whatever is known of the studio.
LATER = {
    "equal": (BASE, None),
    "poorer": ("Jon is starting a studio.", "same"),
    "fuller": ("Jon is starting a studio with Gina in the old mill.", "refines"),
    "united": ("Jon is starting a studio in Boston.", "refines"),
    "over": ("Jon gave the studio with Gina up.", "ends"),
    "other": ("Jon is starting a studio with Lea.", "replaces"),
    "denied": ("Jon is not starting a studio with anybody.", "contradicts"),
    "value": ("Jon lives in Turin.", None),
}
STUDIO = [text for name, (text, _) in LATER.items() if name not in ("equal", "value")]
UNITED = f"{BASE[:-1]}; {LATER['united'][0]}"
KNOWN = [BASE, UNITED, *STUDIO]
RELATIONS = {
    (text, known): relation for text, relation in LATER.values() if relation for known in KNOWN if text != known
}
LIVES_IN = {"category": "identity", "subject": "Jon", "attribute": "lives_in"}
FIELDS = {ROME: LIVES_IN | {"value": "Rome"}, "Jon lives in Turin.": LIVES_IN | {"value": "Turin"}}
BEGUN = datetime(2024, 1, 1, 9, tzinfo=UTC)


@pytest.fixture
def pipeline(settings, hot_store, judged):
    with (
        LLMServer(answer=answering(RELATIONS, fields=FIELDS)) as server,
        Pipeline(settings.model_copy(update={"llm_base_url": server.base_url})) as opened,
    ):
        yield opened


def say(pipeline, users, day, text):
    """Let each of these users say a text (a text of each, if it is a function of the user)."""
    for user in users:
        said = text(user) if callable(text) else text
        MemoryClient(user, "chat", settings=pipeline.settings).write(
            "user", said, name="Jon", turn_id=f"turn-{day}", occurred_at=BEGUN + timedelta(days=day)
        )
    pipeline.settle()


def take_back(pipeline, users, day):
    for user in users:
        number = day(user) if callable(day) else day
        MemoryClient(user, "chat", settings=pipeline.settings).remove(f"turn-{number}")
    pipeline.settle()


FACTS = """
SELECT f.user_id, f.text, f.category, f.topics, f.subject, f.attribute, f.value, f.life, f.importance, f.times_seen,
       f.valid_from, f.valid_to, f.said_at, coalesce(f.first_said_at, f.said_at), f.fades_at, f.said_by, f.origin,
       f.is_pinned, f.is_by_rules,
       (SELECT array_agg((e.position, e.quote, e.is_inherited)::text ORDER BY e.position, e.quote)
        FROM evidence AS e JOIN turns AS t USING (tenant_id, user_id, session_id, position)
        WHERE e.user_id = f.user_id AND e.fact_id = f.fact_id AND t.removed_at IS NULL),
       (SELECT array_agg(o.text ORDER BY o.text)
        FROM contradictions AS k JOIN facts AS o ON o.user_id = k.user_id AND o.status = 'current'
             AND o.fact_id = CASE WHEN k.fact_id = f.fact_id THEN k.other_id ELSE k.fact_id END
        WHERE k.user_id = f.user_id AND k.settled_at IS NULL AND f.fact_id IN (k.fact_id, k.other_id)),
       (SELECT count(*) FROM vectors AS v WHERE v.user_id = f.user_id AND v.kind = 'fact' AND v.item = f.fact_id::text)
FROM facts AS f WHERE f.status = 'current' ORDER BY f.user_id, f.text
"""
FORMER = """
SELECT c.user_id, c.text, o.text
FROM facts AS c JOIN facts AS o ON o.user_id = c.user_id AND o.superseded_by = c.fact_id
WHERE c.status = 'current' AND o.status = 'superseded' ORDER BY 1, 2, 3
"""
DERIVED = (
    "SELECT user_id, text FROM profiles ORDER BY 1",
    "SELECT user_id, count(*) FROM contradictions WHERE settled_at IS NULL GROUP BY 1 ORDER BY 1",
    "SELECT user_id, count(*) FROM missing_vectors GROUP BY 1",
)


def image(database):
    """Return what is remembered of each user."""
    found = defaultdict(list)
    for query in (FACTS, FORMER, *DERIVED):
        for user, *row in database.execute(query).fetchall():
            found[user].append(tuple(row))
    return dict(found)


def differences(before, after, users):
    """Return the users for whom something differs, with the rows that are missing and those that are too many."""
    found = {}
    for user in users:
        wanted, is_there = (Counter(map(repr, state.get(user, []))) for state in (before, after))
        if wanted != is_there:
            found[user] = [f"- {row}" for row in wanted - is_there] + [f"+ {row}" for row in is_there - wanted]
    return found


def begin(pipeline, users):
    say(pipeline, users, 0, BASE)
    say(pipeline, users, 1, ROME)


def test_one_undo(pipeline, database):
    users = list(LATER)
    begin(pipeline, users)
    before = image(database)
    say(pipeline, users, 2, lambda user: LATER[user][0])
    assert set(differences(before, image(database), users)) == set(users)
    take_back(pipeline, users, 2)
    problems = differences(before, image(database), users)
    assert problems == {}, "\n".join(line for user in problems for line in (f"{user}:", *problems[user]))


@pytest.mark.parametrize("order", [(2, 3), (3, 2)], ids=["first-said-first", "last-said-first"])
def test_two_undos_in_both_orders(pipeline, database, order):
    pairs = {f"{one}-{other}": (one, other) for one, other in product(LATER, LATER)}
    begin(pipeline, pairs)
    before = image(database)
    say(pipeline, pairs, 2, lambda user: LATER[pairs[user][0]][0])
    say(pipeline, pairs, 3, lambda user: LATER[pairs[user][1]][0])
    for day in order:
        take_back(pipeline, pairs, day)
    problems = differences(before, image(database), pairs)
    assert problems == {}, "\n".join(line for user in problems for line in (f"{user}:", *problems[user]))


#: Words that only one of the statements has.
ONLY = {"fuller": "mill", "united": "Boston", "over": "gave", "other": "Lea", "denied": "anybody", "value": "Turin"}


def test_nothing_remembered_has_a_word_of_an_undone_turn(pipeline, database):
    """The turn between is taken back. What a later turn says of the same matter stays, in the words of that turn."""
    pairs = {f"{one}-{other}": (one, other) for one, other in product(ONLY, LATER) if one != other}
    begin(pipeline, pairs)
    say(pipeline, pairs, 2, lambda user: LATER[pairs[user][0]][0])
    say(pipeline, pairs, 3, lambda user: LATER[pairs[user][1]][0])
    take_back(pipeline, pairs, 2)
    found = image(database)
    assert [user for user, (one, _) in pairs.items() if ONLY[one] in str(found[user])] == []
    said = "SELECT DISTINCT user_id FROM facts AS f JOIN evidence AS e USING (user_id, fact_id) WHERE e.position = %s"
    for position in (1, 4):
        still = f"{said} AND f.status <> 'retracted' AND NOT e.is_inherited"
        assert {user for (user,) in database.execute(still, [position]).fetchall()} == set(pairs)
