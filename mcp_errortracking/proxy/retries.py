"""The retries of one call: which answers and errors are retried, and after how long."""

import random
import time
from collections.abc import Awaitable, Callable

from mcp_errortracking.proxy.call import Call, RawAnswer
from mcp_errortracking.proxy.error_body import is_budget_spent
from mcp_errortracking.proxy.errors import InterruptedCallError, UnreachableError
from mcp_errortracking.proxy.limits import Limits
from mcp_errortracking.proxy.retry_after import retry_after

_GATEWAY_FAILURES = (502, 503, 504)


async def send_with_retries(
    call: Call, send: Callable[[bool], Awaitable[RawAnswer]], limits: Limits, sleep: Callable[[float], Awaitable[None]]
) -> RawAnswer:
    """Send a call until it succeeds or must not be retried; return the last answer, of any status.

    Args:
        send: sends the request once; its argument is True if the last try was throttled.
        sleep: waits between tries.
    """
    was_throttled = False
    for attempt in range(limits.attempts):
        wait = min(limits.backoff * 2**attempt, limits.longest_backoff) * random.random()  # noqa: S311 no secret
        is_last = attempt == limits.attempts - 1
        try:
            raw = await send(was_throttled)
        except (UnreachableError, InterruptedCallError) as error:
            if error.maybe_applied or is_last or time.monotonic() + wait >= call.deadline:
                raise
        else:
            if is_budget_spent(raw.status, raw.content):  # it refills over minutes to an hour
                return raw
            was_throttled = raw.status == 429
            if is_last or not (was_throttled or (raw.status in _GATEWAY_FAILURES and not call.exchange.writes)):
                return raw
            asked = retry_after(raw.headers, time.time()) or 0.0
            # After a 429 the rate limiter makes every call of this key wait as long as was asked, this one too.
            if time.monotonic() + max(wait, asked) >= call.deadline or (
                asked > limits.longest_retry_after and not was_throttled
            ):
                return raw
            wait = wait if was_throttled else max(wait, asked)
        await sleep(wait)
    raise AssertionError("unreachable: the last attempt returns or raises")
