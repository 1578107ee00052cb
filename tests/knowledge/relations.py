"""What each verdict does: merging loses nothing, endings, contradictions and what settles them."""

from __future__ import annotations

from collections.abc import Sequence

from tests.knowledge.case import (
    Case,
    DeleteFact,
    KeepFact,
    RemoveTurn,
    add_fact,
    batch,
    correct_fact,
    fact,
    model,
    user,
)

_NEVER = "Ana has never read a book by Saramago."
_READS = "Ana is reading a book by Saramago."
_LOST = "Jon lost his job in January 2023."
_TOUGH = "Jon lost his job, and things have been tough."
_UNITED = "Jon lost his job in January 2023; Jon lost his job, and things have been tough."
_PLANS = "Jon plans to open a studio."
_OPENED = "Jon opened the studio on 3 May 2023."


def _two(one: str, other: str) -> list[object]:
    """Return the steps in which two statements are said, a month apart. The turns are "One." and "Two."."""
    return [
        batch(user("2023-05-01", "One."), model(fact(one))),
        batch(user("2023-06-01", "Two."), model(fact(other))),
    ]


def _refined(name: str, poorer: str, fuller: str) -> Case:
    return Case(
        f"a fuller wording takes the place of a poorer one: {name}",
        _two(poorer, fuller),
        current=[fuller],
        ended=[(poorer, "refined")],
        refines=[(fuller, poorer)],
        times_seen={fuller: 2},
        quotes={fuller: ["One.", "Two."]},
    )


def _kept(name: str, fuller: str, poorer: str, verdict: str) -> Case:
    return Case(
        f"a poorer wording adds its evidence: {name}",
        _two(fuller, poorer),
        current=[fuller],
        **{verdict: [(poorer, fuller)]},
        times_seen={fuller: 2},
        quotes={fuller: ["One.", "Two."]},
    )


def _united(name: str, one: str, other: str, verdict: str, text: str) -> Case:
    return Case(
        f"two statements become one text: {name}",
        _two(one, other),
        current=[text],
        ended=[(one, "united"), (other, "united")],
        **{verdict: [(other, one)]},
        times_seen={text: 2},
        quotes={text: ["One.", "Two."]},
    )


def _overruled(name: str, one: str, other: str, verdict: str, guard: str) -> Case:
    return Case(
        f"a guard overrules: {name}",
        _two(one, other),
        current=[one, other],
        **{verdict: [(other, one)]},
        overruled={f"overruled_{verdict}_{guard}": 1},
    )


def _contradicting(name: str, more: Sequence[object], **expected: object) -> Case:
    given: dict[str, object] = {"contradicts": [(_READS, _NEVER)], **expected}
    return Case(f"a contradiction: {name}", [*_two(_NEVER, _READS), *more], **given)  # type: ignore[arg-type]


_LONG = "Jon has a studio in the old mill by the river, with " + ", ".join(f"room {n}" for n in "ABCDEFGHIJKLMNOPQRST")

