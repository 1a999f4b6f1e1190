"""The connection to the Redis or Valkey server in which replicas share the limits of their keys.

A store that fails or hangs must not fail or delay a call: each command has a short time, and after one failure the
store counts as away. It is tried again in the background, while every call goes on without it.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

logger = logging.getLogger(__name__)

_TIME_LIMIT = 0.5
_TRY_INTERVAL = 5.0
_CONNECTIONS = 4


def shown_address(url: SecretStr) -> str:
    """Return the host and port of a store, or the path of its socket: the part of its address without a secret."""
    parts = urlsplit(url.get_secret_value())
    return parts.netloc.rpartition("@")[2] or parts.path


class Store:
    """A Redis or Valkey server, reached when first used. Needs the extra `redis`."""

    def __init__(self, url: SecretStr, *, clock: Callable[[], float] = time.monotonic) -> None:
        """
        Args:
            url: may hold a user name and password, so only its host and port are ever shown.

        Raises:
            ImportError: the package redis is not installed.
            ValueError: the address is not one that it accepts.
        """
        from redis.asyncio import BlockingConnectionPool, Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        text = url.get_secret_value()
        self._pool = BlockingConnectionPool.from_url(  # pyright: ignore[reportUnknownMemberType]
            text,
            max_connections=_CONNECTIONS,
            timeout=None,  # `_send` limits it, the wait for a connection included
            retry=Retry(NoBackoff(), 0),
            protocol=2,  # needs no greeting, so a new connection costs no round trip
            driver_info=None,
        )
        self._redis = Redis(connection_pool=self._pool)
        self.address = shown_address(url)
        self._clock = clock
        self._is_up = True
        self._try_at = float("-inf")
        self._tasks = set[asyncio.Task[None]]()

    def is_up(self) -> bool:
        """Return True if the store answers. While it does not, try it again from time to time, in the background."""
        if not self._is_up and self._clock() >= self._try_at:
            self._try_at = self._clock() + _TRY_INTERVAL
            self.start(self._try())
        return self._is_up

    async def evaluate(self, script: str, keys: list[str], arguments: list[str | int]) -> tuple[int, int] | None:
        """Run a script and return its two numbers; None if the store is away."""
        if not self._is_up:
            return None
        answer = await self._send(lambda: self._redis.eval(script, len(keys), *keys, *arguments))
        match answer:
            case [int(first), int(second)]:
                return first, second
            case None:
                return None
            case _:
                self._note_failure("an unexpected answer")
                return None

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run work that uses the store in the background, apart from the call that needs it."""
        task = asyncio.create_task(work, context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """Finish what is under way, within the time of a command, and close the connections."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_TIME_LIMIT)
            for task in late:
                task.cancel()
        await self._redis.aclose()
        await self._pool.disconnect()

    async def _try(self) -> None:
        answer: object = await self._send(self._redis.ping)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        if answer is not None and not self._is_up:
            self._is_up = True
            logger.info("The store of the shared limits at %s answers again.", self.address)

    async def _send(self, command: Callable[[], Any]) -> Any:
        """Return the answer to a command; None if it fails or takes too long."""
        task = asyncio.ensure_future(command())
        try:
            await asyncio.wait([task], timeout=_TIME_LIMIT)
            for _ in range(3):  # read what arrived while this process was too busy to look
                if not task.done():
                    await asyncio.sleep(0)
            if task.done():
                return task.result()
            self._note_failure("no answer in time")
        except Exception as error:  # whatever a store does, calls go on
            self._note_failure(type(error).__name__)
        finally:
            task.cancel()
        return None

    def _note_failure(self, reason: str) -> None:
        if not self._is_up:
            return
        self._is_up = False
        self._try_at = self._clock() + _TRY_INTERVAL
        logger.warning(
            "The store of the shared limits at %s is away (%s): until it answers, this process keeps the limits of "
            "each key by itself, without the other replicas. Check the store and MCP_SHARED_LIMITS.",
            self.address,
            reason,
        )
