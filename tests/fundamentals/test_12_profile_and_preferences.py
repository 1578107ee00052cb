"""A user's profile, which is a short digest of the always useful facts; and preferences with one value for each key."""

from afterturn.scopes import UserScope
from api_shim import MemoryClient

ANA = UserScope("default", "ana")


def put_fact(database, text, **columns):
    row = {
        "category": "other",
        "importance": 0.5,
        "said_by": "user",
        "origin": "extracted",
        "is_pinned": False,
        "valid_to": None,
        "status": "current",
        "attribute": None,
        "value": None,
        "subject": None,
        "said_at": "2026-01-01",
    } | columns
    database.execute(
        "INSERT INTO facts (tenant_id, user_id, fact_id, batch_id, session_id, text, "
        + ", ".join(row)
        + ") VALUES ('default', 'ana', gen_random_uuid(), gen_random_uuid(), 'chat', %(text)s, "
        + ", ".join(f"%({name})s" for name in row)
        + ")",
        row | {"text": text},
    )


def rebuilt(pipeline, limit_tokens=250):
    from afterturn.summaries import profile

    with pipeline.runtime.postgres.connection() as connection:
        profile.rebuild_profile(connection, ANA, limit_tokens=limit_tokens)


def test_the_profile_contains_the_always_useful_facts(memory, pipeline, database):
    for text in ("My name is Ana.", "I live in Porto.", "I am allergic to nuts."):
        memory.write("user", text, name="Ana")
    pipeline.settle()
    profile = memory.profile()
    assert "Porto" in profile and "nuts" in profile
    [(text, fact_ids)] = database.execute("SELECT text, fact_ids FROM profiles").fetchall()
    behind = dict(database.execute("SELECT fact_id, text FROM facts").fetchall())
    assert text == profile == "\n".join(behind[fact_id] for fact_id in fact_ids)


def test_the_profile_begins_with_pins_and_lasting_facts_by_importance(pipeline, memory, database):
    put_fact(database, "Ana lives in Porto.", category="place", importance=0.6)
    put_fact(database, "Ana is called Ana.", category="identity", importance=0.9)
    put_fact(database, "Ana saw a film.", category="event")
    put_fact(database, "Ana will marry.", category="plan", importance=0.8)
    put_fact(database, "Ana counts on tea.", is_pinned=True)
    put_fact(database, "Ana lived in Rome.", category="place", valid_to="2020-01-01")
    put_fact(database, "Ana lives in Faro.", category="place", status="superseded")
    put_fact(database, "The assistant recommended jogging.", category="health", said_by="assistant")
    put_fact(database, "Ana plays chess.", category="event", origin="person")
    rebuilt(pipeline)
    assert memory.profile().splitlines() == [
        "Ana counts on tea.",
        "Ana is called Ana.",
        "Ana lives in Porto.",
        "Ana will marry.",
        "Ana plays chess.",
    ]
    rebuilt(pipeline, limit_tokens=12)
    assert memory.profile().splitlines() == ["Ana counts on tea.", "Ana is called Ana."]
    database.execute("DELETE FROM facts")
    rebuilt(pipeline)
    assert memory.profile() is None


def test_what_is_over_leaves_the_profile(pipeline, memory, database):
    important = {"importance": 0.8}
    put_fact(database, "Ana won a prize.", category="event", **important)
    put_fact(database, "Ana will run in Porto on 1 May 2026.", category="plan", valid_from="2026-05-01", **important)
    put_fact(database, "Ana will run in Rome in 2126.", category="plan", valid_from="2126-05-01", **important)
    put_fact(database, "Ana wants to write a book.", category="plan", **important)
    put_fact(database, "Ana moved to Porto.", category="event", is_pinned=True)
    put_fact(database, "Ana lives in Porto.", category="place")
    rebuilt(pipeline)
    assert sorted(memory.profile().splitlines()) == [
        "Ana lives in Porto.",
        "Ana moved to Porto.",
        "Ana wants to write a book.",
        "Ana will run in Rome in 2126.",
    ]


def test_two_facts_that_say_the_same_are_one_line(pipeline, memory, database):
    put_fact(database, "Ana lost her job.", category="work", importance=0.6)
    put_fact(database, "Ana lost her job in January 2023.", category="work")
    put_fact(database, "Ana's sister lost her job.", category="family")
    rebuilt(pipeline)
    assert memory.profile().splitlines() == ["Ana lost her job in January 2023.", "Ana's sister lost her job."]


def test_each_preference_has_one_value(memory, pipeline, database):
    database.execute("INSERT INTO users (tenant_id, user_id, display_name) VALUES ('default', 'ana', 'Ana Reis')")
    wanted = {"category": "preference", "subject": "Ana"}
    put_fact(database, "1", attribute="favourite_colour", value="blue", **wanted)
    put_fact(database, "2", attribute="likes", value="tea", **wanted)
    put_fact(database, "3", attribute="prefers_seat", value="window", said_at="2026-02-01", **wanted)
    put_fact(database, "4", attribute="preferred_seat", value="aisle", said_at="2026-03-01", **wanted)
    put_fact(database, "5", attribute="favourite_film", value="Heat", **wanted | {"subject": "Ben"})
    put_fact(database, "8", attribute="favourite_tea", value="green", **wanted | {"subject": "Ana Reis"})
    put_fact(database, "9", attribute="favourite_book", value="Emma", **wanted | {"subject": "Ana Lopes"})
    put_fact(database, "6", attribute="favourite_song", value="Yes", said_by="assistant", **wanted)
    put_fact(database, "7", attribute="favourite_pet", value="cat", status="retracted", **wanted)
    assert memory.preferences() == {"colour": "blue", "seat": "aisle", "tea": "green"}
    assert MemoryClient("ben", settings=pipeline.settings).preferences() == {}


def test_a_person_sets_and_replaces_a_preference(memory, pipeline, database):
    memory.set_preference("reply language", "Portuguese")
    pipeline.settle()
    assert memory.preferences() == {"reply_language": "Portuguese"}
    memory.set_preference("Reply-Language", "Danish")
    pipeline.settle()
    assert memory.preferences() == {"reply_language": "Danish"}
    current = database.execute("SELECT value FROM facts WHERE status = 'current'").fetchall()
    assert current == [("Danish",)]
    assert "Danish" in memory.profile()
