"""Memories of facts in other words and of unlike facts, and how they are stored without a pipeline."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from afterturn.embedding import items, spaces
from afterturn.embedding.items import Item
from afterturn.languages import stemming
from afterturn.scopes import UserScope

ANA = UserScope("default", "ana")
BEGUN = datetime(2024, 1, 1, tzinfo=UTC)
PEOPLE = ("Jon", "Gina", "Rui", "Marta", "Tom", "Lea", "Bo", "Ines")
#: Things that people did: what a paraphrase says in other words.
DEEDS = (
    ("is opening a dance studio", "is starting a studio for dance"),
    ("adopted a grey puppy", "has taken in a puppy with grey fur"),
    ("learns to play the cello", "takes cello lessons"),
    ("runs a marathon every spring", "takes part in a marathon each spring"),
    ("repairs old bicycles", "fixes up old bicycles as a hobby"),
    ("paints portraits of neighbours", "makes painted portraits of the neighbours"),
    ("keeps bees on the roof", "has beehives on the roof"),
    ("teaches chemistry at a school", "works as a teacher of chemistry at a school"),
)
SUBJECTS = ("coffee", "pottery", "sailing", "chess", "gardening", "opera", "surfing", "baking", "astronomy", "origami")
MANNERS = ("with great care", "on most evenings", "near the harbour", "for a small fee", "in the old mill")


@dataclass(frozen=True)
class Memory:
    texts: list[str]
    #: Text -> the thing that it says.
    key: dict[str, str]

    @property
    def repeated(self) -> int:
        return len(self.texts) - len(set(self.key.values()))


def synthetic(count: int, duplicates: int) -> Memory:
    """Return a memory of so many facts, of which so many say what another one says, in other words."""
    drawn = random.Random(7)
    deeds = [(person, deed) for person in PEOPLE for deed in DEEDS]
    drawn.shuffle(deeds)
    key: dict[str, str] = {}
    for number, (person, (first, second)) in enumerate(deeds):
        key[f"{person} {first}."] = f"deed {number}"
        if number < duplicates:
            key[f"{person} {second}."] = f"deed {number}"
    number = 0
    while len(key) < count:
        words = [f"{drawn.choice(('ba', 'do', 'ki', 'mu'))}{drawn.choice(('ran', 'lef', 'tos', 'vim'))}{number}"]
        text = f"{drawn.choice(PEOPLE)} likes {drawn.choice(SUBJECTS)} {drawn.choice(MANNERS)}, says {words[0]}."
        key[text] = f"other {number}"
        number += 1
    texts = list(key)
    drawn.shuffle(texts)
    return Memory(texts, key)


def store(pipeline, database, texts, *, begun=BEGUN, recorded="now()"):
    """Insert facts without batches, with vectors and stems as the pipeline makes them."""
    database.execute("INSERT INTO users (tenant_id, user_id) VALUES ('default', 'ana') ON CONFLICT DO NOTHING")
    facts = [(uuid4(), text, begun + timedelta(hours=number)) for number, text in enumerate(texts)]
    for fact_id, text, said_at in facts:
        stems = stemming.fact_input(text)
        database.execute(
            "INSERT INTO facts (tenant_id, user_id, fact_id, batch_id, session_id, category, importance, text, said_at,"
            " "
            f"recorded_at, stems) VALUES ('default', 'ana', %s, %s, 's', 'other', 0.5, %s, %s, {recorded}, "
            "stem_codes(%s, %s::text::regconfig) || %s::bytea)",
            (fact_id, uuid4(), text, said_at, stems.words, stems.configuration, stems.pieces),
        )
    with pipeline.runtime.postgres.connection() as connection:
        for space in spaces.read_active_spaces(connection):
            vectors = pipeline.runtime.embedder_of(space).embed([text for _, text, _ in facts])
            named = [Item(kind="fact", name=items.fact_name(fact_id), text=text) for fact_id, text, _ in facts]
            items.store_vectors(connection, ANA, space, list(zip(named, vectors, strict=True)))
    database.execute("UPDATE users SET version = version + 1")
    return [fact_id for fact_id, _, _ in facts]
