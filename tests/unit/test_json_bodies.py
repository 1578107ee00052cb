"""Values of a JSON body are counted without parsing it: texts do not count."""

import contextlib
import json

import pytest

pytest.importorskip("fastapi")

from afterturn.errors import InvalidInput
from api_shim.http.json_bodies import VALUES_LIMIT, check
from harness.growth import assert_time_is_proportional

FEW = VALUES_LIMIT - 10
MANY = VALUES_LIMIT + 10


@pytest.mark.parametrize(
    "value",
    [
        {},
        [0] * FEW,
        {str(number): 0 for number in range(FEW)},
        "," * 1_000_000,
        {"a": '{"b": [1, 2]}, ' * 100_000},
        ["\\", '\\"', "\\\\", '",[{' * 100_000],
        {",[{" * 100_000: '"' * 1_000_000},
    ],
)
def test_a_body_with_few_values_passes(value):
    check(json.dumps(value).encode())
    check(json.dumps(value, indent=4).encode())


@pytest.mark.parametrize(
    "body",
    [
        json.dumps([0] * MANY).encode(),
        json.dumps({str(number): 0 for number in range(MANY)}).encode(),
        b"[" * MANY,
        b'{"a":' * MANY,
        b"[ \n" * MANY,
        json.dumps({"x": "a,b", "y": [""] * MANY}).encode(),
    ],
)
def test_a_body_with_many_values_is_refused(body):
    with pytest.raises(InvalidInput, match="more than 100000 values"):
        check(body)


@pytest.mark.parametrize("body", [b'"' + b'\\"' * 4_000_000, b'",[' * 3_000_000, b"\\" * 8_000_000, b'"\\' * 4_000_000])
def test_what_is_no_json_takes_no_longer(body):
    def check_all(piece):
        with contextlib.suppress(InvalidInput):
            check(piece)

    assert len(body) > 1_000_000
    assert_time_is_proportional(check_all, lambda size: body[:size], len(body))
