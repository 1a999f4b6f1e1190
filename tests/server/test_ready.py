"""The answers that are ready before the SDK is imported: those that the SDK gives, and only to usual requests."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

from mcp_errortracking.catalog import CATALOG, TOOLSETS
from mcp_errortracking.server.confirmation.argument import Mode
from mcp_errortracking.server.confirmation.confirmation import Confirmation
from mcp_errortracking.server.ready import READY, ReadyAnswers
from mcp_errortracking.server.ready_file import handshake, modern, ready_file, results_of
from mcp_errortracking.server.selection import SelectionError, can_run
from mcp_errortracking.server.toolbox import Toolbox
from mcp_errortracking.workflows.registry import WORKFLOWS
from tests.calls import server_of
from tests.server.stdio_process import INITIALIZE, INITIALIZED, KEY, GatedUpstream, list_rules, served
from tests.server.test_calls import Sender

EVERY_SCOPE = sorted({scope for tool in CATALOG.values() for scope in tool.scopes})
OPENINGS = [handshake(version) for version in HANDSHAKE_PROTOCOL_VERSIONS] + [
    modern(version) for version in MODERN_PROTOCOL_VERSIONS
]
LISTS: list[dict[str, Any]] = [
    {},
    {"read_only": True},
    *({"toolsets": (name,)} for name in TOOLSETS),
    {"toolsets": ("all",), "exclude": ("alerts", "error-tracking-fingerprints-list")},
    {"tools": ("error-tracking-bypass-rules-list", "symbol-set-inspect")},
]


def ready(
    *,
    with_files: bool = True,
    with_journal: bool = True,
    scopes: Sequence[str] | None = ("*",),
    confirm: Mode = "never",
    **selection: Any,
) -> ReadyAnswers:
    return ReadyAnswers(with_files=with_files, with_journal=with_journal, scopes=scopes, confirm=confirm, **selection)


def answers_to(answers: ReadyAnswers, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The answers to the requests among these messages, each of which must have one."""
    lines = [answers.answer(json.dumps(message).encode()) for message in messages]
    assert None not in lines
    return [json.loads(line) for line in lines if line]


def test_the_file_has_what_the_sdk_answers() -> None:
    assert ready_file() == READY.read_text("utf-8"), "if intended: make reference"


@pytest.mark.anyio
@pytest.mark.parametrize("opening", OPENINGS)
async def test_in_every_version_the_answers_are_those_of_the_sdk(opening: list[dict[str, Any]]) -> None:
    server = server_of(Sender({"scopes": ["*"]}), toolbox=Toolbox(workflows=WORKFLOWS))

    answers = answers_to(ready(), opening)

    assert [answer["result"] for answer in answers] == await results_of(server, opening)
    assert [answer["id"] for answer in answers] == [1, 2]


@pytest.mark.anyio
@pytest.mark.parametrize("opening", [OPENINGS[0], OPENINGS[-1]])
@pytest.mark.parametrize("selection", LISTS, ids=str)
@pytest.mark.parametrize(("with_files", "with_journal"), [(True, True), (False, True), (True, False)])
async def test_of_every_selection_the_list_is_that_of_the_sdk(
    opening: list[dict[str, Any]], selection: dict[str, Any], with_files: bool, with_journal: bool
) -> None:
    workflows = [one for one in WORKFLOWS if can_run(one, with_files=with_files, with_journal=with_journal)]
    try:
        toolbox = Toolbox(workflows=workflows, **selection)
    except SelectionError:
        with pytest.raises(SelectionError):
            ready(with_files=with_files, with_journal=with_journal, **selection)
        return
    _, listed = await results_of(server_of(Sender({"scopes": ["*"]}), toolbox=toolbox), opening)

    assert (
        answers_to(ready(with_files=with_files, with_journal=with_journal, **selection), opening)[1]["result"] == listed
    )


@pytest.mark.anyio
@pytest.mark.parametrize("opening", [OPENINGS[0], OPENINGS[-1]])
@pytest.mark.parametrize("selection", LISTS, ids=str)
@pytest.mark.parametrize("confirm", ["destructive", "writes"])
async def test_of_every_selection_the_list_with_confirmation_is_that_of_the_sdk(
    opening: list[dict[str, Any]], selection: dict[str, Any], confirm: Mode
) -> None:
    toolbox = Toolbox(workflows=WORKFLOWS, **selection)
    confirmation = Confirmation(confirm, "http://localhost")
    server = server_of(Sender({"scopes": ["*"]}), toolbox=toolbox, confirmation=confirmation)
    first, listed = await results_of(server, opening)

    answers = answers_to(ready(confirm=confirm, **selection), opening)

    assert [answer["result"] for answer in answers] == [first, listed]
    named = {tool["name"] for tool in listed["tools"] if "confirm" in tool["inputSchema"]["properties"]}
    known = {name: toolbox.find(name) for name in toolbox.names}
    assert named == {
        name for name, tool in known.items() if not tool.read_only and (confirm == "writes" or tool.destructive)
    }


