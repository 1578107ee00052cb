"""Deciding what becomes of candidates, without a database."""

import pytest

from afterturn.consolidation.decisions import Because, Ending, decide
from afterturn.consolidation.rules import Names, Relation
from tests.unit.consolidation.statements import at, candidate, known, lived, lives


def pair(one, other):
    return frozenset((one.fact_id, other.fact_id))


def ended(decision):
    return {ending.fact_id: ending.because for ending in decision.ends}


def untouched(decision):
    return (decision.repeats, decision.ends, decision.superseded_by) == (None, (), None)


def test_something_new_is_added():
    [decision] = decide([candidate("Ana likes tea.", 1)], [])
    assert (decision.repeats, decision.supersedes, decision.superseded_by) == (None, (), None)


def test_the_same_text_is_a_repeat_whatever_its_case_and_spaces():
    old = known("Ana likes tea.", 1)
    [decision] = decide([candidate("ana  LIKES tea.", 2)], [old])
    assert decision.repeats == old.fact_id


def test_the_same_value_in_other_words_is_a_repeat():
    old = known("Ana lives in Porto.", 1, attribute="lives_in", value="Porto")
    [decision] = decide([candidate("Ana has her home in porto.", 2, attribute="lives_in", value="porto")], [old])
    assert decision.repeats == old.fact_id


def test_the_newer_value_supersedes_within_one_batch_too():
    first = candidate("Ana lives in Porto.", 1, attribute="lives_in", value="Porto")
    second = candidate("Ana lives in Lisbon.", 1, attribute="lives_in", value="Lisbon")
    decisions = decide([first, second], [])
    assert decisions[1].supersedes == (first.fact_id,)


@pytest.mark.parametrize(
    ("attribute", "subject", "value"),
    [("speaks", "Ana", "Danish"), ("lives_in", "Ben", "Lisbon"), (None, "Ana", None), ("lives_in", None, "Lisbon")],
)
def test_what_does_not_compete_is_kept_beside(attribute, subject, value):
    old = known("Ana lives in Porto.", 1, attribute="lives_in", value="Porto")
    [decision] = decide([candidate("Another thing.", 2, attribute=attribute, value=value, subject=subject)], [old])
    assert (decision.repeats, decision.supersedes, decision.superseded_by) == (None, (), None)


def test_what_is_over_competes_with_nothing_current():
    old = known("Ana lives in Porto.", 1, attribute="lives_in", value="Porto")
    past = candidate("Ana lived in Rome until 2019.", 2, attribute="lives_in", value="Rome", valid_to=at(1))
    [decision] = decide([past], [old])
    assert decision.supersedes == ()


def test_what_was_over_when_it_was_said_is_no_rival_of_a_new_value_either():
    past = known("Ana lived in Rome until 2019.", 1, attribute="lives_in", value="Rome", said_valid_to=at(1))
    [decision] = decide([lives("Porto", 2)], [past])
    assert untouched(decision)


def test_what_will_be_over_is_a_rival_until_then():
    old = lived("Rome", 1, said_valid_to=at(20))
    [decision] = decide([lives("Porto", 2)], [old])
    assert decision.supersedes == (old.fact_id,)


def test_a_correction_holds_since_the_mistake_did():
    mistake = lived("Porto", 3, first_said_at=at(2))
    [decision] = decide([lives("Faro", 4, corrects=True)], [mistake])
    assert decision.ends == (Ending(fact_id=mistake.fact_id, because=Because.CORRECTION),)
    assert decision.valid_from == at(2)


def test_a_correction_that_says_since_when_holds_since_then():
    [decision] = decide([lives("Faro", 4, corrects=True, valid_from=at(3))], [lived("Porto", 2)])
    assert decision.believed.candidate.valid_from == at(3)


def test_of_two_mistakes_the_correction_holds_since_the_last():
    verdicts = {}
    mistakes = [known("Ana's class is on Monday.", 1), known("Ana's class is in June.", 2)]
    right = candidate("Ana's class is in July.", 3, corrects=True)
    verdicts = {pair(right, mistake): Relation.REPLACES for mistake in mistakes}
    [decision] = decide([right], mistakes, verdicts)
    assert set(ended(decision).values()) == {Because.CORRECTION}
    assert decision.valid_from == at(2)


