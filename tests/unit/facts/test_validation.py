"""Validation of facts that a person enters."""

import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest

from afterturn.errors import InvalidInput
from afterturn.facts import validation

FACT_ID = uuid.UUID(int=7)


def test_only_given_fields_are_set():
    assert validation.make_candidate("Ana lives in Porto.").model_fields_set == {"text", "evidence"}


def test_texts_become_one_line_without_unstorable_characters():
    candidate = validation.make_candidate(
        " Ana\n lives\tin \x00 Porto. ", subject=" Ana  Maria ", topics=["a ", "a", "b"]
    )
    assert candidate.text == "Ana lives in \ufffd Porto."
    assert (candidate.subject, candidate.topics) == ("Ana Maria", ("a", "b"))


def test_datetimes_are_converted_to_utc():
    summer = timezone(timedelta(hours=2))
    assert validation.validate_datetime("as_of", datetime(2024, 7, 1, 2, tzinfo=summer)) == datetime(
        2024, 7, 1, tzinfo=UTC
    )
    for bad in (
        None,
        "2024-07-01",
        datetime(2024, 7, 1),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 1, 1, tzinfo=UTC),
    ):
        with pytest.raises(InvalidInput, match="as_of must"):
            validation.validate_datetime("as_of", bad)


def test_fact_ids_must_be_uuids():
    assert validation.validate_fact_id(str(FACT_ID)) == validation.validate_fact_id(FACT_ID) == FACT_ID
    for bad in ("", "x", None, 7, f"{FACT_ID}0"):
        with pytest.raises(InvalidInput, match="must be a UUID"):
            validation.validate_fact_id(bad)


@pytest.mark.parametrize("importance", [0, 1, 0.25])
def test_importance_from_0_to_1_is_accepted(importance):
    assert validation.make_candidate("x", importance=importance).importance == importance


@pytest.mark.parametrize("importance", [-0.1, 1.01, float("nan"), float("inf"), "high", True, [1]])
def test_any_other_importance_is_refused(importance):
    with pytest.raises(InvalidInput, match="importance must be"):
        validation.make_candidate("x", importance=importance)
