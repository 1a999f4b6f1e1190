"""PostHog's own limits, kept by the sandbox to the second: with the rate limiter nothing is ever answered 429."""

from collections import Counter
from typing import Any

import anyio
import pytest
from pydantic import SecretStr

from mcp_errortracking.proxy import Limits, Proxy
from mcp_errortracking.proxy.errors import PostHogError, RateLimitWaitError
from mcp_errortracking.proxy.rate_limit.context import Wait, on_wait
from mcp_errortracking.proxy.rate_limit.limiter import RateLimiter
from mcp_errortracking.proxy.rate_limit.window import Rate
from mcp_errortracking.sandbox.throttle import Rate as SandboxRate
from mcp_errortracking.sandbox.throttle import Throttle
from tests.faults.bench import KEY, Bench, bench

pytestmark = pytest.mark.anyio

PATH = "error_tracking/assignment_rules/"
RULE = {"filters": {"type": "AND", "values": []}, "assignee": {"type": "user", "id": 1}}


class Crowd:
    """Many calls at once, and their outcomes."""

    def __init__(self, bench: Bench, *, limited: bool | None, total: float, rate: int | None = None) -> None:
        self._limits = Limits(total=total, pool=total)
        self._proxy = Proxy(
            host=bench.wire.url,
            key=SecretStr(KEY),
            project="1",
            limits=self._limits,
            rate_limiter=RateLimiter(bench.wire.url, limited, rates=None if rate is None else (Rate(rate, 60),)),
        )
        self._bench = bench
        self.answered = 0
        self.errors = list[PostHogError]()

    async def send(self, method: str, number: int) -> None:
        """Send a number of calls, and wait for the end of all."""
        async with self._proxy, anyio.create_task_group() as tasks:
            for _ in range(number):
                tasks.start_soon(self._send_one, method)

    async def _send_one(self, method: str) -> None:
        try:
            await self._proxy.send(method, PATH, query={"limit": 1}, json=RULE if method == "POST" else None)
        except PostHogError as error:
            self.errors.append(error)
        else:
            self.answered += 1

    def statuses(self) -> Counter[int]:
        """Return the statuses of the sandbox's answers."""
        return Counter(entry["status"] for entry in self._bench.sandbox.journal)


def _throttle(requests: int) -> Throttle:
    return Throttle((SandboxRate(requests, 60),))


async def test_more_calls_than_a_minute_allows_wait_and_none_is_refused() -> None:
    reports = list[Wait]()

    async def report(wait: Wait) -> None:
        reports.append(wait)

    on_wait.set(report)
    async with bench(Throttle()) as running:
        crowd = Crowd(running, limited=True, total=70)
        began = anyio.current_time()
        await crowd.send("GET", 500)

    assert (crowd.answered, crowd.statuses()) == (500, {200: 500})
    assert 60 <= anyio.current_time() - began < 65
    assert 58 < max(wait.expected for wait in reports) < 61
    assert max(wait.waited for wait in reports) > 50


async def test_those_whose_time_is_too_short_are_refused_and_nothing_of_them_is_sent() -> None:
    async with bench(_throttle(60)) as running:
        crowd = Crowd(running, limited=True, total=50, rate=60)
        await crowd.send("POST", 80)

    assert (crowd.answered, crowd.statuses()) == (60, {201: 60})
    assert {type(error) for error in crowd.errors} == {RateLimitWaitError}
    assert {error.maybe_applied for error in crowd.errors} == {False}
    assert all(55 < (error.retry_after or 0) <= 61 for error in crowd.errors)


async def test_a_host_that_throttles_unexpectedly_is_learned_from_its_first_refusals() -> None:
    async with bench(_throttle(60)) as running:
        crowd = Crowd(running, limited=None, total=150, rate=60)
        await crowd.send("POST", 80)

    statuses: Any = crowd.statuses()
    assert (crowd.answered, statuses[201], crowd.errors) == (80, 80, [])
    assert 1 <= statuses[429] <= 20  # those that were already on their way, each once
