"""Questions that nobody answers, calls that end while their user is asked, and the cost of a wait."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp_types import ElicitResult
from pydantic import SecretStr

from mcp_errortracking.catalog import Declaration
from mcp_errortracking.proxy import Proxy
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.proxy.transport import Limits
from mcp_errortracking.server.confirmation.askers import Answer, InputRequired, NoAsker
from mcp_errortracking.server.confirmation.confirmation import Confirmation
from mcp_errortracking.server.observe import CallRecord
from mcp_errortracking.server.toolbox import EVERY_TOOL
from tests.calls import call_tool, server_of
from tests.sandbox_process import FULL, SandboxProcess
from tests.server.cases import case as known
from tests.server.http.http_process import client_of, serving
from tests.server.stdio_process import INITIALIZE, INITIALIZED, served
from tests.server.test_calls import Sender

pytestmark = pytest.mark.anyio

UPDATE = "error-tracking-issues-partial-update"
RESOLVE = {"id": known.TYPE_ERROR, "status": "resolved"}
HELD = {"id": known.TYPE_ERROR, "name": "TypeError", "status": "active"}
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": UPDATE, "arguments": RESOLVE}}
ASKING = INITIALIZE | {
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {"elicitation": {}},
        "clientInfo": {"name": "test", "version": "1"},
    }
}


class Person:
    """A person who does something while being asked."""

    caller = ""

    def __init__(self, answer: Answer, doing: Callable[[], Any]) -> None:
        self.answer: Answer = answer
        self.doing = doing

    async def ask(self, question: str, seconds: float) -> Answer:
        assert (question[:5], seconds) == ("Allow", 300)
        await self.doing()
        return self.answer


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    """Yield one process for all tests of the module: nothing here changes it."""
    with SandboxProcess(known.SEED) as running:
        yield running


@pytest.fixture(autouse=True)
def without_requests(sandbox: SandboxProcess) -> None:
    """Empty the journal of the sandbox."""
    sandbox.empty_journal()


def methods(sandbox: SandboxProcess) -> set[str]:
    return {entry["method"] for entry in sandbox.journal()}


def test_cancelled_call_withdraws_its_question_and_changes_nothing(sandbox: SandboxProcess) -> None:
    with served("--confirm", "writes", upstream=sandbox.url, key=FULL) as server:
        server.send(ASKING)
        server.receive()
        server.send(INITIALIZED, CALL)
        question = server.receive()
        cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
        server.send(cancelled, {"jsonrpc": "2.0", "id": 2, "method": "ping"})
        received = [server.receive() for _ in range(2)]
        late = {"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept", "content": {}}}
        server.send(late, {"jsonrpc": "2.0", "id": 3, "method": "ping"})
        assert server.receive()["id"] == 3
        rest, log, code = server.finish()

    assert question["method"] == "elicitation/create"
    assert question["params"]["requestedSchema"] == {"type": "object", "properties": {}}
    withdrawn = next(message for message in received if message.get("method") == "notifications/cancelled")
    assert withdrawn["params"]["requestId"] == question["id"]
    assert [message["id"] for message in received if "id" in message] == [2]
    assert (rest, code) == (b"", 0)
    assert b"Traceback" not in log
    assert methods(sandbox) == {"GET"}


def test_end_of_input_ends_a_question_and_changes_nothing(sandbox: SandboxProcess) -> None:
    with served("--confirm", "writes", upstream=sandbox.url, key=FULL) as server:
        server.send(ASKING)
        server.receive()
        server.send(INITIALIZED, CALL)
        question = server.receive()
        rest, log, code = server.finish()

    answer = json.loads(rest)
    assert (question["method"], answer["id"], code) == ("elicitation/create", 1, 0)
    assert answer["result"]["content"][0]["text"] == (
        f"The client could not ask the user about {UPDATE}. Nothing was changed. Ask the user how to proceed."
    )
    assert b"unanswered" not in log
    assert methods(sandbox) == {"GET"}


def test_question_after_the_end_of_input_is_not_asked(sandbox: SandboxProcess) -> None:
    with served("--confirm", "writes", upstream=sandbox.url, key=FULL) as server:
        server.send(ASKING)
        server.receive()
        server.send(INITIALIZED, CALL)
        rest, log, code = server.finish()

    answers = [json.loads(line) for line in rest.splitlines()]
    assert [answer.get("id") for answer in answers if "result" in answer] == [1]
    assert "Nothing was changed." in answers[-1]["result"]["content"][0]["text"]
    assert (code, b"unanswered" in log) == (0, False)
    assert methods(sandbox) == {"GET"}


@pytest.mark.parametrize(
    "capability", [{}, {"elicitation": {"url": {}}}, {"sampling": {}}], ids=["none", "urls alone", "another"]
)
def test_client_without_forms_is_not_asked(sandbox: SandboxProcess, capability: dict[str, Any]) -> None:
    opening: Any = json.loads(json.dumps(ASKING))
    opening["params"]["capabilities"] = capability
    with served("--confirm", "writes", upstream=sandbox.url, key=FULL) as server:
        server.send(opening)
        server.receive()
        server.send(INITIALIZED, CALL)
        answer = server.receive()

    assert answer["result"]["structuredContent"]["error"]["code"] == "confirmation_required"
    assert methods(sandbox) == {"GET"}


async def test_client_that_leaves_while_asked_changes_nothing(sandbox: SandboxProcess) -> None:
    asked = anyio.Event()

    async def never(context: Any, params: Any) -> ElicitResult:
        asked.set()
        await anyio.sleep_forever()
        raise AssertionError

    with serving(sandbox.url, "--confirm", "writes", "--metrics") as server:
        with suppress(Exception):
            async with anyio.create_task_group() as group:

                async def call() -> None:
                    async with client_of(server.url, "sse", "legacy", elicitation=never) as client:
                        await client.call_tool(UPDATE, RESOLVE)

                group.start_soon(call)
                await asked.wait()
                group.cancel_scope.cancel()
        async with client_of(server.url, "sse", "legacy") as client:  # the server goes on
            await client.list_tools()

    assert methods(sandbox) == {"GET"}
    assert "Traceback" not in server.log


async def test_nobody_answers_in_time() -> None:
    sender, withdrawn = Sender(HELD), anyio.Event()
    server = server_of(sender, toolbox=EVERY_TOOL, confirmation=Confirmation("writes", "http://x", seconds=0.05))

    async def never(context: Any, params: Any) -> ElicitResult:
        try:
            await anyio.sleep_forever()
        finally:
            withdrawn.set()
        raise AssertionError

    async with Client(server, mode="legacy", elicitation_callback=never) as client:
        result = await client.call_tool(UPDATE, RESOLVE)
        await withdrawn.wait()

    assert result.is_error
    assert result.content[0].type == "text"
    assert result.content[0].text == (
        f"Nobody answered within 0.05 s, so {UPDATE} was not called. Nothing was changed. "
        "Call it again when the user can answer."
    )
    assert {method for method, _ in sender.sent} == {"GET"}


async def test_wait_for_a_person_does_not_count_and_holds_no_connection(sandbox: SandboxProcess) -> None:
    deadlines, records, spent = list[float](), list[CallRecord](), 0.0
    async with Proxy(host=sandbox.url, key=SecretStr(FULL), project="1", limits=Limits(connections=1)) as proxy:

        async def read_meanwhile() -> None:
            nonlocal spent
            began = time.perf_counter()
            deadlines.append(anyio.current_effective_deadline())
            await proxy.send("GET", "error_tracking/releases/")
            spent = time.perf_counter() - began

        class Watched:
            """The proxy, and the time that is left for each request."""

            project = "1"

            async def send(self, method: str, path: str, **options: Any) -> Any:
                deadlines.append(anyio.current_effective_deadline() - anyio.current_time())
                return await proxy.send(method, path, **options)

        began = time.perf_counter()
        reply = await call_tool(
            Watched(),
            UPDATE,
            {"id": known.TYPE_ERROR, "name": "TypeError"},
            time_limit=20,
            confirmation=Confirmation("writes", sandbox.url),
            asker=Person("accept", read_meanwhile),
            observe=records.append,
        )
        total = time.perf_counter() - began

    assert not reply.is_error, reply.text
    before, asked, *after = deadlines
    assert asked == float("inf")
    assert 0 < before <= 20
    assert all(0 < left <= 20 for left in after)
    assert [record.outcome for record in records] == ["ok"]
    assert 0 < records[0].ms / 1000 <= total - spent


async def test_answer_of_the_2026_era_that_comes_late_changes_nothing() -> None:
    sender = Sender(HELD)
    server = server_of(sender, toolbox=EVERY_TOOL, confirmation=Confirmation("writes", "http://x", seconds=0))

    async def accept(context: Any, params: Any) -> ElicitResult:
        return ElicitResult(action="accept")

    async with Client(server, mode="2026-07-28", elicitation_callback=accept) as client:
        result = await client.call_tool(UPDATE, RESOLVE)

    assert result.is_error
    assert result.content[0].type == "text"
    assert result.content[0].text.startswith("The answer came after more than 0 s.")
    assert {method for method, _ in sender.sent} == {"GET"}


@pytest.mark.parametrize(
    ("effect", "line"),
    [
        ("It would take 40 of 100 exceptions.", "It would take 40 of 100 exceptions."),
        (PostHogError("PostHog refused."), "The effect is not known: PostHog refused."),
    ],
    ids=["known", "unknown"],
)
async def test_effect_of_a_call_is_part_of_its_question(effect: Any, line: str) -> None:
    async def find(call: Declaration, _sender: Any) -> str:
        assert call.tool == UPDATE
        if isinstance(effect, Exception):
            raise effect
        return effect

    confirmation = Confirmation("writes", "http://x", effect=find)

    reply = await call_tool(Sender(HELD), UPDATE, RESOLVE, time_limit=5, confirmation=confirmation)

    assert line in reply.structured["error"]["question"].splitlines()


@pytest.mark.parametrize("asks", [True, False], ids=["input required", "token"])
async def test_effect_is_found_out_for_the_question_alone(asks: bool) -> None:
    found = list[str]()

    async def find(call: Declaration, _sender: Any) -> str:
        found.append(call.tool)
        return "It would take 40 of 100 exceptions."

    confirmation = Confirmation("writes", "http://x", effect=find)

    async def call(asker: Any, **more: Any) -> Any:
        arguments = {**RESOLVE, **more}
        return await call_tool(Sender(HELD), UPDATE, arguments, time_limit=5, confirmation=confirmation, asker=asker)

    if asks:
        asked = await call(InputRequired(""))
        done = await call(InputRequired("", asked.input_required["requestState"], "accept"))
    else:
        refused = await call(NoAsker())
        done = await call(NoAsker(), confirm=refused.structured["error"]["confirm"])

    assert not done.is_error
    assert found == [UPDATE]


async def test_token_is_for_one_project_host_and_caller() -> None:
    class Of(Sender):
        def __init__(self, project: str) -> None:
            super().__init__(HELD)
            self.project = project

    confirmation = Confirmation("writes", "https://posthog.example")

    async def call(project: str, caller: str, token: str | None = None) -> Any:
        arguments = RESOLVE if token is None else {**RESOLVE, "confirm": token}
        return await call_tool(
            Of(project), UPDATE, arguments, time_limit=5, confirmation=confirmation, asker=NoAsker(caller)
        )

    token: str = (await call("1", "ada")).structured["error"]["confirm"]

    assert (await call("2", "ada", token)).is_error
    assert (await call("1", "bob", token)).is_error
    confirmation.host = "https://other.example"
    assert (await call("1", "ada", token)).is_error
    confirmation.host = "https://posthog.example"
    assert not (await call("1", "ada", token)).is_error


async def test_token_of_one_caller_is_not_for_another(sandbox: SandboxProcess) -> None:
    ada, bob = "a-token-of-ada-with-32-characters", "a-token-of-bob-with-32-characters"
    with serving(sandbox.url, "--confirm", "writes", MCP_SERVER_TOKEN=f"{ada},{bob}") as server:
        async with client_of(server.url, "http", "auto", ada) as client:
            refused = await client.call_tool(UPDATE, RESOLVE)
        token = (refused.structured_content or {})["error"]["confirm"]
        async with client_of(server.url, "http", "auto", bob) as client:
            other = await client.call_tool(UPDATE, {**RESOLVE, "confirm": token})

    assert other.is_error
    assert methods(sandbox) == {"GET"}


OFF = """
import sys
from mcp_errortracking import compose, config
from mcp_errortracking.cli import serve
from mcp_errortracking.server import app, ready, stdio
settings = config.load_posthog({"POSTHOG_PERSONAL_API_KEY": "phx_0123456789"})
compose.server_for(settings, config.load_tool_selection({}), compose.proxy_for(settings),
    time_limit=1, observe=print, over_network=False)
ready.ReadyAnswers(with_files=True, with_journal=False, scopes=["*"])
print([name for name in sys.modules if "server.confirmation" in name])
"""


def test_server_that_confirms_nothing_imports_nothing_of_it() -> None:
    done = subprocess.run([sys.executable, "-c", OFF], capture_output=True, text=True, timeout=50, check=True)

    assert done.stdout == "[]\n"
