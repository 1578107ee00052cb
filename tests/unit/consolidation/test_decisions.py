"""Decisions about candidates, without a database."""

import pytest

from afterturn.consolidation.deciding import decide
from afterturn.consolidation.decisions import Ending, EndReason
from afterturn.consolidation.rules import UserNames
from afterturn.relation import Relation
from tests.unit.consolidation.statements import at, candidate, known, lived, lives


def pair(one, other):
    return one.fact_id, other.fact_id


def ended(decision):
    return {ending.fact_id: ending.because for ending in decision.ends}


def changes_nothing(decision):
    return (decision.repeats, decision.ends, decision.superseded_by) == (None, (), None)


def test_a_new_statement_becomes_a_fact():
    [decision] = decide([candidate("Ana likes tea.", 1)], [])
    assert (decision.repeats, decision.supersedes, decision.superseded_by) == (None, (), None)


def test_the_same_text_in_another_case_or_spacing_is_a_repetition():
    old = known("Ana likes tea.", 1)
    [decision] = decide([candidate("ana  LIKES tea.", 2)], [old])
    assert decision.repeats == old.fact_id


def test_the_same_value_in_other_words_is_a_repetition():
    old = known("Ana lives in Porto.", 1, attribute="lives_in", value="Porto")
    [decision] = decide([candidate("Ana has her home in porto.", 2, attribute="lives_in", value="porto")], [old])
    assert decision.repeats == old.fact_id


def test_the_newer_value_supersedes_also_within_one_batch():
    first = candidate("Ana lives in Porto.", 1, attribute="lives_in", value="Porto")
    second = candidate("Ana lives in Lisbon.", 1, attribute="lives_in", value="Lisbon")
    decisions = decide([first, second], [])
    assert decisions[1].supersedes == (first.fact_id,)


@pytest.mark.parametrize(
    ("attribute", "subject", "value"),
    [("speaks", "Ana", "Danish"), ("lives_in", "Ben", "Lisbon"), (None, "Ana", None), ("lives_in", None, "Lisbon")],
)
def test_a_statement_that_does_not_compete_changes_no_other(attribute, subject, value):
    old = known("Ana lives in Porto.", 1, attribute="lives_in", value="Porto")
    [decision] = decide([candidate("Another thing.", 2, attribute=attribute, value=value, subject=subject)], [old])
    assert (decision.repeats, decision.supersedes, decision.superseded_by) == (None, (), None)


def test_a_candidate_that_has_ended_does_not_compete_with_current_facts():
    old = known("Ana lives in Porto.", 1, attribute="lives_in", value="Porto")
    past = candidate("Ana lived in Rome until 2019.", 2, attribute="lives_in", value="Rome", valid_to=at(1))
    [decision] = decide([past], [old])
    assert decision.supersedes == ()


def test_a_fact_that_had_ended_when_it_was_said_does_not_compete_with_a_new_value():
    past = known("Ana lived in Rome until 2019.", 1, attribute="lives_in", value="Rome", said_valid_to=at(1))
    [decision] = decide([lives("Porto", 2)], [past])
    assert changes_nothing(decision)


def test_a_fact_with_an_end_in_the_future_competes_until_then():
    old = lived("Rome", 1, said_valid_to=at(20))
    [decision] = decide([lives("Porto", 2)], [old])
    assert decision.supersedes == (old.fact_id,)


def test_a_correction_holds_since_the_corrected_fact_did():
    mistake = lived("Porto", 3, first_said_at=at(2))
    [decision] = decide([lives("Faro", 4, corrects=True)], [mistake])
    assert decision.ends == (Ending(fact_id=mistake.fact_id, because=EndReason.CORRECTION),)
    assert decision.valid_from == at(2)


def test_a_correction_with_a_start_time_holds_since_that_time():
    [decision] = decide([lives("Faro", 4, corrects=True, valid_from=at(3))], [lived("Porto", 2)])
    assert decision.candidate.content.valid_from == at(3)


