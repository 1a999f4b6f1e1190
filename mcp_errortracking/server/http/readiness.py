"""Readiness, for `/readyz` and the page: PostHog is reachable and accepts the key."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mcp_errortracking.server.shared_answer import SharedAnswer

Check = Callable[[], Awaitable[str | None]]
"""Returns the problem between this server and PostHog; None if there is none."""

_TTL_SECONDS = 5.0
"""Until PostHog is asked again."""
_TIME_LIMIT = 3.0
"""Seconds that PostHog may take; probes give up after a few."""


class Readiness:
    """Asks PostHog once for all probes, at most every few seconds."""

    def __init__(self, check: Check) -> None:
        self._problem = SharedAnswer[str | None](
            check,
            time_limit=_TIME_LIMIT,
            fallback=f"PostHog did not answer within {_TIME_LIMIT:g} s.",
            ttl=lambda _: _TTL_SECONDS,
        )

    async def problem(self) -> str | None:
        """Return the problem between this server and PostHog; None if there is none."""
        return await self._problem.get()

    async def endpoint(self, _request: Request) -> Response:
        """`GET /readyz`."""
        problem = await self.problem()
        return JSONResponse({"ready": problem is None, "problem": problem}, 200 if problem is None else 503)