@pytest.mark.anyio
@pytest.mark.parametrize("scopes", [["*"], [], *([scope] for scope in EVERY_SCOPE)], ids=str)
async def test_for_every_scope_the_list_is_that_of_the_sdk(scopes: list[str]) -> None:
    toolbox = Toolbox(toolsets=("all",), workflows=WORKFLOWS)
    listed = toolbox.names_for(scopes)

    answer = answers_to(ready(scopes=scopes, toolsets=("all",)), OPENINGS[-1])[1]

    assert [tool["name"] for tool in answer["result"]["tools"]] == listed
    if scopes:
        _, own = await results_of(server_of(Sender({"scopes": scopes}), toolbox=toolbox), OPENINGS[-1])
        assert answer["result"] == own


def test_a_list_whose_scopes_are_not_known_is_left_to_the_sdk() -> None:
    answers = ready(scopes=None)

    lines = [answers.answer(json.dumps(message).encode()) for message in OPENINGS[0]]

    assert (bool(lines[0]), *lines[1:]) == (True, b"", None)


def changed(**params: Any) -> dict[str, Any]:
    """An `initialize` with other parameters."""
    usual: Any = INITIALIZE["params"]
    return INITIALIZE | {"params": usual | params}


@pytest.mark.parametrize(
    "message",
    [
        INITIALIZED,
        OPENINGS[0][2],
        list_rules(1),
        INITIALIZE | {"jsonrpc": "1.0"},
        INITIALIZE | {"id": None},
        INITIALIZE | {"id": True},
        INITIALIZE | {"id": 1.0},
        INITIALIZE | {"id": "x" * 1001},
        INITIALIZE | {"more": 1},
        INITIALIZE | {"params": None},
        INITIALIZE | {"params": []},
        changed(protocolVersion="2024-01-01"),
        changed(protocolVersion="2026-07-28"),
        changed(protocolVersion=["2025-11-25"]),
        changed(_meta={}),
        changed(clientInfo={"name": "x"}),
        changed(clientInfo={"name": "x", "version": 1}),
        changed(clientInfo={"name": "x", "version": "1", "icons": []}),
        changed(clientInfo={"name": "\ud800", "version": "1"}),
        changed(capabilities=[]),
        changed(capabilities={"roots": True}),
        changed(capabilities={"roots": {"listChanged": "x"}}),
        changed(capabilities={"unknown": {}}),
        changed(capabilities={"experimental": {"x": 1}}),
        OPENINGS[-1][0] | {"params": {}},
        OPENINGS[-1][1] | {"params": OPENINGS[-1][1]["params"] | {"cursor": "10"}},
        OPENINGS[-1][1] | {"params": {"_meta": OPENINGS[-1][1]["params"]["_meta"] | {"progressToken": 1}}},
        [INITIALIZE],
        b"",
        b"\xff",
        b"{",
        b"[" * 10_000,
        b'{"jsonrpc":"2.0","id":1,"id":2' + json.dumps(INITIALIZE).encode()[16:],
        json.dumps(INITIALIZE).encode().replace(b'"init"', b"NaN"),
        json.dumps(changed(clientInfo={"name": "x" * 20_000, "version": "1"})).encode(),
    ],
    ids=lambda message: str(message)[:80],
)
def test_a_first_message_of_another_form_is_left_to_the_sdk(message: Any) -> None:
    assert ready().answer(message if isinstance(message, bytes) else json.dumps(message).encode()) is None


@pytest.mark.parametrize(
    "capabilities",
    [
        {"roots": {"listChanged": True}, "sampling": {}, "elicitation": {}},
        {
            "elicitation": {"form": {}, "url": {}},
            "experimental": {"x": {}},
            "extensions": {"a/b": {"mimeTypes": ["c"]}},
        },
    ],
)
@pytest.mark.anyio
async def test_what_clients_can_do_changes_no_answer(capabilities: dict[str, Any]) -> None:
    opening = [changed(capabilities=capabilities), INITIALIZED, OPENINGS[0][2]]

    answers = answers_to(ready(), opening)

    server = server_of(Sender({"scopes": ["*"]}), toolbox=Toolbox(workflows=WORKFLOWS))
    assert [answer["result"] for answer in answers] == await results_of(server, opening)


