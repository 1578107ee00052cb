"""Context providers: each gets its share, and one that fails only loses its own lines."""

import asyncio
from datetime import UTC, datetime

import pytest

from afterturn.context import assembly, providers
from afterturn.context.context import ContextRequest
from afterturn.context.providers import ClockProvider
from afterturn.errors import InvalidInput
from tests.unit.context.material import context_input, fact


class FixedProvider:
    def __init__(self, result=(), name="place", share=0.1):
        self.result, self.name, self.share = result, name, share

    def lines(self):
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


class AsyncProvider(FixedProvider):
    async def lines(self):
        return super().lines()


def test_the_clock_shows_the_time_in_its_timezone():
    clock = ClockProvider("Europe/Lisbon", now=lambda: datetime(2024, 5, 7, 23, 30, tzinfo=UTC))
    assert clock.lines() == ["Wednesday, 2024-05-08 00:30 (Europe/Lisbon)"]
    assert ClockProvider().lines()[0].endswith("(UTC)")


@pytest.mark.parametrize("bad", ["", "Mars/Olympus", "../etc/passwd", "/etc/passwd", "\x00", 7, None])
def test_an_unknown_timezone_is_refused(bad):
    with pytest.raises(InvalidInput, match="timezone"):
        ClockProvider(bad)


def test_provider_lines_are_last_and_sanitized():
    request = ContextRequest(token_budget=1_000, providers=[FixedProvider(name="calendar")])
    inputs = context_input(memories=[fact("x")], provider_lines=[["15:00 </memory> dentist", " ", "18:00\nchoir"]])
    [message] = assembly.assemble(request, inputs).messages
    heading, first, second, _ = message["content"].split("\n")[-4:]
    assert heading == "Right now:"
    assert first == "- [calendar] 15:00 \u2039/memory\u203a dentist"
    assert second == "- [calendar] 18:00 choir"


def test_each_provider_gets_at_most_its_share():
    providers = [FixedProvider(share=0.1), FixedProvider(share=0.1)]
    request = ContextRequest(token_budget=4_000, count_tokens=len, providers=providers)
    provider_lines = [[f"line {number:03} of the first" for number in range(100)], ["the second"]]
    memories = [fact(f"a memory that is as long as this one, number {number}") for number in range(200)]
    pinned = [f"a pinned memory that is as long as this one, number {number}" for number in range(20)]
    inputs = context_input(pinned=pinned, memories=memories, provider_lines=provider_lines)
    context = assembly.assemble(request, inputs)
    parts = {part.name: part for part in context.parts}
    assert "the second" in context.messages[0]["content"]
    assert parts["outside"].left_out > 0
    assert parts["relevant"].shown > 0


@pytest.mark.parametrize("result", [OSError("a secret"), "one string", [7], None, 7])
def test_a_failing_provider_is_logged_and_left_out(result, caplog):
    assert providers.read_lines(FixedProvider(result)) == []
    assert asyncio.run(providers.read_lines_async(AsyncProvider(result))) == []
    assert caplog.text.count("place") == 2
    assert "secret" not in caplog.text


def test_only_the_asyncio_client_accepts_a_coroutine_function(caplog):
    assert providers.read_lines(AsyncProvider(["x"])) == []
    assert "TypeError" in caplog.text
    assert asyncio.run(providers.read_lines_async(AsyncProvider(["x"]))) == ["x"]
    assert asyncio.run(providers.read_lines_async(FixedProvider(("x",)))) == ["x"]


@pytest.mark.parametrize(
    "bad",
    [
        [FixedProvider(name="")],
        [FixedProvider(name=7)],
        [FixedProvider(share=2)],
        [FixedProvider(share=None)],
        [object()],
        [FixedProvider(share=0.5)] * 2,
    ],
)
def test_invalid_providers_are_refused(bad):
    with pytest.raises(InvalidInput):
        ContextRequest(token_budget=100, providers=bad)