CASES = [
    _refined("a date", "Jon lost his job.", _LOST),
    _refined("a name and a place", "Ana plays tennis.", "Ana plays tennis with Rui in Porto."),
    _refined("a day of a known month", "Ana saw the sea in May 2023.", "Ana saw the sea on 7 May 2023."),
    _refined("in Portuguese", "A Ana perdeu o emprego.", "A Ana perdeu o emprego em janeiro de 2023."),
    _refined("in German", "Ana hat ihre Stelle verloren.", "Ana hat im Januar 2023 ihre Stelle verloren."),
    _kept("a date is there", _LOST, "Jon lost his job.", "same"),
    _kept("the verdict is the wrong way round", _LOST, "Jon lost his job.", "refines"),
    _united("a date and a clause", _LOST, _TOUGH, "same", _UNITED),
    _united("a date and a clause, as a fuller wording", _LOST, _TOUGH, "refines", _UNITED),
    _united(
        "a name and a place",
        "Jon is starting a studio with Gina.",
        "Jon is starting a studio in Boston.",
        "same",
        "Jon is starting a studio with Gina; Jon is starting a studio in Boston.",
    ),
    _united(
        "an adjective would be lost",
        "Ana is a vegetarian doctor.",
        "Ana is a doctor at the hospital in Porto.",
        "refines",
        "Ana is a vegetarian doctor; Ana is a doctor at the hospital in Porto.",
    ),
    _united(
        "in Spanish",
        "Ana perdi\u00f3 su trabajo en enero de 2023.",
        "Ana perdi\u00f3 su trabajo, y est\u00e1 muy triste.",
        "refines",
        "Ana perdi\u00f3 su trabajo en enero de 2023; Ana perdi\u00f3 su trabajo, y est\u00e1 muy triste.",
    ),
    _overruled("another number", "Ana ran 10 km.", "Ana ran 12 km.", "refines", "numbers"),
    _overruled("another month", "Jon left in May.", "Jon left in June.", "same", "dates"),
    _overruled(
        "another day in German",
        "Ana ist am 7. Mai nach Hause gekommen.",
        "Ana ist am 8. Mai nach Hause gekommen.",
        "same",
        "dates",
    ),
    _overruled("another name", "Ana met Rui.", "Ana met Ruth.", "refines", "names"),
    _overruled("another unit", "Ana runs 5 km.", "Ana runs 5 miles.", "same", "units"),
    _overruled("a denial", "Ana eats fish.", "Ana does not eat fish.", "same", "negation"),
    _overruled("a denial in Portuguese", "A Ana come peixe.", "A Ana n\u00e3o come peixe.", "same", "negation"),
    _overruled("a denial in Japanese", "アナは魚を食べる。", "アナは魚を食べない。", "same", "negation"),
    _overruled("too long together", f"{_LONG}.", f"{_LONG.replace('old mill', 'harbour')}.", "refines", "length"),
    Case(
        "three wordings become one text",
        [
            *_two("Jon is starting a studio with Gina.", "Jon is starting a studio in Boston."),
            batch(user("2023-07-01", "Three."), model(fact("Jon is starting a studio for dance."))),
        ],
        current=[
            "Jon is starting a studio with Gina; Jon is starting a studio in Boston; "
            "Jon is starting a studio for dance."
        ],
        ended=[
            ("Jon is starting a studio with Gina.", "united"),
            ("Jon is starting a studio in Boston.", "united"),
            ("Jon is starting a studio with Gina; Jon is starting a studio in Boston.", "united"),
            ("Jon is starting a studio for dance.", "united"),
        ],
        refines=[
            ("Jon is starting a studio in Boston.", "Jon is starting a studio with Gina."),
            (
                "Jon is starting a studio for dance.",
                "Jon is starting a studio with Gina; Jon is starting a studio in Boston.",
            ),
        ],
    ),
    Case(
        "a poorer wording that is said again adds evidence to the fuller one, without the judge",
        [
            *_two("Jon lost his job.", _LOST),
            batch(user("2023-07-01", "Three."), model(fact("Jon lost his job."))),
        ],
        current=[_LOST],
        ended=[("Jon lost his job.", "refined")],
        refines=[(_LOST, "Jon lost his job.")],
        quotes={_LOST: ["One.", "Two.", "Three."]},
        judging_calls=1,
    ),
    Case(
        "a part of a united text that is said again adds evidence, without the judge",
        [*_two(_LOST, _TOUGH), batch(user("2023-07-01", "Three."), model(fact(_TOUGH)))],
        current=[_UNITED],
        ended=[(_LOST, "united"), (_TOUGH, "united")],
        same=[(_TOUGH, _LOST)],
        quotes={_UNITED: ["One.", "Two.", "Three."]},
        judging_calls=1,
    ),
    Case(
        "a value does not take the date of the same value away",
        [
            batch(user("2023-05-01", "One."), model(fact(_LOST, employer="none"))),
            batch(user("2023-06-01", "Two."), model(fact(_TOUGH, employer="none"))),
        ],
        current=[_UNITED],
        ended=[(_LOST, "united"), (_TOUGH, "united")],
        judging_calls=0,
    ),
    Case(
        "a fuller wording of the same value takes its place by rule",
        [
            batch(user("2023-05-01", "One."), model(fact("Ana works at Acme.", works_at="Acme"))),
            batch(user("2023-06-01", "Two."), model(fact("Ana works at Acme since 2019.", works_at="Acme"))),
        ],
        current=["Ana works at Acme since 2019."],
        ended=[("Ana works at Acme.", "refined")],
        judging_calls=0,
    ),
    Case(
        "a person's fact is not replaced by a fuller wording",
        [
            add_fact("Jon lost his job."),
            batch(user("2023-06-01", "Two."), model(fact(_LOST))),
        ],
        current=["Jon lost his job.", _LOST],
        refines=[(_LOST, "Jon lost his job.")],
        overruled={"overruled_refines_protected": 1},
    ),
    Case(
        "removing the turn of a fuller wording brings the poorer one back",
        [*_two("Jon lost his job.", _LOST), RemoveTurn("Two.")],
        current=["Jon lost his job."],
        ended=[("Jon lost his job.", "refined"), (_LOST, "removed")],
        refines=[(_LOST, "Jon lost his job.")],
        quotes={"Jon lost his job.": ["One."]},
    ),
    Case(
        "removing the turn of the poorer wording changes only the evidence",
        [*_two("Jon lost his job.", _LOST), RemoveTurn("One.")],
        current=[_LOST],
        ended=[("Jon lost his job.", "removed")],
        refines=[(_LOST, "Jon lost his job.")],
        quotes={_LOST: ["Two."]},
        times_seen={_LOST: 1},
    ),
    Case(
        "removing the later turn of a united text leaves what the earlier one said",
        [*_two(_LOST, _TOUGH), RemoveTurn("Two.")],
        current=[_LOST],
        ended=[(_LOST, "united"), (_TOUGH, "removed"), (_UNITED, "removed")],
        same=[(_TOUGH, _LOST)],
        quotes={_LOST: ["One."]},
    ),
    Case(
        "removing the earlier turn of a united text leaves what the later one said",
        [*_two(_LOST, _TOUGH), RemoveTurn("One.")],
        current=[_TOUGH],
        ended=[(_LOST, "removed"), (_TOUGH, "united"), (_UNITED, "removed")],
        same=[(_TOUGH, _LOST)],
        quotes={_TOUGH: ["Two."]},
    ),
    Case(
        "an outcome ends a plan",
        _two(_PLANS, _OPENED),
        current=[_OPENED],
        ended=[(_PLANS, "ended")],
        ends=[(_OPENED, _PLANS)],
        true_on={"2023-05-15": [_PLANS], "2023-06-15": [_OPENED]},
        believed_after={1: [_PLANS], 2: [_OPENED]},
    ),
    Case(
        "a plan that arrives after its outcome has ended already",
        [
            batch(user("2023-06-01", "Two."), model(fact(_OPENED))),
            batch(user("2023-05-01", "One."), model(fact(_PLANS)), session="old"),
        ],
        current=[_OPENED],
        ended=[(_PLANS, "ended")],
        ends=[(_OPENED, _PLANS)],
    ),
    Case(
        "what was said before a plan does not end it",
        [
            batch(user("2023-06-01", "Two."), model(fact(_PLANS))),
            batch(user("2023-05-01", "One."), model(fact("Jon closed the studio.")), session="old"),
        ],
        current=[_PLANS, "Jon closed the studio."],
        ends=[("Jon closed the studio.", _PLANS)],
        overruled={"overruled_ends_order": 1},
    ),
    Case(
        "removing an outcome brings the plan back",
        [*_two(_PLANS, _OPENED), RemoveTurn("Two.")],
        current=[_PLANS],
        ended=[(_PLANS, "ended"), (_OPENED, "removed")],
        ends=[(_OPENED, _PLANS)],
    ),
    _contradicting("both stay, linked", [], current=[_NEVER, _READS], contradicting=[(_NEVER, _READS)]),
    _contradicting(
        "said again later, one is clear",
        [batch(user("2023-07-01", "Three."), model(fact(_READS)))],
        current=[_READS],
        ended=[(_NEVER, "settled")],
        contradicting=[],
    ),
    _contradicting(
        "removing the clear word opens it again",
        [batch(user("2023-07-01", "Three."), model(fact(_READS))), RemoveTurn("Three.")],
        current=[_NEVER, _READS],
        ended=[(_NEVER, "settled")],
        contradicting=[(_NEVER, _READS)],
    ),
    _contradicting(
        "what a later statement replaces settles it",
        [batch(user("2023-07-01", "Three."), model(fact("Ana gave Saramago up.")))],
        current=[_NEVER, "Ana gave Saramago up."],
        ended=[(_READS, "judged")],
        replaces=[(_READS, "Ana gave Saramago up.")],
        contradicting=[],
    ),
    _contradicting(
        "removing what replaced one opens it again",
        [batch(user("2023-07-01", "Three."), model(fact("Ana gave Saramago up."))), RemoveTurn("Three.")],
        current=[_NEVER, _READS],
        ended=[(_READS, "judged"), ("Ana gave Saramago up.", "removed")],
        replaces=[(_READS, "Ana gave Saramago up.")],
        contradicting=[(_NEVER, _READS)],
    ),
    _contradicting(
        "the fuller wording of one is the clear word",
        [batch(user("2023-07-01", "Three."), model(fact("Ana is reading a book by Saramago in bed.")))],
        current=["Ana is reading a book by Saramago in bed."],
        ended=[(_READS, "refined"), (_NEVER, "settled")],
        refines=[("Ana is reading a book by Saramago in bed.", _READS)],
        contradicting=[],
    ),
    _contradicting(
        "a person keeps one",
        [KeepFact(_NEVER)],
        current=[_NEVER],
        ended=[(_READS, "person")],
        contradicting=[],
    ),
    _contradicting(
        "a person deletes one",
        [DeleteFact(_NEVER)],
        current=[_READS],
        ended=[(_NEVER, "deleted")],
        contradicting=[],
    ),
    _contradicting(
        "a person corrects one",
        [correct_fact(_NEVER, "Ana has never finished a book by Saramago.")],
        current=["Ana has never finished a book by Saramago.", _READS],
        ended=[(_NEVER, "person")],
        contradicting=[],
    ),
    _contradicting(
        "removing the turn of one settles it",
        [RemoveTurn("One.")],
        current=[_READS],
        ended=[(_NEVER, "removed")],
        contradicting=[],
    ),
    Case(
        "a contradiction: a person's fact stands",
        [add_fact(_NEVER), batch(user("2023-06-01", "Two."), model(fact(_READS)))],
        current=[_NEVER],
        ended=[(_READS, "challenge")],
        contradicts=[(_READS, _NEVER)],
        contradicting=[],
    ),
    Case(
        "a contradiction: within one batch",
        [
            batch(
                user("2023-05-01", "One."),
                user("2023-05-01T12:05", "Two."),
                model(fact(_NEVER), fact(_READS, turn=2), fact("Ana sings.", turn=2)),
            ),
            batch(user("2023-06-01", "Three."), model(fact("Ana dances."))),
        ],
        current=[_NEVER, _READS, "Ana sings.", "Ana dances."],
        contradicts=[(_READS, _NEVER)],
    ),
]
