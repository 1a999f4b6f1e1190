"""Several requests at once."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import anyio

_T = TypeVar("_T")


async def for_each(items: Iterable[_T], function: Callable[[_T], Awaitable[None]], *, at_once: int) -> None:
    """Call a function for each item, and wait for all calls; the first error cancels the others and is raised itself.

    A task group alone would raise a group of errors, which no caller handles.
    """
    limiter = anyio.CapacityLimiter(at_once)

    async def call(item: _T) -> None:
        async with limiter:
            await function(item)

    first: Exception
    try:
        async with anyio.create_task_group() as group:
            for item in items:
                group.start_soon(call, item)
        return
    except ExceptionGroup as errors:
        first = errors.exceptions[0]
    raise first
