"""Fixtures that all tests share."""

import contextlib
import functools
import gc
import importlib
import os
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from httpx._transports import default as transport_of_tests
from httpx2._transports import default as transport_of_the_sdk

from tests.required import THOROUGH

# The tests start hundreds of interpreters and rewrite three thousand assertions: all of it is compiled once.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# No test finds what another one, or the user's own server, remembered of a key.
os.environ["XDG_CACHE_HOME"] = os.devnull
# No test writes into the user's own journal; a server that is to keep one is given its path.
os.environ["XDG_STATE_HOME"] = os.devnull
# Each of hundreds of HTTP clients would read the certificates of all authorities, which takes longer than most tests.
_transports: list[Any] = [transport_of_tests, transport_of_the_sdk]
for _transport in _transports:
    _transport.create_ssl_context = functools.cache(_transport.create_ssl_context)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """For the whole session, so that a module's tests can share one MCP client."""
    return "asyncio"


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Look for garbage neither while twelve thousand tests are collected, nor among them afterwards."""
    gc.disable()
    try:
        _compile_a_share(session.config)
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def _compile_a_share(config: pytest.Config) -> None:
    """Import this worker's share of the test modules first: in a new checkout, each is then compiled by one worker."""
    worker: dict[str, Any] | None = getattr(config, "workerinput", None)
    if worker is None or [Path(one).name for one in config.args] != ["tests"]:
        return
    modules = sorted(Path(__file__).parent.rglob("test_*.py"))
    number = int(worker["workerid"].removeprefix("gw"))
    for module in modules[number :: worker["workercount"]]:
        with contextlib.suppress(Exception):  # the collection reports it
            importlib.import_module(".".join(module.relative_to(config.rootpath).with_suffix("").parts))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests marked `thorough`, which take seconds each and vary what others test, outside CI."""
    for item in items:
        if not THOROUGH and item.get_closest_marker("thorough"):
            item.add_marker(pytest.mark.skip("takes long; set MCP_TEST_ALL=1 to run it, as .ci/run does"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are processors: for a quarter of the time tests wait for sockets, timers and ends."""
    return (os.cpu_count() or 1) + 1