def test_a_correction_of_two_facts_holds_since_the_later_one():
    verdicts = {}
    mistakes = [known("Ana's class is on Monday.", 1), known("Ana's class is in June.", 2)]
    right = candidate("Ana's class is in July.", 3, corrects=True)
    verdicts = {pair(right, mistake): Relation.REPLACES for mistake in mistakes}
    [decision] = decide([right], mistakes, verdicts)
    assert set(ended(decision).values()) == {EndReason.CORRECTION}
    assert decision.valid_from == at(2)


def test_a_former_value_said_before_the_next_value_is_a_repetition():
    old, new = lived("Porto", 1, is_current=False), lived("Faro", 5)
    [decision] = decide([lives("Porto", 3)], [old, new])
    assert decision.repeats == old.fact_id


def test_a_former_value_without_a_later_value_becomes_a_new_fact():
    """The fact that ended it is not a value of the attribute, and is no longer current."""
    old = lived("Porto", 1, is_current=False)
    [decision] = decide([lives("Porto", 3)], [old])
    assert decision.repeats is None and decision.superseded_by is None


def test_a_judged_away_fact_said_before_its_replacement_is_a_repetition():
    """This does not need the fact that replaced it."""
    old = known("Ana jogs.", 1, is_current=False, replaced_at=at(5))
    [decision] = decide([candidate("Ana jogs.", 3)], [old])
    assert decision.repeats == old.fact_id
    [decision] = decide([candidate("Ana jogs.", 7)], [old])
    assert changes_nothing(decision)


def test_saying_a_value_again_ends_the_statement_that_it_ended():
    vegan = known("Ana is vegan.", 1, attribute="diet", value="vegan", is_current=False)
    no_more = known("Ana is no longer vegan.", 2, attribute="no_longer_diet", value="vegan")
    [decision] = decide([candidate("Ana is vegan.", 3, attribute="diet", value="vegan")], [vegan, no_more])
    assert decision.repeats is None
    assert no_more.fact_id in decision.supersedes


def test_a_value_between_two_mentions_of_another_ends_at_the_second_mention():
    """The other value was said before and after it: the value cannot end before it began."""
    faro = lived("Faro", 9, first_said_at=at(1))
    [decision] = decide([lives("Porto", 5)], [faro])
    assert (decision.superseded_by, decision.valid_to) == (faro.fact_id, at(9))


def test_an_end_date_ends_the_present_state_but_not_a_later_one():
    works = {"attribute": "works_at", "value": "Acme"}
    left = {"attribute": "worked_at", "value": "Acme", "valid_to": at(10)}
    before, after = known("Ana works at Acme.", 2, **works), known("Ana is back at Acme.", 12, **works)
    [decision] = decide([candidate("Ana worked at Acme until the tenth.", 10, **left)], [before])
    assert ended(decision) == {before.fact_id: EndReason.NEWER_VALUE}
    [decision] = decide([candidate("Ana worked at Acme until the tenth.", 14, **left)], [after])
    assert changes_nothing(decision)


def test_a_past_tense_without_an_end_contradicts_nothing():
    [decision] = decide(
        [candidate("Ana worked at Acme.", 3, attribute="worked_at", value="Acme")],
        [known("Ana works at Acme.", 2, attribute="works_at", value="Acme")],
    )
    assert changes_nothing(decision)


def test_a_present_state_said_before_its_known_end_is_superseded():
    left = known("Ana left Acme.", 10, attribute="worked_at", value="Acme", said_valid_to=at(10))
    [decision] = decide([candidate("Ana works at Acme.", 2, attribute="works_at", value="Acme")], [left])
    assert (decision.superseded_by, decision.valid_to) == (left.fact_id, at(10))


def test_the_later_of_two_judged_statements_replaces_the_earlier():
    one, other = known("Ana jogs.", 2), candidate("Ana does no sports.", 3)
    [decision] = decide([other], [one], {pair(one, other): Relation.REPLACES})
    assert ended(decision) == {one.fact_id: EndReason.JUDGED}
    early = candidate("Ana does no sports.", 1)
    [decision] = decide([early], [one], {pair(one, early): Relation.REPLACES})
    assert (decision.superseded_by, decision.ended_because) == (one.fact_id, EndReason.JUDGED)
    assert decision.valid_to == at(2)


