"""The statements that the offline extractor understands, and the facts that it returns."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from afterturn.extraction import answer
from afterturn.extraction.extractor import ExtractionRequest
from afterturn.extraction.offline import OfflineExtractor
from tests.unit.extraction.offline_batch import extract, texts, turn


@pytest.mark.parametrize(
    ("said", "facts"),
    [
        ("I live in Lisbon.", ["Ana lives in Lisbon."]),
        ("i live in munich and work for bmw", ["Ana lives in munich.", "Ana works for bmw."]),
        ("I\u2019m a nurse.", ["Ana is a nurse."]),
        ("I am Portuguese.", ["Ana is Portuguese."]),
        ("I've been working at Google since 2019.", ["Ana has been working at Google since 2019."]),
        ("I try to run every day and love my bike.", ["Ana tries to run every day and loves their bike."]),
        ("I go to school and have two brothers.", ["Ana goes to school.", "Ana has two brothers."]),
        ("I can swim and dance.", ["Ana can swim and dance."]),
        ("I want to swim and dance.", ["Ana wants to swim and dance."]),
        ("I don't like mushrooms, but I love truffles.", ["Ana does not like mushrooms.", "Ana loves truffles."]),
        ("I haven't been sleeping well lately.", ["Ana has not been sleeping well lately."]),
        ("I can't stand horror films.", ["Ana cannot stand horror films."]),
        ("My parents gave me a car.", ["Ana's parents gave them a car."]),
        ("Dr. Smith told me I need surgery.", ["Dr. Smith told Ana they need surgery."]),
        ("I taught myself Spanish.", ["Ana taught themselves Spanish."]),
        ("I myself painted my room.", ["Ana painted their room."]),
        ("My wife and I went to Paris in 2019.", ["Ana and their wife went to Paris in 2019."]),
        ("We adopted a puppy.", ["Ana and others adopted a puppy."]),
        ("Yeah, well, I'm learning Spanish.", ["Ana is learning Spanish."]),
        ("Just bought a Tesla Model 3.", ["Ana just bought a Tesla Model 3."]),
        ("Been volunteering at the shelter.", ["Ana has been volunteering at the shelter."]),
        ("Gonna visit Kyoto in 2024.", ["Ana is going to visit Kyoto in 2024."]),
        ("Please remember that I'm allergic to nuts.", ["Ana is allergic to nuts."]),
        ("Can't believe I got the job!", ["Ana got the job."]),
        ("Today is my birthday.", ["Ana's birthday is on 8 May."]),
        ("I like tea, because it calms me.", ["Ana likes tea, because it calms them."]),
        ("The support group has made me feel accepted.", ["The support group has made Ana feel accepted."]),
        ("I know Python and Rust.", ["Ana knows Python and Rust."]),
        ("I see a therapist every week.", ["Ana sees a therapist every week."]),
        ("I'd love to visit Japan.", ["Ana would love to visit Japan."]),
        ("I might move to Porto.", ["Ana might move to Porto."]),
        ('I read "Becoming Nicole" twice.', ['Ana read "Becoming Nicole" twice.']),
        ("My sister is a nurse. She lives in Berlin.", ["Ana's sister is a nurse.", "Ana's sister lives in Berlin."]),
    ],
)
def test_a_statement_is_rewritten_in_the_third_person(said: str, facts: list[str]) -> None:
    assert texts(said) == facts


@pytest.mark.parametrize(
    ("said", "subject", "attribute", "value"),
    [
        ("My name is Ana.", "Ana", "name", "Ana"),
        ("I'm 34 years old.", "Ana", "age", "34"),
        ("I'm Mexican.", "Ana", "nationality", "Mexican"),
        ("I was born on 3 May 1990.", "Ana", "born_on", "3 May 1990"),
        ("I am from Portugal.", "Ana", "from", "Portugal"),
        ("I live in Lisbon with my husband.", "Ana", "lives_in", "Lisbon"),
        ("I moved from Boston to Denver.", "Ana", "lives_in", "Denver"),
        ("I work at Siemens.", "Ana", "works_at", "Siemens"),
        ("I work as a software engineer at Siemens.", "Ana", "works_as", "software engineer"),
        ("I'm a nurse in a hospital.", "Ana", "works_as", "nurse"),
        ("I was a teacher until 2015.", "Ana", "worked_as", "teacher"),
        ("I'm studying physics.", "Ana", "studies", "physics"),
        ("I'm allergic to nuts and cats.", "Ana", "allergic_to", "nuts and cats"),
        ("I'm vegan.", "Ana", "diet", "vegan"),
        ("I don't eat meat.", "Ana", "does_not_eat", "meat"),
        ("My favourite colour is blue.", "Ana", "favourite_colour", "blue"),
        ("I love jazz.", "Ana", "likes", "jazz"),
        ("I hate olives.", "Ana", "dislikes", "olives"),
        ("I don't like mushrooms.", "Ana", "dislikes", "mushrooms"),
        ("I'm not a fan of horror films.", "Ana", "dislikes", "horror films"),
        ("I prefer tea.", "Ana", "prefers", "tea"),
        ("I'm married to John.", "Ana", "married_to", "John"),
        ("I got engaged!", "Ana", "marital_status", "engaged"),
        ("I have two kids.", "Ana", "has_child", "two kids"),
        ("My dog is called Rex.", "Ana", "has_pet", "Rex"),
        ("My brother is called Zoë.", "Ana", "has_brother", "Zoë"),
        ("My sister Eva is a nurse.", "Eva", "works_as", "nurse"),
        ("My sister is a nurse.", "Ana's sister", "works_as", "nurse"),
        ("I speak English and French.", "Ana", "speaks", "English and French"),
        ("I play the guitar.", "Ana", "plays", "guitar"),
        ("I own a red bicycle.", "Ana", "owns", "red bicycle"),
        ("I plan to learn Finnish.", "Ana", "plans_to", "learn Finnish"),
        ("I'm flying to Oslo.", "Ana", "travels_to", "Oslo"),
        ("I used to live in Rome.", "Ana", "lived_in", "Rome"),
        ("I no longer work at Acme.", "Ana", "worked_at", "Acme"),
        ("I don't live in Rome anymore.", "Ana", "lived_in", "Rome"),
        ("I lived in Rome.", "Ana", "lived_in", "Rome"),
    ],
)
def test_a_property_has_subject_attribute_and_value(said: str, subject: str, attribute: str, value: str) -> None:
    (fact,) = extract(turn(said)).facts
    assert (fact.subject, fact.attribute, fact.value) == (subject, attribute, value)


def test_a_statement_that_is_no_longer_true_has_an_end_and_a_past_attribute() -> None:
    for said in ("I used to live in Rome.", "I no longer live in Rome.", "I don't live in Rome any more."):
        (fact,) = extract(turn(said)).facts
        assert fact.valid_to is not None
        assert fact.attribute == "lived_in"


def test_a_move_gives_a_former_and_a_current_home() -> None:
    former, current = extract(turn("I used to live in Rome but I moved to Porto last year.")).facts
    assert (former.attribute, former.value) == ("lived_in", "Rome")
    assert (current.attribute, current.value, current.text) == ("lives_in", "Porto", "Ana moved to Porto in 2022.")


def test_a_correction_replaces_a_statement_and_both_are_quoted() -> None:
    (fact,) = extract(turn("I live in Munich."), turn("No, I meant Berlin, not Munich.")).facts
    assert (fact.text, fact.value) == ("Ana lives in Berlin.", "Berlin")
    assert [quote.turn for quote in fact.evidence] == [1, 2]


@pytest.mark.parametrize(
    ("said", "corrected", "text", "until"),
    [
        ("My exam is on 12 July.", "I meant 19 July, not 12 July.", "Ana's exam is on 19 July 2023.", (2023, 7, 20)),
        ("My exam is on 12 July.", "Sorry, it's on 19 July.", "Ana's exam is on 19 July 2023.", (2023, 7, 20)),
        (
            "My exam is on Friday.",
            "No wait, it's on Saturday!",
            "Ana's exam is on Saturday 13 May 2023.",
            (2023, 5, 14),
        ),
    ],
)
def test_a_corrected_date_changes_the_validity(
    said: str, corrected: str, text: str, until: tuple[int, int, int]
) -> None:
    (fact,) = extract(turn(said), turn(corrected)).facts
    assert (fact.text, fact.valid_to, fact.corrects) == (text, datetime(*until, tzinfo=UTC), True)


def test_a_statement_may_replace_an_earlier_one() -> None:
    (fact,) = extract(turn("I have two sisters."), turn("No, I have three sisters.")).facts
    assert (fact.value, fact.corrects, [quote.turn for quote in fact.evidence]) == ("three sisters", True, [2])


def test_a_second_like_is_not_a_correction() -> None:
    assert [fact.corrects for fact in extract(turn("I love jazz."), turn("No, I love blues.")).facts] == [False, False]


def test_a_statement_of_the_context_can_be_corrected() -> None:
    request = ExtractionRequest(
        turns=[turn("No, I meant Berlin, not Munich.")], context=[turn("I live in Munich.")], user_name="Ana"
    )
    (fact,) = answer.parse(OfflineExtractor().extract(request).text).facts
    assert (fact.text, fact.corrects) == ("Ana lives in Berlin.", True)
    assert [(quote.turn, quote.quote) for quote in fact.evidence] == [(1, "No, I meant Berlin, not Munich.")]


@pytest.mark.parametrize(
    "said",
    [
        "I live in Lisbon in August 2025.",
        "I moved to Lisbon on 3 May 2023.",
        "I lived in Lisbon in the summer of 2022.",
    ],
)
def test_a_date_is_not_part_of_a_value(said: str) -> None:
    (fact,) = extract(turn(said)).facts
    assert fact.value == "Lisbon"


def test_a_sentence_that_needs_its_context_is_not_a_fact() -> None:
    assert texts("I drew it.", "I took that one.", "I made this.") == []


def test_the_user_is_written_in_lower_case_within_a_sentence() -> None:
    assert texts("The support group has helped me.", user_name=None) == ["The support group has helped the user."]


def test_a_joke_is_retracted() -> None:
    assert texts("I own a pony. Just kidding.") == []


def test_a_repeated_statement_is_one_fact() -> None:
    parsed = extract(turn("I live in Lisbon."), turn("As I said, I live in Lisbon!"))
    assert [(fact.text, [quote.turn for quote in fact.evidence]) for fact in parsed.facts] == [
        ("Ana lives in Lisbon.", [1, 2])
    ]


@pytest.mark.parametrize(
    ("said", "facts"),
    [
        ("Hi, I'm Zoë, from Porto.", ["Zoë's name is Zoë.", "Zoë is from Porto."]),
        ("My name is Łukasz Żak. I own a boat.", ["Łukasz Żak's name is Łukasz Żak.", "Łukasz Żak owns a boat."]),
        ("I own a boat.", ["The user owns a boat."]),
        ("My boat is blue and the user manual bores me.", ["The user's boat is blue and the user manual bores them."]),
        ("I'm Italian. I own a boat.", ["The user is Italian.", "The user owns a boat."]),
    ],
)
def test_an_unnamed_user_may_introduce_themselves(said: str, facts: list[str]) -> None:
    assert texts(said, user_name=None) == facts


def test_two_people_are_distinguished_and_you_is_the_other() -> None:
    parsed = extract(turn("I adopted a cat.", name="Mel"), turn("I'm proud that you adopted a cat.", name="王伟"))
    assert [fact.text for fact in parsed.facts] == ["Mel adopted a cat.", "王伟 is proud that Mel adopted a cat."]
    assert [fact.subject for fact in parsed.facts] == ["Mel", "王伟"]


def test_only_the_part_of_the_user_in_an_exchange_is_read() -> None:
    exchange = "User: I live in Oslo.\nAssistant: I love Oslo. I own a house there.\nHuman: My cat is called Tom."
    parsed = extract(turn(exchange, role="exchange"))
    assert [fact.text for fact in parsed.facts] == ["Ana lives in Oslo.", "Ana's cat is called Tom."]


def test_an_exchange_without_speakers_belongs_to_the_user() -> None:
    parsed = extract(turn("I live in Oslo.", role="exchange"))
    assert [fact.text for fact in parsed.facts] == ["Ana lives in Oslo."]


@pytest.mark.parametrize(
    ("said", "facts"),
    [
        ("I used my contacts and my marketing skills.", ["Ana used their contacts and their marketing skills."]),
        ("My major is law, and my job is dull.", ["Ana's major is law.", "Ana's job is dull."]),
        ("Trying local seafood is a must for my family.", ["Trying local seafood is a must for Ana's family."]),
        ("Starting tomorrow, I will go to the gym.", ["Starting 9 May 2023, Ana will go to the gym."]),
    ],
)
def test_a_sentence_is_split_only_into_complete_statements(said: str, facts: list[str]) -> None:
    assert texts(said) == facts


@pytest.mark.parametrize(
    ("said", "then", "facts"),
    [
        ("I work as a nurse.", "No, that was Tom.", ["Ana works as a nurse."]),
        ("I live in Berlin.", "No, that was last year.", ["Ana lives in Berlin."]),
        ("I have two sisters.", "Sorry, that was yesterday.", ["Ana has two sisters."]),
        ("I work as a nurse.", "No, it's a teacher.", ["Ana works as a teacher."]),
        ("I live in Munich.", "No, that was Berlin.", ["Ana lives in Berlin."]),
    ],
)
def test_a_correction_replaces_a_value_by_one_of_its_kind_only(said: str, then: str, facts: list[str]) -> None:
    assert texts(said, then) == facts


@pytest.mark.parametrize(
    ("said", "facts"),
    [
        (
            "Unser Hund Balu ist ein neunjähriger Dackel. Wie geht es dir?",
            ["Unser Hund Balu ist ein neunjähriger Dackel."],
        ),
        ("房租每月６５００元，水电另算。你好吗？", ["房租每月６５００元，水电另算。"]),
        ("Нашу собаку зовут Бублик, это такса девяти лет.", ["Нашу собаку зовут Бублик, это такса девяти лет."]),
        ("हमारे कुत्ते का नाम मोती है। वह नौ साल का लैब्राडोर है।", ["हमारे कुत्ते का नाम मोती है।", "वह नौ साल का लैब्राडोर है।"]),
    ],
)
def test_what_is_said_in_another_language_is_kept_as_it_was_said(said: str, facts: list[str]) -> None:
    assert texts(said) == facts
