"""The first mistakes of `benchmarks.recovery`: the words of each error are enough for a call that succeeds."""

import pytest

from benchmarks.recovery.__main__ import readings
from benchmarks.recovery.reader import mistakes

pytestmark = pytest.mark.anyio


async def test_every_first_mistake_is_corrected_by_the_words_of_its_error() -> None:
    found = await readings()

    stuck = {
        f"{mistake.tool} {dict(mistake.arguments)}": (reading.lacking, reading.failure, reading.text)
        for mistake, reading in found
        if not reading.recovers
    }
    assert stuck == {}
    assert len(found) == len(mistakes()) >= 80


def test_no_mistake_is_there_twice() -> None:
    calls = [f"{mistake.tool} {mistake.arguments} {mistake.corrected_tool}" for mistake in mistakes()]

    assert len(set(calls)) == len(calls)