def test_one_session_has_one_era_and_one_handshake() -> None:
    for first, second in ((OPENINGS[0][0], OPENINGS[-1][0]), (OPENINGS[-1][0], OPENINGS[0][0]), (INITIALIZE,) * 2):
        answers = ready()
        assert answers.answer(json.dumps(first).encode())
        assert answers.answer(json.dumps(second).encode()) is None


BEFORE_THE_IMPORT = """
import sys, threading
from mcp_errortracking.server.ready import ReadyAnswers, open_session
never = threading.Event()
opening = open_session(ReadyAnswers(with_files=True, with_journal=False, scopes=["*"]), lambda: never.wait(20))
print(sorted({"mcp", "mcp_types", "pydantic", "mcp_errortracking.catalog"} & set(sys.modules)), file=sys.stderr)
sys.stderr.flush()
"""


@pytest.mark.parametrize("opening", [OPENINGS[0], OPENINGS[-1]])
def test_answers_do_not_wait_for_the_import(opening: list[dict[str, Any]]) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", BEFORE_THE_IMPORT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(b"".join(json.dumps(message).encode() + b"\n" for message in opening))
        process.stdin.flush()
        answers = [json.loads(process.stdout.readline()) for _ in range(2)]
        process.send_signal(signal.SIGTERM)
        assert process.stderr
        modules = process.stderr.readline()
        process.kill()

    assert [answer["id"] for answer in answers] == [1, 2]
    assert modules == b"[]\n"


def test_the_sdk_goes_on_with_the_session() -> None:
    with GatedUpstream() as upstream, served(upstream=upstream.url) as server:
        upstream.gate.set()
        server.send(INITIALIZE, INITIALIZED, list_rules(1), list_rules(2) | {"id": "init"})
        answers = [server.receive() for _ in range(3)]
        rest, log, code = server.finish()

    assert answers[0]["result"]["protocolVersion"] == "2025-11-25"
    assert {answer["id"]: answer["result"]["isError"] for answer in answers[1:]} == {1: False, "init": False}
    assert (rest, code) == (b"", 0)
    assert b"Traceback" not in log


def test_the_sdk_goes_on_in_the_era_of_the_opening() -> None:
    later = OPENINGS[-1][0]["params"]
    call = list_rules(3)
    call["params"] |= later
    with GatedUpstream() as upstream, served(upstream=upstream.url) as server:
        upstream.gate.set()
        server.send(OPENINGS[-1][0], call, INITIALIZE)
        answers = {answer["id"]: answer for answer in (server.receive() for _ in range(3))}
        rest, _, code = server.finish()

    assert answers[1]["result"]["supportedVersions"] == ["2026-07-28"]
    assert answers[3]["result"]["isError"] is False
    assert answers["init"]["error"]["data"]["supported"] == ["2026-07-28"]
    assert (rest, code) == (b"", 0)


def test_a_line_in_pieces_and_an_end_of_input_are_left_to_the_sdk() -> None:
    whole = json.dumps(INITIALIZE).encode()
    with served() as server:
        assert server.process.stdin
        server.process.stdin.write(whole[:50])
        server.process.stdin.flush()
        server.process.stdin.write(whole[50:])  # the last line may lack its line break
        rest, _, code = server.finish()

    assert json.loads(rest)["id"] == "init"
    assert code == 0


@pytest.mark.skipif(sys.platform == "win32", reason="needs inherited descriptors")
def test_a_start_with_a_thousand_inherited_descriptors_answers() -> None:
    script = (
        "import os, resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (2048, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))\n"
        "for _ in range(1100): os.set_inheritable(os.dup(2), True)\n"
        "os.execv(sys.executable, [sys.executable, '-m', 'mcp_errortracking'])\n"
    )
    ping = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"})
    environment = {**os.environ, "POSTHOG_PERSONAL_API_KEY": KEY, "POSTHOG_HOST": "http://127.0.0.1:9"}

    done = subprocess.run(
        [sys.executable, "-c", script], input=f"{ping}\n", capture_output=True, text=True, timeout=50, env=environment
    )

    assert (json.loads(done.stdout.splitlines()[0])["id"], done.returncode) == (1, 0), done.stderr
