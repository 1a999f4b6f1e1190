"""Real clients that ask their user, and clients that cannot, in both eras and over every transport."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from mcp import Client
from mcp_types import (
    CallToolRequestParams,
    ClientCapabilities,
    ElicitationCapability,
    ElicitRequestFormParams,
    ElicitResult,
    ErrorData,
)

from mcp_errortracking.server.confirmation.askers import NoAsker
from mcp_errortracking.server.confirmation.clients import Elicitation, asker_of
from tests.sandbox_process import SandboxProcess
from tests.server.cases import case as known
from tests.server.http.http_process import HttpServer, client_of, serving
from tests.server.mcp_client import ERAS, connected, text_of

pytestmark = pytest.mark.anyio

UPDATE = "error-tracking-issues-partial-update"
RESOLVE = {"id": known.TYPE_ERROR, "status": "resolved"}
TRANSPORTS = ("stdio", "sse", "http")
CAN_ASK = [(transport, era) for transport in TRANSPORTS for era in ERAS if (transport, era) != ("http", "legacy")]
"""Streamable HTTP of the 2025 era has no sessions here, so nothing leads back to the client."""


class User:
    """A user who answers each question in the same way, and may do something before."""

    def __init__(self, action: Any = "accept", meanwhile: Any = None) -> None:
        self.action, self.meanwhile = action, meanwhile
        self.questions = list[str]()

    async def __call__(self, context: Any, params: Any) -> ElicitResult | ErrorData:
        assert isinstance(params, ElicitRequestFormParams)
        assert params.requested_schema == {"type": "object", "properties": {}}
        self.questions.append(params.message)
        if self.meanwhile:
            self.meanwhile()
        return self.action if isinstance(self.action, ErrorData) else ElicitResult(action=self.action)


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    """Yield one process for all tests of the module."""
    with SandboxProcess(known.SEED) as running:
        yield running


@pytest.fixture(autouse=True)
def as_seeded(sandbox: SandboxProcess) -> None:
    """Bring the sandbox back to its seed."""
    sandbox.reset()


@pytest.fixture(scope="module")
def server(sandbox: SandboxProcess) -> Generator[HttpServer]:
    """Yield a server over HTTP that confirms all writes."""
    with serving(sandbox.url, "--confirm", "writes") as running:
        yield running


@asynccontextmanager
async def client_over(
    transport: str, era: str, sandbox: SandboxProcess, server: HttpServer, user: User | None
) -> AsyncGenerator[Client]:
    """Open a client over a transport to a server that confirms all writes."""
    if transport == "stdio":
        async with connected(sandbox.url, sandbox.key, "--confirm", "writes", era=era, elicitation=user) as client:
            yield client
    else:
        async with client_of(server.url, transport, era, elicitation=user) as client:
            yield client


def writes(sandbox: SandboxProcess) -> list[str]:
    """Return the requests that changed something, or meant to."""
    return [entry["method"] for entry in sandbox.journal() if entry["method"] != "GET"]


def status_of(sandbox: SandboxProcess) -> str:
    return sandbox.api("GET", f"issues/{known.TYPE_ERROR}/").json()["status"]


@pytest.mark.parametrize(("transport", "era"), CAN_ASK)
async def test_user_is_asked_and_the_answer_counts(
    sandbox: SandboxProcess, server: HttpServer, transport: str, era: str
) -> None:
    user = User()
    async with client_over(transport, era, sandbox, server, user) as client:
        for action in ("decline", "cancel"):
            user.action = action
            refused = await client.call_tool(UPDATE, RESOLVE)
            assert refused.is_error
            assert "Nothing was changed." in text_of(refused)
            assert (refused.structured_content or {})["error"]["code"] == "declined"
        assert writes(sandbox) == []
        user.action = "accept"
        done = await client.call_tool(UPDATE, RESOLVE)

    assert not done.is_error, text_of(done)
    assert writes(sandbox) == ["PATCH"]
    assert status_of(sandbox) == "resolved"
    assert len(user.questions) == 3
    assert user.questions[0].splitlines() == [
        f'Allow "Update issue" ({UPDATE}) in project 1 of {sandbox.url}?',
        f'- issue "TypeError" ({known.TYPE_ERROR})',
        '  - status: from "active" to "resolved"',
        "It can be undone.",
    ]


@pytest.mark.parametrize(("transport", "era"), [("stdio", "legacy"), ("http", "auto")])
async def test_object_that_changes_while_the_user_is_asked_is_left_alone(
    sandbox: SandboxProcess, server: HttpServer, transport: str, era: str
) -> None:
    def suppress() -> None:
        sandbox.api("PATCH", f"issues/{known.TYPE_ERROR}/", {"status": "suppressed"}).raise_for_status()

    async with client_over(transport, era, sandbox, server, User(meanwhile=suppress)) as client:
        refused = await client.call_tool(UPDATE, RESOLVE)

    assert refused.is_error
    assert "changed while the user was asked" in text_of(refused)
    assert status_of(sandbox) == "suppressed"
    assert writes(sandbox) == ["PATCH"]  # that of the other user


def test_session_without_a_way_back_cannot_ask() -> None:
    can = SimpleNamespace(
        client_capabilities=ClientCapabilities(elicitation=ElicitationCapability()),
        protocol_version="2025-11-25",
        can_send_request=True,
    )
    cannot = SimpleNamespace(**{**vars(can), "can_send_request": False})
    params = CallToolRequestParams(name=UPDATE)

    askers = [asker_of(SimpleNamespace(session=one, request=None, request_id=1), params) for one in (can, cannot)]

    assert [type(asker) for asker in askers] == [Elicitation, NoAsker]


async def test_form_without_a_way_to_the_client_is_not_asked(sandbox: SandboxProcess, server: HttpServer) -> None:
    user = User()
    async with client_over("http", "legacy", sandbox, server, user) as client:
        refused = await client.call_tool(UPDATE, RESOLVE)

    assert (refused.structured_content or {})["error"]["code"] == "confirmation_required"
    assert user.questions == []
    assert writes(sandbox) == []


async def test_client_that_fails_to_ask_changes_nothing(sandbox: SandboxProcess, server: HttpServer) -> None:
    async with client_over("stdio", "legacy", sandbox, server, User(ErrorData(code=-32603, message="no"))) as client:
        refused = await client.call_tool(UPDATE, RESOLVE)

    assert "could not ask the user" in text_of(refused)
    assert "confirm" not in (refused.structured_content or {})["error"]
    assert writes(sandbox) == []


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("era", ERAS)
async def test_client_that_cannot_ask_goes_on_with_a_token(
    sandbox: SandboxProcess, server: HttpServer, transport: str, era: str
) -> None:
    async with client_over(transport, era, sandbox, server, None) as client:
        refused = await client.call_tool(UPDATE, RESOLVE)
        error = (refused.structured_content or {})["error"]
        assert refused.is_error
        assert text_of(refused).splitlines()[-1].endswith(f'and confirm "{error["confirm"]}", within 300 s.')
        assert writes(sandbox) == []
        token = {"confirm": error["confirm"]}

        other = [
            await client.call_tool(UPDATE, {**RESOLVE, "status": "suppressed", **token}),
            await client.call_tool("error-tracking-issues-assign-partial-update", {"id": RESOLVE["id"], **token}),
            await client.call_tool(UPDATE, {**RESOLVE, "confirm": "yes"}),
        ]
        assert all(one.is_error for one in other)
        assert writes(sandbox) == []

        done = await client.call_tool(UPDATE, {**RESOLVE, **token})
        assert not done.is_error, text_of(done)
        assert writes(sandbox) == ["PATCH"]
        sandbox.api("PATCH", f"issues/{known.TYPE_ERROR}/", {"status": "active"})
        again = await client.call_tool(UPDATE, {**RESOLVE, **token})

    assert "was used before" in text_of(again)
    assert status_of(sandbox) == "active"


async def test_token_ends_with_a_change_of_the_object(sandbox: SandboxProcess, server: HttpServer) -> None:
    async with client_over("http", "auto", sandbox, server, None) as client:
        refused = await client.call_tool(UPDATE, RESOLVE)
        token = (refused.structured_content or {})["error"]["confirm"]
        sandbox.api("PATCH", f"issues/{known.TYPE_ERROR}/", {"status": "suppressed"})
        again = await client.call_tool(UPDATE, {**RESOLVE, "confirm": token})

    assert "The object changed since this confirm token was made." in text_of(again)
    assert 'from "suppressed" to "resolved"' in text_of(again)
    assert status_of(sandbox) == "suppressed"


async def test_client_that_can_ask_asks_whatever_the_model_sends(sandbox: SandboxProcess, server: HttpServer) -> None:
    async with client_over("sse", "legacy", sandbox, server, None) as silent:
        refused = await silent.call_tool(UPDATE, RESOLVE)
    token = (refused.structured_content or {})["error"]["confirm"]
    user = User("decline")

    async with client_over("sse", "legacy", sandbox, server, user) as client:
        declined = await client.call_tool(UPDATE, {**RESOLVE, "confirm": token})

    assert declined.is_error
    assert len(user.questions) == 1
    assert writes(sandbox) == []


async def test_answer_of_the_2026_era_counts_once_and_for_its_call(sandbox: SandboxProcess, server: HttpServer) -> None:
    accepted: Any = {"confirm": ElicitResult(action="accept")}
    async with client_over("http", "auto", sandbox, server, User()) as client:
        session: Any = client.session
        asked: Any = await session.call_tool(UPDATE, RESOLVE, allow_input_required=True)
        how: Any = {"input_responses": accepted, "request_state": asked.request_state, "allow_input_required": True}

        other = await session.call_tool(UPDATE, {**RESOLVE, "status": "suppressed"}, **how)
        unanswered = await session.call_tool(UPDATE, RESOLVE, **{**how, "request_state": None})
        forged = await session.call_tool(UPDATE, RESOLVE, **{**how, "request_state": "A" * 48})
        assert writes(sandbox) == []
        done = await session.call_tool(UPDATE, RESOLVE, **how)
        again = await session.call_tool(UPDATE, RESOLVE, **how)

    assert [one.is_error for one in (other, forged, done, again)] == [True, True, False, True]
    assert unanswered.result_type == "input_required"
    assert writes(sandbox) == ["PATCH"]


async def test_wrong_arguments_are_explained_before_anybody_is_asked(
    sandbox: SandboxProcess, server: HttpServer
) -> None:
    user = User()
    async with client_over("http", "auto", sandbox, server, user) as client:
        refused = await client.call_tool(UPDATE, {**RESOLVE, "status": "gone"})
        unknown = await client.call_tool(UPDATE, {**RESOLVE, "id": known.UNKNOWN})

    assert "Wrong arguments" in text_of(refused)
    assert (unknown.structured_content or {})["error"]["code"] == "not_found"
    assert user.questions == []