def test_a_repeat_of_history_between_two_values_adds_to_it():
    old, new = lived("Porto", 1, is_current=False), lived("Faro", 5)
    [decision] = decide([lives("Porto", 3)], [old, new])
    assert decision.repeats == old.fact_id


def test_history_that_nothing_in_line_has_ended_is_not_repeated_but_true_anew():
    """What ended it is no value of the attribute, and not current any more."""
    old = lived("Porto", 1, is_current=False)
    [decision] = decide([lives("Porto", 3)], [old])
    assert decision.repeats is None and decision.superseded_by is None


def test_what_was_judged_away_and_is_said_once_more_from_before_then_is_history():
    """Also where the judge is not shown what took its place."""
    old = known("Ana jogs.", 1, is_current=False, replaced_at=at(5))
    [decision] = decide([candidate("Ana jogs.", 3)], [old])
    assert decision.repeats == old.fact_id
    [decision] = decide([candidate("Ana jogs.", 7)], [old])
    assert untouched(decision)


def test_what_said_that_it_ended_is_ended_by_the_same_value_said_again():
    vegan = known("Ana is vegan.", 1, attribute="diet", value="vegan", is_current=False)
    no_more = known("Ana is no longer vegan.", 2, attribute="no_longer_diet", value="vegan")
    [decision] = decide([candidate("Ana is vegan.", 3, attribute="diet", value="vegan")], [vegan, no_more])
    assert decision.repeats is None
    assert no_more.fact_id in decision.supersedes


def test_a_value_before_a_repeated_one_ends_when_that_was_said_again():
    """The other value was said before and after it: it cannot end before it began."""
    faro = lived("Faro", 9, first_said_at=at(1))
    [decision] = decide([lives("Porto", 5)], [faro])
    assert (decision.superseded_by, decision.valid_to) == (faro.fact_id, at(9))


def test_what_ends_until_a_day_ends_the_present_but_not_a_later_present():
    works = {"attribute": "works_at", "value": "Acme"}
    left = {"attribute": "worked_at", "value": "Acme", "valid_to": at(10)}
    before, after = known("Ana works at Acme.", 2, **works), known("Ana is back at Acme.", 12, **works)
    [decision] = decide([candidate("Ana worked at Acme until the tenth.", 10, **left)], [before])
    assert ended(decision) == {before.fact_id: Because.NEWER_VALUE}
    [decision] = decide([candidate("Ana worked at Acme until the tenth.", 14, **left)], [after])
    assert untouched(decision)


def test_the_past_without_an_end_contradicts_nothing():
    [decision] = decide(
        [candidate("Ana worked at Acme.", 3, attribute="worked_at", value="Acme")],
        [known("Ana works at Acme.", 2, attribute="works_at", value="Acme")],
    )
    assert untouched(decision)


def test_a_present_before_a_known_end_is_history():
    left = known("Ana left Acme.", 10, attribute="worked_at", value="Acme", said_valid_to=at(10))
    [decision] = decide([candidate("Ana works at Acme.", 2, attribute="works_at", value="Acme")], [left])
    assert (decision.superseded_by, decision.valid_to) == (left.fact_id, at(10))


def test_the_later_said_replaces_the_other_whichever_was_known():
    one, other = known("Ana jogs.", 2), candidate("Ana does no sports.", 3)
    [decision] = decide([other], [one], {pair(one, other): Relation.REPLACES})
    assert ended(decision) == {one.fact_id: Because.JUDGED}
    early = candidate("Ana does no sports.", 1)
    [decision] = decide([early], [one], {pair(one, early): Relation.REPLACES})
    assert (decision.superseded_by, decision.ended_because) == (one.fact_id, Because.JUDGED)
    assert decision.valid_to == at(2)


