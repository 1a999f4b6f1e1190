"""The bench, on a loop in which waiting takes no time."""

from collections.abc import AsyncGenerator, Generator, Mapping

import pytest

from tests.faults.bench import Bench, bench
from tests.faults.time_lapse import time_lapse


@pytest.fixture(scope="module")
def anyio_backend() -> Generator[tuple[str, Mapping[str, object]]]:
    with time_lapse() as backend:
        yield backend


@pytest.fixture(scope="module", name="bench")
async def _bench(anyio_backend: object) -> AsyncGenerator[Bench]:
    async with bench() as running:
        yield running
