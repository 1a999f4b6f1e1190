"""Send the requests of the catalog's endpoints to PostHog: the one place that decides which of them may be retried."""

from collections.abc import Generator
from dataclasses import replace
from typing import Any, TypeVar

from mcp_errortracking.catalog import Endpoint, Request, StepError
from mcp_errortracking.proxy.address import in_project
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.proxy.sender import Sender

_T = TypeVar("_T")


async def send_request(sender: Sender, request: Request, *, read_only: bool = False) -> Any:
    """Send one request and return the JSON of its answer.

    Args:
        read_only: the request changes nothing, even if its method is not GET.

    Raises:
        PostHogError: PostHog did not answer, or refuses.
    """
    answer = await sender.send(
        request.method,
        request.path,
        query=request.query,
        json=request.json,
        retry_safe=read_only or request.method == "GET",
    )
    return answer.data


async def send_steps(sender: Sender, steps: Generator[Request, Any, _T], *, read_only: bool = False) -> _T:
    """Send the requests of steps one by one, as they are yielded, and return the result of the steps.

    Raises:
        PostHogError: PostHog did not answer, or refuses, and the steps did not catch it.
    """
    try:
        request = next(steps)
        while True:
            try:
                answer = await send_request(sender, request, read_only=read_only)
            except PostHogError as error:
                failure = StepError(str(error), status=error.status, code=error.code)
                try:
                    request = steps.throw(failure)
                except StepError:
                    raise error from None
            else:
                request = steps.send(answer)
    except StopIteration as stop:
        return stop.value


async def send_endpoint(sender: Sender, call: Endpoint, *, project: str | None = None) -> Any:
    """Send the first request of a call, without its other steps, and return the JSON of its answer.

    Args:
        project: the number of a project other than the configured one.

    Raises:
        PostHogError: PostHog did not answer, or refuses.
    """
    request = call.request()
    if project is not None:
        request = replace(request, path=in_project(project, request.path))
    return await send_request(sender, request, read_only=call.read_only)
