"""The lists that a client asks for: pages, cursors, how long they hold, and for whom; and the tools a key can use."""

from typing import Any

import anyio
import pytest
from mcp import Client, MCPError
from mcp_types import INVALID_PARAMS

from mcp_errortracking.catalog import CATALOG, TOOLSETS
from mcp_errortracking.proxy.address import KEY_PATH
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.server import key_scopes, shared_answer
from mcp_errortracking.server.key_scopes import KeyScopes, read_scopes
from mcp_errortracking.server.toolbox import Toolbox
from tests.calls import server_of
from tests.server.mcp_client import ERAS
from tests.server.test_calls import Sender

pytestmark = pytest.mark.anyio

ALL = Toolbox(toolsets=("all",))


def client_on(sender: Sender, era: str = "auto", **options: Any) -> Client:
    return Client(server_of(sender, time_limit=5, **options), mode=era)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("era", ERAS)
async def test_pages_of_tools_come_one_after_another(era: str) -> None:
    names = list[str]()
    async with client_on(Sender({"scopes": ["*"]}), era, toolbox=ALL, page_size=10) as client:
        page = await client.list_tools()
        sizes = [len(page.tools)]
        names += [tool.name for tool in page.tools]
        while page.next_cursor is not None:
            page = await client.list_tools(cursor=page.next_cursor)
            sizes.append(len(page.tools))
            names += [tool.name for tool in page.tools]

    assert names == list(CATALOG)
    assert sizes == [10] * (len(CATALOG) // 10) + [len(CATALOG) % 10]


@pytest.mark.parametrize(
    "cursor", ["", "x", "-1", "0", str(len(CATALOG)), "1e3", "٣", "9" * 400, "000000005" + "1" * 10000]
)
async def test_a_cursor_that_was_never_given_is_refused(cursor: str) -> None:
    async with client_on(Sender({"scopes": ["*"]}), toolbox=ALL, page_size=10) as client:
        with pytest.raises(MCPError) as caught:
            await client.list_tools(cursor=cursor)
        assert caught.value.code == INVALID_PARAMS
        assert caught.value.message == "Unknown cursor. Leave it out to start at the first page."
        for other in (client.list_prompts, client.list_resources, client.list_resource_templates):
            with pytest.raises(MCPError, match="Unknown cursor"):
                await other(cursor="10")


@pytest.mark.parametrize(("private", "scope"), [(False, "public"), (True, "private")])
async def test_lists_say_how_long_they_hold_and_for_whom(private: bool, scope: str) -> None:
    async with client_on(Sender({"scopes": ["*"]}), private_lists=private) as client:
        tools, prompts = await client.list_tools(), await client.list_prompts()
        templates = await client.list_resource_templates()

    assert (tools.ttl_ms, tools.cache_scope) == (300_000, scope)
    assert (prompts.ttl_ms, prompts.cache_scope) == (300_000, "public")
    assert (templates.ttl_ms, templates.cache_scope) == (300_000, "public")


async def test_a_client_is_shown_what_its_key_can_use_and_the_key_is_asked_about_once() -> None:
    sender = Sender({"scopes": ["error_tracking:read"]})
    async with client_on(sender) as client:
        lists = [(await client.list_tools(cache_mode="bypass")).tools for _ in range(3)]

    reads = [tool for tool in TOOLSETS["default"] if CATALOG[tool].scopes == ("error_tracking:read",)]
    assert [[tool.name for tool in tools] for tools in lists] == [reads] * 3
    assert sender.sent == [("GET", KEY_PATH)]


async def test_without_an_answer_every_tool_is_listed_and_a_later_list_asks_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sender = Sender(PostHogError("PostHog went away."), {"scopes": ["error_tracking:read"]})
    async with client_on(sender) as client:
        lists = [(await client.list_tools(cache_mode="bypass")).tools for _ in range(3)]
        now = shared_answer.time.monotonic()
        monkeypatch.setattr(shared_answer.time, "monotonic", lambda: now + 11)
        later = (await client.list_tools(cache_mode="bypass")).tools

    assert [tuple(tool.name for tool in tools) for tools in lists] == [TOOLSETS["default"]] * 3
    assert len(later) < len(lists[0])
    assert len(sender.sent) == 2


async def test_a_list_waits_for_posthog_no_longer_than_it_must(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_scopes, "_TIME_LIMIT", 0.01)

    assert await KeyScopes(Sender(anyio.sleep_forever)).get() is None


async def test_those_who_ask_at_once_share_one_question() -> None:
    sender = Sender({"scopes": ["a:read"]})
    known = KeyScopes(sender)
    found = list[Any]()

    async def ask() -> None:
        found.append(await known.get())

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(ask)

    assert found == [frozenset({"a:read"})] * 5
    assert len(sender.sent) == 1


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"scopes": ["a:read", "b:write"]}, frozenset({"a:read", "b:write"})),
        ({"scopes": []}, None),
        ({"scopes": None}, None),
        ({"scopes": "a:read"}, None),
        ({}, None),
        ([], None),
        (None, None),
        ("x", None),
    ],
)
def test_scopes_as_posthog_tells_them(answer: Any, expected: frozenset[str] | None) -> None:
    assert read_scopes(answer) == expected
