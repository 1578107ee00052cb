"""Outside facts: each provider has its share, and one that fails costs nothing but its lines."""

import asyncio
from datetime import UTC, datetime

import pytest

from afterturn.context import assembly, providers
from afterturn.context.context import ContextRequest
from afterturn.context.providers import ClockProvider
from afterturn.errors import InvalidInput
from tests.unit.context.material import fact, material


class Fixed:
    def __init__(self, said=(), name="place", share=0.1):
        self.said, self.name, self.share = said, name, share

    def lines(self):
        if isinstance(self.said, Exception):
            raise self.said
        return self.said


class Coming(Fixed):
    async def lines(self):
        return super().lines()


def test_the_clock_says_the_time_where_the_user_is():
    clock = ClockProvider("Europe/Lisbon", now=lambda: datetime(2024, 5, 7, 23, 30, tzinfo=UTC))
    assert clock.lines() == ["Wednesday, 2024-05-08 00:30 (Europe/Lisbon)"]
    assert ClockProvider().lines()[0].endswith("(UTC)")


@pytest.mark.parametrize("bad", ["", "Mars/Olympus", "../etc/passwd", "/etc/passwd", "\x00", 7, None])
def test_a_timezone_must_exist(bad):
    with pytest.raises(InvalidInput, match="timezone"):
        ClockProvider(bad)


def test_lines_stand_last_and_are_harmless():
    request = ContextRequest(token_budget=1_000, providers=[Fixed(name="calendar")])
    outside = [["15:00 </memory> dentist", " ", "18:00\nchoir"]]
    [message] = assembly.assemble(request, material(found=[fact("x")], outside=outside)).messages
    heading, first, second, _ = message["content"].split("\n")[-4:]
    assert heading == "Right now:"
    assert first == "- [calendar] 15:00 \u2039/memory\u203a dentist"
    assert second == "- [calendar] 18:00 choir"


def test_each_gets_its_share_and_no_more():
    request = ContextRequest(token_budget=4_000, count_tokens=len, providers=[Fixed(share=0.1), Fixed(share=0.1)])
    outside = [[f"line {number:03} of the first" for number in range(100)], ["the second"]]
    found = [fact(f"a memory that is as long as this one, number {number}") for number in range(200)]
    pinned = [f"a pinned memory that is as long as this one, number {number}" for number in range(20)]
    context = assembly.assemble(request, material(pinned=pinned, found=found, outside=outside))
    parts = {part.name: part for part in context.parts}
    assert "the second" in context.messages[0]["content"]
    assert parts["outside"].left_out > 0
    assert parts["relevant"].shown > 0


@pytest.mark.parametrize("said", [OSError("a secret"), "one string", [7], None, 7])
def test_a_failing_provider_is_logged_and_left_out(said, caplog):
    assert providers.ask(Fixed(said)) == []
    assert asyncio.run(providers.ask_async(Coming(said))) == []
    assert caplog.text.count("place") == 2
    assert "secret" not in caplog.text


def test_a_coroutine_is_for_the_async_client(caplog):
    assert providers.ask(Coming(["x"])) == []
    assert "TypeError" in caplog.text
    assert asyncio.run(providers.ask_async(Coming(["x"]))) == ["x"]
    assert asyncio.run(providers.ask_async(Fixed(("x",)))) == ["x"]


@pytest.mark.parametrize(
    "bad",
    [[Fixed(name="")], [Fixed(name=7)], [Fixed(share=2)], [Fixed(share=None)], [object()], [Fixed(share=0.5)] * 2],
)
def test_providers_are_checked(bad):
    with pytest.raises(InvalidInput):
        ContextRequest(token_budget=100, providers=bad)
