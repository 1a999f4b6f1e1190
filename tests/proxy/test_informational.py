"""The limit on informational responses, on real sockets."""

import pytest
from pydantic import SecretStr

from mcp_errortracking.proxy import Proxy
from mcp_errortracking.proxy.errors import InterruptedCallError
from mcp_errortracking.proxy.limits import Limits
from mcp_errortracking.proxy.response_handler import MOST_INFORMATIONAL
from mcp_errortracking.workflows.source_maps.remote.presigned import Target
from mcp_errortracking.workflows.source_maps.remote.storage import Storage
from mcp_errortracking.workflows.source_maps.remote.storage_errors import LostError
from tests.proxy.fault_server import FaultServer, Reply, http
from tests.workflows.source_maps.test_storage import Bytes
from tests.workflows.source_maps.written_builds import Pauses

pytestmark = pytest.mark.anyio

EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"
PATH = "error_tracking/fingerprints/"
FLOOD = Reply(EARLY * (MOST_INFORMATIONAL + 1) + http(200, {}).raw)


async def read(upstream: FaultServer, *, through: str | None = None) -> None:
    host = upstream.url if through is None else "https://posthog.example"
    limits = Limits(attempts=1)
    async with Proxy(host=host, key=SecretStr("phx_x"), limits=limits, http_proxy=through) as proxy:
        for _ in range(3):
            assert (await proxy.send("GET", PATH)).data == [1]


async def test_a_few_informational_responses_are_skipped_for_each_request() -> None:
    with FaultServer([Reply(EARLY * MOST_INFORMATIONAL + http(200, [1]).raw)]) as upstream:
        await read(upstream)

    assert (len(upstream.received), upstream.connections) == (3, 1)


async def test_too_many_of_them_end_the_connection() -> None:
    with FaultServer([FLOOD]) as upstream:
        with pytest.raises(InterruptedCallError, match="more than 10 informational responses"):
            await read(upstream)
        assert upstream.hung_up.acquire(timeout=20)

    assert len(upstream.received) == 1


async def test_too_many_of_them_from_a_forward_proxy_end_the_connection() -> None:
    with FaultServer([FLOOD]) as forward, pytest.raises(InterruptedCallError, match="more than 10 informational"):
        await read(forward, through=forward.url)

    assert [request.method for request in forward.received] == ["CONNECT"]


async def test_too_many_of_them_from_object_storage_end_the_connection() -> None:
    with FaultServer([FLOOD]) as store:
        async with Storage(store.url, sleep=Pauses()) as storage:
            with pytest.raises(LostError, match="more than 10 informational responses"):
                await storage.send(Target(put=f"{store.url}/key"), Bytes(b"x"))
            with pytest.raises(LostError, match="more than 10 informational responses"):
                await storage.holds(f"{store.url}/key")

    assert store.connections == len(store.received) == 6