def test_of_several_that_came_later_the_next_one_takes_its_place():
    later = [known("Ana does no sports.", 9), known("Ana swims instead.", 5)]
    early = candidate("Ana jogs.", 1)
    verdicts = {pair(fact, early): Relation.REPLACES for fact in later}
    [decision] = decide([early], later, verdicts)
    assert (decision.superseded_by, decision.valid_to) == (later[1].fact_id, at(5))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ana ran 10 km.", "Ana ran 12 km."),
        ("Ana ran 10 km.", "Ana ran 10 miles."),
        ("Ana met Rui.", "Ana met Ruth."),
        ("Marta met Ana.", "Maria met Ana."),
        ("Ana eats fish.", "Ana does not eat fish."),
        ("Ana left in May.", "Ana left in June."),
    ],
)
def test_a_verdict_of_same_is_refused_where_a_detail_differs(one, other):
    old, new = known(one, 1), candidate(other, 2)
    [decision] = decide([new], [old], {pair(old, new): Relation.SAME})
    assert untouched(decision)
    [decision] = decide([new], [old], {pair(old, new): Relation.REPLACES})
    assert decision.supersedes == (old.fact_id,)


def test_a_verdict_of_same_merges_what_differs_in_words_only():
    old, new = known("Ana is a keen cyclist.", 1), candidate("Ana is passionate about cycling.", 2)
    [decision] = decide([new], [old], {pair(old, new): Relation.SAME})
    assert decision.repeats == old.fact_id


def test_the_same_words_about_two_days_are_two_events():
    old = known("Ana gave blood.", 1, category="event", valid_from=at(1))
    new = candidate("Ana gave blood.", 9, category="event", valid_from=at(9))
    [decision] = decide([new], [old], {pair(old, new): Relation.SAME})
    assert untouched(decision)
    [again] = decide([candidate("Ana gave blood.", 10, category="event", valid_from=at(1))], [old])
    assert again.repeats == old.fact_id


def test_what_replaces_a_repeat_replaces_the_fact_that_it_repeats():
    old = known("Ana jogs.", 1)
    repeat, new = candidate("Ana goes jogging.", 2), candidate("Ana does no sports.", 3)
    verdicts = {pair(old, repeat): Relation.SAME, pair(repeat, new): Relation.REPLACES}
    first, second = decide([repeat, new], [old], verdicts)
    assert first.repeats == old.fact_id
    assert second.supersedes == (old.fact_id,)


def test_a_value_in_line_ends_what_the_judge_names_besides():
    acme = known("Ana works at Acme.", 1, attribute="works_at", value="Acme")
    nights = known("Ana works the night shift at Acme.", 1)
    globex = candidate("Ana works at Globex.", 2, attribute="works_at", value="Globex")
    [decision] = decide([globex], [acme, nights], {pair(globex, nights): Relation.REPLACES})
    assert ended(decision) == {acme.fact_id: Because.NEWER_VALUE, nights.fact_id: Because.JUDGED}


def test_a_repeated_value_ends_what_the_judge_names_besides():
    acme = known("Ana works at Acme.", 1, attribute="works_at", value="Acme")
    lost = known("Ana lost her job.", 1)
    again = candidate("Ana works at Acme.", 2, attribute="works_at", value="Acme")
    [decision] = decide([again], [acme, lost], {pair(again, lost): Relation.REPLACES})
    assert (decision.repeats, decision.supersedes) == (acme.fact_id, (lost.fact_id,))


@pytest.mark.parametrize("day", [1, 9])
def test_what_contradicts_a_persons_word_is_a_challenge_whenever_it_was_said(day):
    mine = lived("Porto", 5, is_protected=True)
    [decision] = decide([lives("Faro", day)], [mine])
    assert (decision.superseded_by, decision.ended_because) == (mine.fact_id, Because.CHALLENGE)
    assert decision.ends == ()


def test_a_judged_contradiction_of_a_persons_word_is_a_challenge():
    mine, new = known("Ana is a vegetarian.", 1, is_protected=True), candidate("Ana eats meat.", 2)
    [decision] = decide([new], [mine], {pair(mine, new): Relation.REPLACES})
    assert (decision.superseded_by, decision.ended_because) == (mine.fact_id, Because.CHALLENGE)


