"""What a person enters, checked at the door."""

import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest

from afterturn.errors import InvalidInput
from afterturn.facts import entered

FACT = uuid.UUID(int=7)


def test_what_is_not_said_is_not_set():
    assert entered.candidate("Ana lives in Porto.").model_fields_set == {"text", "evidence"}


def test_texts_are_one_line_that_postgres_can_store():
    said = entered.candidate(" Ana\n lives\tin \x00 Porto. ", subject=" Ana  Maria ", topics=["a ", "a", "b"])
    assert said.text == "Ana lives in \ufffd Porto."
    assert (said.subject, said.topics) == ("Ana Maria", ("a", "b"))


def test_moments_are_kept_in_utc():
    summer = timezone(timedelta(hours=2))
    assert entered.checked_moment("as_of", datetime(2024, 7, 1, 2, tzinfo=summer)) == datetime(2024, 7, 1, tzinfo=UTC)
    for bad in (
        None,
        "2024-07-01",
        datetime(2024, 7, 1),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 1, 1, tzinfo=UTC),
    ):
        with pytest.raises(InvalidInput, match="as_of must"):
            entered.checked_moment("as_of", bad)


def test_ids_are_uuids():
    assert entered.checked_fact_id(str(FACT)) == entered.checked_fact_id(FACT) == FACT
    for bad in ("", "x", None, 7, f"{FACT}0"):
        with pytest.raises(InvalidInput, match="must be a UUID"):
            entered.checked_fact_id(bad)


@pytest.mark.parametrize("importance", [0, 1, 0.25])
def test_importance_is_a_share(importance):
    assert entered.candidate("x", importance=importance).importance == importance


@pytest.mark.parametrize("importance", [-0.1, 1.01, float("nan"), float("inf"), "high", True, [1]])
def test_what_is_no_share_is_refused(importance):
    with pytest.raises(InvalidInput, match="importance must be"):
        entered.candidate("x", importance=importance)
