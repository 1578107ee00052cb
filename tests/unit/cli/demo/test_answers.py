"""What is printed of recalled memories."""

from datetime import UTC, datetime

from rich.console import Console

from afterturn.memories import Evidence, Memory
from api_shim.cli.demo import answers

MOMENT = datetime(2025, 9, 23, tzinfo=UTC)


def memory(kind, memory_id, text, turn_id, *, score=1.0, before=()):
    said = Evidence(
        session_id="s", turn_id=turn_id, position=1, speaker="Inês", said_at=MOMENT, quote="I [b]moved[/b]."
    )
    return Memory(
        kind=kind,
        memory_id=memory_id,
        text=text,
        score=score,
        said_at=MOMENT,
        session_id="s",
        evidence=(said,),
        superseded_texts=before,
    )


LISBON = memory("fact", "f1", "Inês lives in Lisbon.", "t1", before=("Inês lives in Porto.",))
SAID = memory("turn", "t1", "I moved.", "t1")
OTHER = memory("turn", "t2", "Hello.", "t2", score=0.9)
FAR = memory("fact", "f2", "Inês has a cat.", "t3", score=0.1)


def printed(memories):
    console = Console(width=100, force_terminal=False)
    with console.capture() as capture:
        answers.print_memories(memories, console)
    return capture.get().splitlines()


def test_a_turn_that_is_the_evidence_of_a_fact_is_not_shown_beside_it():
    assert answers.without_repetition([SAID, LISBON, OTHER]) == [LISBON, OTHER]


def test_a_fact_is_shown_with_who_said_it_when_word_for_word_and_what_it_replaced():
    assert printed([LISBON]) == [
        "  ● Inês lives in Lisbon.",
        "    “I [b]moved[/b].” Inês, 23 Sep 2025",
        "    before: Inês lives in Porto.",
    ]


def test_memories_far_below_the_best_one_are_not_shown():
    assert not any("cat" in line for line in printed([LISBON, FAR]))


def test_nothing_recalled_prints_a_word_not_an_error():
    assert printed([]) == ["  (nothing)"]