def test_the_next_of_several_later_facts_supersedes():
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
def test_a_verdict_of_same_is_ignored_if_a_detail_differs(one, other):
    old, new = known(one, 1), candidate(other, 2)
    [decision] = decide([new], [old], {pair(old, new): Relation.SAME})
    assert changes_nothing(decision)
    [decision] = decide([new], [old], {pair(old, new): Relation.REPLACES})
    assert decision.supersedes == (old.fact_id,)


def test_a_verdict_of_same_merges_statements_that_differ_only_in_words():
    old, new = known("Ana is a keen cyclist.", 1), candidate("Ana is passionate about cycling.", 2)
    [decision] = decide([new], [old], {pair(old, new): Relation.SAME})
    assert decision.repeats == old.fact_id


def test_the_same_text_about_two_days_is_two_events():
    old = known("Ana gave blood.", 1, category="event", valid_from=at(1))
    new = candidate("Ana gave blood.", 9, category="event", valid_from=at(9))
    [decision] = decide([new], [old], {pair(old, new): Relation.SAME})
    assert changes_nothing(decision)
    [again] = decide([candidate("Ana gave blood.", 10, category="event", valid_from=at(1))], [old])
    assert again.repeats == old.fact_id


def test_replacing_a_repetition_replaces_the_repeated_fact():
    old = known("Ana jogs.", 1)
    repeat, new = candidate("Ana goes jogging.", 2), candidate("Ana does no sports.", 3)
    verdicts = {pair(old, repeat): Relation.SAME, pair(repeat, new): Relation.REPLACES}
    first, second = decide([repeat, new], [old], verdicts)
    assert first.repeats == old.fact_id
    assert second.supersedes == (old.fact_id,)


def test_a_new_value_also_ends_the_facts_that_the_judge_names():
    acme = known("Ana works at Acme.", 1, attribute="works_at", value="Acme")
    nights = known("Ana works the night shift at Acme.", 1)
    globex = candidate("Ana works at Globex.", 2, attribute="works_at", value="Globex")
    [decision] = decide([globex], [acme, nights], {pair(globex, nights): Relation.REPLACES})
    assert ended(decision) == {acme.fact_id: EndReason.NEWER_VALUE, nights.fact_id: EndReason.JUDGED}


def test_a_repeated_value_also_ends_the_facts_that_the_judge_names():
    acme = known("Ana works at Acme.", 1, attribute="works_at", value="Acme")
    lost = known("Ana lost her job.", 1)
    again = candidate("Ana works at Acme.", 2, attribute="works_at", value="Acme")
    [decision] = decide([again], [acme, lost], {pair(again, lost): Relation.REPLACES})
    assert (decision.repeats, decision.supersedes) == (acme.fact_id, (lost.fact_id,))


@pytest.mark.parametrize("day", [1, 9])
def test_a_contradiction_of_a_persons_fact_is_a_challenge_at_any_time(day):
    mine = lived("Porto", 5, is_protected=True)
    [decision] = decide([lives("Faro", day)], [mine])
    assert (decision.superseded_by, decision.ended_because) == (mine.fact_id, EndReason.CHALLENGE)
    assert decision.ends == ()


def test_a_judged_contradiction_of_a_persons_fact_is_a_challenge():
    mine, new = known("Ana is a vegetarian.", 1, is_protected=True), candidate("Ana eats meat.", 2)
    [decision] = decide([new], [mine], {pair(mine, new): Relation.REPLACES})
    assert (decision.superseded_by, decision.ended_because) == (mine.fact_id, EndReason.CHALLENGE)


