"""What becomes of two statements that say the same: nothing that either of them says is lost."""

import pytest

from afterturn.consolidation import details, fusion
from afterturn.consolidation.fusion import Outcome
from afterturn.consolidation.guards import Guard
from afterturn.consolidation.rules import Relation
from tests.unit.consolidation.statements import at, candidate, known

LOST = "Jon lost his job in January 2023."
TOUGH = "Jon lost his job, and things have been tough."


def fused(one, other, relation=Relation.SAME, **fields):
    return fusion.fuse(known(one, 1), candidate(other, 2, **fields).content, relation)


@pytest.mark.parametrize("relation", [Relation.SAME, Relation.REFINES])
@pytest.mark.parametrize(
    ("poorer", "fuller"),
    [
        ("Jon lost his job.", LOST),
        ("Ana runs.", "Ana runs 5 km."),
        ("Ana met a friend.", "Ana met a friend, Rui."),
        ("Ana saw the sea in 2023.", "Ana saw the sea on 7 May 2023."),
        ("Ana was in Rome in May 2023.", "Ana was in Rome from 2023-05-03 on."),
        ("Ana joue au tennis.", "Ana joue au tennis avec Rui depuis mars 2022."),
        ("Ana hat zwei Katzen.", "Ana hat zwei Katzen, Tom und Jerry."),
        ("Ana vive a Roma.", "Ana vive a Roma da gennaio 2021."),
        ("Анна живёт в Москве.", "Анна живёт в Москве, май 2020."),
        ("小明喜欢喝茶。", "小明喜欢喝茶 每天三杯。"),
    ],
)
def test_the_fuller_statement_stays_whichever_was_first(poorer, fuller, relation):
    assert fused(poorer, fuller, relation).outcome is Outcome.TAKE
    assert fused(fuller, poorer, relation).outcome is Outcome.KEEP


@pytest.mark.parametrize("relation", [Relation.SAME, Relation.REFINES])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        (LOST, TOUGH),
        (TOUGH, LOST),
        ("Ana ran 10 km.", "Ana ran on 5 May."),
        ("Ana met Rui at work.", "Ana met Rui in Porto."),
        ("Ana moved in 2020; her sister helped.", "Ana moved to Porto."),
        ("Ana sings because it calms her.", "Ana sings on Mondays."),
        ("Ana perdeu o emprego em maio.", "Ana perdeu o emprego e est\u00e1 triste."),
    ],
)
def test_each_says_more_so_that_both_are_in_one_text(one, other, relation):
    found = fused(one, other, relation)
    assert found.outcome is Outcome.UNITE
    assert found.text == f"{one.rstrip('.')}; {other}"
    assert details.says_all_of(found.text, one) and details.says_all_of(found.text, other)


@pytest.mark.parametrize("relation", [Relation.SAME, Relation.REFINES])
@pytest.mark.parametrize(
    ("one", "other", "guard"),
    [
        ("Ana ran 10 km.", "Ana ran 12 km.", Guard.NUMBERS),
        ("Ana has two cats.", "Ana has 3 cats.", Guard.NUMBERS),
        ("Ana left in May.", "Ana left in June.", Guard.DATES),
        ("Ana left in May 2022.", "Ana left in May 2023.", Guard.DATES),
        ("Ana left on 2023-05-07.", "Ana left on 8 May 2023.", Guard.DATES),
        ("The class is on Monday.", "The class is on Tuesday.", Guard.DATES),
        ("La classe est lundi soir.", "La classe est mardi soir.", Guard.DATES),
        ("Ana kommt im M\u00e4rz.", "Ana kommt im Juli zur\u00fcck.", Guard.DATES),
        ("小明5月7日去北京。", "小明5月8日去北京。", Guard.DATES),
        ("Ana runs 5 km.", "Ana runs 5 miles.", Guard.UNITS),
        ("Ana met Rui.", "Ana met Ruth.", Guard.NAMES),
        ("Marta gave Ana a book.", "Maria gave Ana a book.", Guard.NAMES),
        ("Ana eats fish.", "Ana does not eat fish.", Guard.NEGATION),
        ("Ana isst Fisch.", "Ana isst keinen Fisch.", Guard.NEGATION),
        ("Ana come carne.", "Ana no come carne.", Guard.NEGATION),
        ("Анна ест мясо.", "Анна не ест мясо.", Guard.NEGATION),
        ("x" * 401, "x" * 402, Guard.CUT),
        (f"Ana sings on Monday {'loudly ' * 30}.", f"Ana dances in May {'wildly ' * 30}.", Guard.LENGTH),
    ],
)
def test_what_excludes_each_other_or_is_too_long_stays_apart(one, other, guard, relation):
    assert fused(one, other, relation) == fusion.Fusion(Outcome.SEPARATE, guard=guard)


def test_an_event_keeps_its_day():
    dated = {"category": "event", "valid_from": at(7)}
    assert fused("Ana gave blood.", "Ana gave blood.", **dated).outcome is Outcome.TAKE
    assert fused("Ana gave blood.", "Ana donated blood.", **dated).outcome is Outcome.UNITE
    assert fused("Ana gave blood on 7 January.", "Ana gave blood.", **dated).outcome is Outcome.KEEP


def test_other_words_for_the_same_are_trusted_to_the_verdict():
    assert fused("Ana is a keen cyclist.", "Ana is passionate about cycling.").outcome is Outcome.KEEP
    refined = fused("Ana is a keen cyclist.", "Ana is passionate about cycling.", Relation.REFINES)
    assert refined.outcome is Outcome.UNITE
