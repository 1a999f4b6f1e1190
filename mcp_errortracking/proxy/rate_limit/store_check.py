"""A check of the store of the shared limits that waits longer than a call may, and names what is wrong."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

_TIME_LIMIT = 5.0
_KEY = "mcp-errortracking:check"
_WRITE = "redis.call('SET', KEYS[1], '1', 'PX', 1000) return redis.call('TIME')"
"""The abilities of a store that the limits need: scripts that write, and its clock."""


class StoreProblemError(Exception):
    """The store cannot be used. The text says why, `fix` what to do; neither holds its password."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.fix = fix


@dataclass(frozen=True, slots=True)
class StoreState:
    """A store that can be used. `product` is its name and version, `milliseconds` the time of one command."""

    product: str
    milliseconds: float


async def check_store(url: SecretStr) -> StoreState:
    """Connect to the store and run a script as a call would. Needs the extra `redis`.

    Raises:
        StoreProblemError: the store is away, or refuses what the limits need.
    """
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    client = Redis.from_url(url.get_secret_value(), retry=Retry(NoBackoff(), 0), protocol=2, driver_info=None)  # pyright: ignore[reportUnknownMemberType]
    try:
        async with asyncio.timeout(_TIME_LIMIT):
            return await _use(client)
    except TimeoutError:
        raise StoreProblemError(
            f"it did not answer within {_TIME_LIMIT:g} s", "check that it runs, and the network between"
        ) from None
    finally:
        await client.aclose()


async def _use(client: Any) -> StoreState:
    from redis.exceptions import RedisError

    try:
        await client.ping()
        await client.eval(_WRITE, 1, _KEY)
        began = time.monotonic()
        await client.ping()
        took = (time.monotonic() - began) * 1000
        return StoreState(await _product(client), took)
    except TypeError:  # redis passes the options of an address to a connection when it opens one
        raise StoreProblemError("redis does not know an option of its address", "correct MCP_SHARED_LIMITS") from None
    except (RedisError, OSError) as error:
        raise _problem_of(error) from None


def _problem_of(error: Exception) -> StoreProblemError:
    """Return the problem behind an error, whose own text may repeat what was sent."""
    from redis.exceptions import AuthenticationError, NoPermissionError, ReadOnlyError, ResponseError

    if isinstance(error, NoPermissionError):
        return StoreProblemError(
            "its user may not run the scripts of the limits",
            "allow the user EVAL and writing to keys that begin with mcp-errortracking:",
        )
    if isinstance(error, AuthenticationError) or isinstance(error.__cause__, AuthenticationError):
        return StoreProblemError(
            "it refuses the user name or password, or asks for one",
            "put them into MCP_SHARED_LIMITS, like redis://user:password@localhost:6379/0",
        )
    if isinstance(error, ReadOnlyError):
        return StoreProblemError("it is a read-only replica", "give the address of the server that it copies")
    name = type(error).__name__
    if isinstance(error, ResponseError):
        return StoreProblemError(f"it refuses a script that writes ({name})", "read the log of the store")
    return StoreProblemError(
        f"no connection to it ({name})", "check that it runs, and host, port and TLS of MCP_SHARED_LIMITS"
    )


async def _product(client: Any) -> str:
    from redis.exceptions import ResponseError

    try:
        about: dict[str, Any] = await client.info("server")
    except ResponseError:  # its user may not ask
        return "a version that it does not show"
    if "valkey_version" in about:
        return f"Valkey {about['valkey_version']}"
    return f"Redis {about.get('redis_version', 'without a version')}"
