"""The collector of cyclic garbage in a server."""

import gc
from collections.abc import Generator
from typing import Any, cast
from unittest.mock import Mock

import anyio
import pytest

from mcp_errortracking.system.garbage import THRESHOLD, long_lived
from tests.command import run_here

_KEY = {"POSTHOG_HOST": "http://127.0.0.1:9", "POSTHOG_PERSONAL_API_KEY": "phx_test", "POSTHOG_PROJECT_ID": "1"}


@pytest.fixture(autouse=True)
def _restored() -> Generator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def test_objects_of_the_start_are_not_looked_at_again() -> None:
    with long_lived():
        assert not gc.isenabled()
        kept = [[] for _ in range(100)]
    assert gc.isenabled()
    assert gc.get_freeze_count() > len(kept)
    assert gc.get_threshold()[0] == THRESHOLD


@pytest.mark.parametrize(
    "words",
    [
        ("serve", "--transport", "http", "--port", "0"),
        ("serve", "--transport", "sse", "--port", "0"),
        ("ui", "--no-open"),
    ],
)
def test_a_server_over_http_collects_rarely(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    seen = list[tuple[bool, int, bool]]()

    def serve(*_: Any) -> None:
        is_frozen = cast("Mock", gc.freeze).called  # `run_here` replaces it
        seen.append((gc.isenabled(), gc.get_threshold()[0], is_frozen))

    monkeypatch.setattr(anyio, "run", serve)
    code, _, err = run_here(*words, **_KEY)
    assert (code, seen) == (0, [(True, THRESHOLD, True)]), err
