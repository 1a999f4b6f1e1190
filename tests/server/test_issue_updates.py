"""Subscriptions to issues, in both eras: who is notified of what, and the requests of the shared poll."""

import asyncio
import gc
from collections.abc import Generator
from contextlib import suppress
from typing import Any

import anyio
import pytest
from mcp import Client, MCPError
from mcp.client.subscriptions import ResourceUpdated
from mcp_types import ResourceUpdatedNotification
from pydantic import SecretStr

from mcp_errortracking.proxy import Proxy
from mcp_errortracking.server import issue_updates
from tests.calls import server_of
from tests.proxy.fault_server import FaultServer, http
from tests.sandbox_process import FULL, SandboxProcess
from tests.server.cases.case import KEY_ERROR, SEED, TYPE_ERROR

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")]

ISSUE, OTHER = f"posthog://issues/{KEY_ERROR}", f"posthog://issues/{TYPE_ERROR}"


@pytest.fixture
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess(SEED) as running:
        yield running


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issue_updates, "_PAUSE", 0.02)


def proxy_to(url: str) -> Proxy:
    return Proxy(host=url, key=SecretStr(FULL), project="1", http_proxy=None)


def resolve(sandbox: SandboxProcess, issue: str, status: str = "resolved") -> None:
    sandbox.api("PATCH", f"issues/{issue}/", {"status": status})


def polls() -> list[str]:
    """The polls that run."""
    return [name for task in asyncio.all_tasks() if (name := str(task.get_coro())) and "_Feed._watch" in name]


async def end_of_polls() -> None:
    running = [task for task in asyncio.all_tasks() if "_Feed._watch" in str(task.get_coro())]
    with anyio.fail_after(20), suppress(asyncio.CancelledError):
        await asyncio.gather(*running)
    assert polls() == []


class Inbox:
    """The updates that a client of the 2025 era got."""

    def __init__(self) -> None:
        self.uris = list[str]()
        self.arrived = asyncio.Semaphore(0)

    async def __call__(self, message: Any) -> None:
        if isinstance(message, ResourceUpdatedNotification):
            self.uris.append(str(message.params.uri))
            self.arrived.release()


@pytest.mark.usefixtures("hurried")
async def test_a_client_of_2025_is_notified_until_it_unsubscribes(sandbox: SandboxProcess) -> None:
    inbox = Inbox()
    async with (
        proxy_to(sandbox.url) as proxy,
        Client(server_of(proxy, time_limit=20), mode="legacy", message_handler=inbox) as client,
    ):
        capabilities = client.server_capabilities
        await client.subscribe_resource(ISSUE)  # pyright: ignore[reportDeprecated]
        await client.subscribe_resource(ISSUE)  # pyright: ignore[reportDeprecated]
        assert len(polls()) == 1
        await asyncio.to_thread(resolve, sandbox, TYPE_ERROR)
        await asyncio.to_thread(resolve, sandbox, KEY_ERROR)
        with anyio.fail_after(20):
            await inbox.arrived.acquire()
        await client.unsubscribe_resource(ISSUE)  # pyright: ignore[reportDeprecated]
        await client.unsubscribe_resource(ISSUE)  # pyright: ignore[reportDeprecated]
        await asyncio.sleep(0)
        assert polls() == []

    assert capabilities.resources
    assert capabilities.resources.subscribe is True
    assert inbox.uris == [ISSUE]


@pytest.mark.usefixtures("hurried")
async def test_a_stream_of_2026_carries_the_updates_of_its_issues(sandbox: SandboxProcess) -> None:
    async with (
        proxy_to(sandbox.url) as proxy,
        Client(server_of(proxy, time_limit=20), mode="auto") as client,
    ):
        rule = "posthog://grouping_rules/x"
        async with client.listen(resource_subscriptions=[ISSUE, rule], tools_list_changed=True) as stream:
            assert stream.honored.resource_subscriptions == [ISSUE]
            assert not stream.honored.tools_list_changed
            await asyncio.to_thread(resolve, sandbox, TYPE_ERROR)
            await asyncio.to_thread(resolve, sandbox, KEY_ERROR)
            with anyio.fail_after(20):
                async for event in stream:
                    assert event == ResourceUpdated(ISSUE)
                    break
        await end_of_polls()


async def test_clients_share_a_poll_of_one_request(sandbox: SandboxProcess) -> None:
    async with proxy_to(sandbox.url) as proxy:
        server = server_of(proxy, time_limit=20)
        async with Client(server, mode="legacy") as one, Client(server, mode="legacy") as two:
            for client, uri in ((one, ISSUE), (two, OTHER), (two, ISSUE)):
                await client.subscribe_resource(uri)  # pyright: ignore[reportDeprecated]
            (request,) = sandbox.journal()
            assert len(polls()) == 1
        await end_of_polls()  # both clients are gone

    assert request["path"].partition("?")[0].endswith("query/issues/")
    assert request["body"]["orderBy"] == "last_seen"


async def test_what_cannot_be_subscribed_to(sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issue_updates, "MOST_URIS", 1)
    async with (
        proxy_to(sandbox.url) as proxy,
        Client(server_of(proxy, time_limit=20), mode="legacy") as client,
    ):
        for uri in ("posthog://grouping_rules/x", "posthog://issues/x", "file:///etc/passwd"):
            with pytest.raises(MCPError, match="Only issues can be subscribed to"):
                await client.subscribe_resource(uri)  # pyright: ignore[reportDeprecated]
        assert sandbox.journal() == []
        await client.subscribe_resource(ISSUE)  # pyright: ignore[reportDeprecated]
        with pytest.raises(MCPError, match="At most 1 issues"):
            await client.subscribe_resource(OTHER)  # pyright: ignore[reportDeprecated]


async def test_a_refusal_of_posthog_refuses_the_subscription() -> None:
    refused = http(403, {"type": "authentication_error", "code": "permission_denied", "detail": "No."})
    with FaultServer([refused]) as upstream:
        async with (
            proxy_to(upstream.url) as proxy,
            Client(server_of(proxy, time_limit=20), mode="legacy") as client,
        ):
            for _ in range(2):
                with pytest.raises(MCPError):
                    await client.subscribe_resource(ISSUE)  # pyright: ignore[reportDeprecated]
            assert polls() == []
            gc.collect()
            assert [one for one in gc.get_objects() if type(one).__name__ == "_Feed"] == []  # they hold the key


@pytest.mark.usefixtures("hurried")
async def test_the_poll_goes_on_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(status: str) -> Any:
        row = {"id": KEY_ERROR, "status": status, "last_seen": "2026-06-01T00:00:00Z"}
        return http(200, {"results": [row, 5, {"id": None}], "hasMore": False})

    inbox = Inbox()
    with FaultServer([answer("active"), http(400, {"detail": "No."}), answer("resolved")]) as upstream:
        async with (
            proxy_to(upstream.url) as proxy,
            Client(server_of(proxy, time_limit=20), mode="legacy", message_handler=inbox) as client,
        ):
            await client.subscribe_resource(ISSUE)  # pyright: ignore[reportDeprecated]
            with anyio.fail_after(20):
                await inbox.arrived.acquire()

    assert inbox.uris == [ISSUE]
    assert len(upstream.received) >= 3