def test_a_challenge_that_is_said_again_is_the_same_challenge():
    mine = lived("Porto", 5, is_protected=True)
    first, second, third = decide([lives("Faro", 6), lives("Faro", 7), lives("Braga", 8)], [mine])
    assert (first.ended_because, second.repeats) == (Because.CHALLENGE, first.fact_id)
    assert (third.superseded_by, third.ended_because) == (mine.fact_id, Because.CHALLENGE)


@pytest.mark.parametrize("day", [3, 9])
def test_a_challenge_of_an_earlier_batch_is_said_again(day):
    mine = lived("Porto", 5, is_protected=True)
    challenge = lived("Faro", 6, is_current=False, replaced_at=at(5), is_challenge=True)
    [decision] = decide([lives("Faro", day)], [mine, challenge])
    assert (decision.repeats, decision.ends) == (challenge.fact_id, ())


def test_a_person_s_word_is_no_repeat_of_a_challenge_alone():
    mine = lived("Porto", 5, is_protected=True)
    challenge = lived("Faro", 6, is_current=False, replaced_at=at(5), is_challenge=True)
    [decision] = decide([lives("Faro", 9, origin="person")], [mine, challenge])
    assert [(ending.fact_id, ending.because) for ending in decision.ends] == [(mine.fact_id, Because.PERSON)]


def test_what_is_said_twice_and_judged_once_is_judged():
    """What repeats another candidate by rule is not put to the judge."""
    later = known("Ana does no sports.", 9)
    first, second = candidate("Ana jogs.", 1), candidate("Ana jogs.", 2)
    decisions = decide([first, second], [later], {pair(first, later): Relation.REPLACES})
    assert [decision.fact_id for decision in decisions] == [first.fact_id] * 2
    mine = known("Ana does no sports.", 1, is_protected=True)
    decisions = decide([first, second], [mine], {pair(first, mine): Relation.REPLACES})
    assert decisions[0].ended_because is Because.CHALLENGE
    assert decisions[1].repeats == first.fact_id


def test_what_agrees_with_a_persons_word_is_a_repeat():
    mine = lived("Porto", 5, is_protected=True)
    [decision] = decide([lives("Porto", 9)], [mine])
    assert decision.repeats == mine.fact_id


@pytest.mark.parametrize("day", [1, 9])
def test_a_persons_word_ends_what_was_extracted_whenever_that_was_said(day):
    old = lived("Porto", day)
    [decision] = decide([lives("Faro", 5, origin="person")], [old])
    assert ended(decision) == {old.fact_id: Because.PERSON}


def test_a_person_who_repeats_a_fact_protects_it_from_the_next_candidates():
    first, second = decide([lives("Porto", 5, origin="person"), lives("Faro", 6)], [lived("Porto", 1)])
    assert first.repeats is not None
    assert (second.superseded_by, second.ended_because) == (first.repeats, Because.CHALLENGE)


def test_people_of_one_name_do_not_compete():
    sister = known("Maria, Ana's sister, lives in Rome.", 1, subject="Maria", attribute="lives_in", value="Rome")
    text = "Maria, Ana's colleague, lives in Oslo."
    [decision] = decide([candidate(text, 2, subject="Maria", attribute="lives_in", value="Oslo")], [sister])
    assert untouched(decision)


@pytest.mark.parametrize("subject", ["Ana", "ana", "Ana Reis", "user", "The user"])
def test_all_names_of_the_user_are_one_subject(subject):
    old = lived("Porto", 1)
    [decision] = decide([lives("Faro", 2, subject=subject)], [old], names=Names.of(["Ana Reis"]))
    assert decision.supersedes == (old.fact_id,)


def test_a_decision_is_the_same_however_often_it_is_made():
    facts = [lived("Porto", 1), known("Ana jogs.", 1)]
    new = [lives("Faro", 2), candidate("Ana does no sports.", 3)]
    verdicts = {pair(facts[1], new[1]): Relation.REPLACES}
    assert decide(new, facts, verdicts) == decide(new, reversed(facts), verdicts)
