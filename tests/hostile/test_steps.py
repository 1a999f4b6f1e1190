"""Counts of work do not depend on what else runs in the process."""

import gc
from collections.abc import Callable, Generator
from typing import Any

import pytest

from tests.hostile.steps import count_calls, count_steps


@pytest.fixture
def _collections() -> Generator[None]:
    """Collect garbage all the time, with a callback in Python such as Hypothesis adds."""

    def note(_phase: str, _info: dict[str, int]) -> None:
        return

    before = gc.get_threshold()
    gc.callbacks.append(note)
    gc.set_threshold(1)
    yield
    gc.set_threshold(*before)
    gc.callbacks.remove(note)


def work() -> list[dict[str, int]]:
    return [{"a": number} for number in range(100)]


@pytest.mark.parametrize("count", [count_steps, count_calls])
@pytest.mark.usefixtures("_collections")
def test_the_callbacks_of_the_garbage_collector_are_not_counted(count: Callable[[Callable[[], Any]], int]) -> None:
    with_collections = count(work)
    gc.set_threshold(0)

    assert with_collections == count(work)
    assert gc.isenabled()