def test_a_repeated_challenge_is_the_same_challenge():
    mine = lived("Porto", 5, is_protected=True)
    first, second, third = decide([lives("Faro", 6), lives("Faro", 7), lives("Braga", 8)], [mine])
    assert (first.ended_because, second.repeats) == (EndReason.CHALLENGE, first.fact_id)
    assert (third.superseded_by, third.ended_because) == (mine.fact_id, EndReason.CHALLENGE)


@pytest.mark.parametrize("day", [3, 9])
def test_a_challenge_of_an_earlier_batch_can_be_repeated(day):
    mine = lived("Porto", 5, is_protected=True)
    challenge = lived("Faro", 6, is_current=False, replaced_at=at(5), is_challenge=True)
    [decision] = decide([lives("Faro", day)], [mine, challenge])
    assert (decision.repeats, decision.ends) == (challenge.fact_id, ())


def test_a_persons_fact_that_equals_a_challenge_supersedes_the_other_fact():
    mine = lived("Porto", 5, is_protected=True)
    challenge = lived("Faro", 6, is_current=False, replaced_at=at(5), is_challenge=True)
    [decision] = decide([lives("Faro", 9, origin="person")], [mine, challenge])
    assert [(ending.fact_id, ending.because) for ending in decision.ends] == [(mine.fact_id, EndReason.PERSON)]


def test_a_verdict_on_a_candidate_applies_to_its_repetition():
    """The judge is not asked about a candidate that repeats another one by rule."""
    later = known("Ana does no sports.", 9)
    first, second = candidate("Ana jogs.", 1), candidate("Ana jogs.", 2)
    decisions = decide([first, second], [later], {pair(first, later): Relation.REPLACES})
    assert [decision.fact_id for decision in decisions] == [first.fact_id] * 2
    mine = known("Ana does no sports.", 1, is_protected=True)
    decisions = decide([first, second], [mine], {pair(first, mine): Relation.REPLACES})
    assert decisions[0].ended_because is EndReason.CHALLENGE
    assert decisions[1].repeats == first.fact_id


def test_a_statement_that_agrees_with_a_persons_fact_is_a_repetition():
    mine = lived("Porto", 5, is_protected=True)
    [decision] = decide([lives("Porto", 9)], [mine])
    assert decision.repeats == mine.fact_id


@pytest.mark.parametrize("day", [1, 9])
def test_a_persons_fact_ends_an_extracted_one_of_any_time(day):
    old = lived("Porto", day)
    [decision] = decide([lives("Faro", 5, origin="person")], [old])
    assert ended(decision) == {old.fact_id: EndReason.PERSON}


def test_a_fact_that_a_person_repeats_is_protected_from_the_next_candidates():
    first, second = decide([lives("Porto", 5, origin="person"), lives("Faro", 6)], [lived("Porto", 1)])
    assert first.repeats is not None
    assert (second.superseded_by, second.ended_because) == (first.repeats, EndReason.CHALLENGE)


def test_different_people_with_one_name_do_not_compete():
    sister = known("Maria, Ana's sister, lives in Rome.", 1, subject="Maria", attribute="lives_in", value="Rome")
    text = "Maria, Ana's colleague, lives in Oslo."
    [decision] = decide([candidate(text, 2, subject="Maria", attribute="lives_in", value="Oslo")], [sister])
    assert changes_nothing(decision)


@pytest.mark.parametrize("subject", ["Ana", "ana", "Ana Reis", "user", "The user"])
def test_all_names_of_the_user_are_one_subject(subject):
    old = lived("Porto", 1)
    [decision] = decide([lives("Faro", 2, subject=subject)], [old], names=UserNames.from_display_names(["Ana Reis"]))
    assert decision.supersedes == (old.fact_id,)


def test_decisions_do_not_depend_on_the_order_of_facts():
    facts = [lived("Porto", 1), known("Ana jogs.", 1)]
    new = [lives("Faro", 2), candidate("Ana does no sports.", 3)]
    verdicts = {pair(facts[1], new[1]): Relation.REPLACES}
    assert decide(new, facts, verdicts) == decide(new, reversed(facts), verdicts)
