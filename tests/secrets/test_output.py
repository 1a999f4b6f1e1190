"""The key of a server that works, fails and is lied to: searched for in every byte that leaves it."""

import json
import logging
import os
import stat
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from mcp_errortracking.catalog import CATALOG
from mcp_errortracking.config import ConfigError, load_http, load_posthog
from mcp_errortracking.server.arguments import example
from tests.proxy.fault_server import FaultServer
from tests.sandbox_process import SandboxProcess
from tests.secrets.canary import KEY, SEED, TOKEN, forms, hostile_answers, leaks
from tests.server.http.http_process import HEADERS, client_of, serving
from tests.server.stdio_process import served

LIST = "error-tracking-assignment-rules-list"
WRITE = "error-tracking-assignment-rules-create"
EVERYTHING = ("--toolsets", "all", "--log-level", "debug")


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess(SEED) as process:
        yield process


def call(number: int | str, tool: str, arguments: Any) -> dict[str, Any]:
    params = {"name": tool, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}


def every_call() -> list[dict[str, Any]]:
    """Each tool with arguments that fit, and wrong ones that hold the key; what is no tool; what is no method."""
    fitting = [call(number, tool, example(CATALOG[tool])) for number, tool in enumerate(CATALOG)]
    wrong = [call("key as id", "error-tracking-assignment-rules-retrieve", {"id": f"phx_{KEY}"})]
    wrong += [call("key as name", LIST, {f"phx_{KEY}": f"phx_{KEY}"}), call("key as tool", f"phx_{KEY}", {})]
    wrong += [{"jsonrpc": "2.0", "id": "uri", "method": "resources/read", "params": {"uri": f"posthog://phx_{KEY}/x"}}]
    return [*fitting, *wrong, {"jsonrpc": "2.0", "id": "none", "method": "no/method", "params": {}}]


def command_line(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes() if sys.platform == "linux" else b""


def test_the_search_finds_every_form() -> None:
    for name, form in forms(KEY).items():
        assert leaks(b"before " + form.upper() + b" after", KEY), name
    assert leaks(b"nothing at all", KEY, TOKEN) == []


def test_no_byte_over_stdio_holds_the_key(sandbox: SandboxProcess) -> None:
    with served(*EVERYTHING, upstream=sandbox.url, key=KEY) as server:
        server.open()
        seen = command_line(server.process.pid)
        calls = every_call()
        server.send(*calls)
        answers = [server.receive() for _ in calls]
        out, err, code = server.finish()

    assert code == 0
    assert {str(answer["id"]) for answer in answers} == {str(one["id"]) for one in calls}
    assert sum("result" in answer for answer in answers) > len(CATALOG)
    assert b"DEBUG" in err
    assert leaks(json.dumps(answers).encode() + out + err + seen, KEY) == []


def test_no_byte_over_http_holds_the_key_or_the_token(sandbox: SandboxProcess) -> None:
    options = ("--toolsets", "all", "--log-level", "debug", "--log-format", "json", "--metrics")
    keys = {"POSTHOG_PERSONAL_API_KEY": KEY, "MCP_SERVER_TOKEN": TOKEN}
    with serving(sandbox.url, *options, **keys) as server, httpx.Client(base_url=server.url, timeout=30) as client:
        seen = command_line(server.process.pid)
        allowed = HEADERS | {"Authorization": f"Bearer {TOKEN}"}
        for message in every_call()[::6] + every_call()[-5:]:
            answer = client.post("/mcp", json=message, headers=allowed)
            seen += answer.content + str(answer.headers).encode()
        for path in ("/", "/metrics", "/healthz", "/readyz", f"/{KEY}", "/mcp"):
            answer = client.get(path, headers={"Authorization": f"Bearer {TOKEN}"} if path != "/mcp" else {})
            seen += answer.content.replace(f"/{KEY}".encode(), b"") + str(answer.headers).encode()
        log = server.end(15)

    assert b"mcp_tool_calls_total" in seen
    assert leaks(seen + log.encode(), KEY, TOKEN) == []


def test_no_byte_over_sse_holds_the_key_or_the_token(sandbox: SandboxProcess) -> None:
    keys = {"POSTHOG_PERSONAL_API_KEY": KEY, "MCP_SERVER_TOKEN": TOKEN}

    async def talk(url: str) -> str:
        async with client_of(url, "sse", "legacy", TOKEN) as client:
            good = await client.call_tool(LIST, {})
            bad = await client.call_tool(LIST, {"limit": f"phx_{KEY}"})
            return f"{good!r} {bad!r} {await client.list_tools()!r}"

    with serving(sandbox.url, "--log-level", "debug", **keys) as server:
        seen = anyio.run(talk, server.url)
        log = server.end(15)

    assert "1 of 1" in seen
    assert leaks((seen + log).encode(), KEY, TOKEN) == []


def test_the_key_that_a_caller_brings_is_told_nobody(sandbox: SandboxProcess) -> None:
    options = ("--caller-keys", "--metrics", "--log-level", "debug", "--log-format", "json")
    with (
        serving(sandbox.url, *options, POSTHOG_PERSONAL_API_KEY=None) as server,
        httpx.Client(base_url=server.url, headers=HEADERS, timeout=30) as client,
    ):
        good = client.post("/mcp", json=call(1, LIST, {}), headers={"X-PostHog-API-Key": KEY})
        bad = client.post("/mcp", json=call(2, LIST, {}), headers={"X-PostHog-API-Key": KEY[::-1]})
        misplaced = client.post("/mcp", json=call(3, LIST, {}), headers={"X-PostHog-Project-ID": f"phx_{KEY}"})
        seen = b"".join(answer.content for answer in (good, bad, misplaced, client.get("/metrics"), client.get("/")))
        log = server.end(15)

    assert "1 of 1" in good.text
    assert (bad.status_code, misplaced.status_code) == (401, 401)
    assert leaks(seen + log.encode(), KEY) == []


def test_a_gateway_that_repeats_the_key_tells_it_nobody() -> None:
    # A read and a write each; and one more, since a 404 page makes us ask in the other form of path.
    script = [reply for reply in hostile_answers() for _ in range(2)]
    with FaultServer(script) as upstream, served(*EVERYTHING, upstream=upstream.url, key=KEY) as server:
        server.open()
        answers = list[dict[str, Any]]()
        for number in range(len(script)):
            tool = (LIST, WRITE)[number % 2]
            server.send(call(number, tool, example(CATALOG[tool])))
            answers.append(server.receive())
        out, err, _ = server.finish()

    assert any(KEY in request.headers.get("authorization", "") for request in upstream.received), "it was never sent"
    assert leaks(json.dumps(answers, ensure_ascii=False).encode() + out + err, KEY) == []


@pytest.mark.parametrize("place", ["POSTHOG_HOST", "POSTHOG_PROJECT_ID", "MCP_SERVER_TOKEN", "MCP_TRANSPORT"])
def test_a_key_in_the_wrong_variable_is_not_shown(place: str) -> None:
    environment = {"POSTHOG_PERSONAL_API_KEY": f"phx_{KEY}", "HOME": "/nonexistent", place: f"phx_{KEY}"}

    with pytest.raises(ConfigError) as caught:
        (load_posthog if place.startswith("POSTHOG") else load_http)(environ=environment)

    assert leaks(str(caught.value).encode() + repr(caught.value).encode(), KEY) == []


def test_presigned_urls_are_in_results_and_in_no_log(sandbox: SandboxProcess) -> None:
    tool = "error-tracking-symbol-sets-bulk-start-upload"
    with served(*EVERYTHING, upstream=sandbox.url, key=KEY) as server:
        server.open()
        server.send(call(1, tool, {"symbol_sets": [{"chunk_id": "secret-chunk"}]}))
        (upload,) = server.receive()["result"]["structuredContent"]["id_map"].values()
        out, err, _ = server.finish()

    form = upload["presigned_url"]
    secrets = [form["url"], *(str(value) for value in form["fields"].values() if len(str(value)) > 15)]
    secrets += [upload["presigned_put_url"]] if upload.get("presigned_put_url") else []
    assert len(secrets) > 1
    assert [secret for secret in secrets if secret.encode() in out + err] == []


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
@pytest.mark.parametrize(("mode", "warns"), [(0o600, False), (0o644, True), (0o640, True)])
def test_credentials_that_others_can_read_get_a_warning(
    mode: int, warns: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / ".posthog" / "credentials.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"host": "https://us.posthog.com", "token": KEY, "env_id": "1"}), "utf-8")
    file.chmod(mode)

    with caplog.at_level(logging.WARNING):
        settings = load_posthog(environ={}, home=tmp_path)

    assert settings.key is not None
    assert settings.key.get_secret_value() == KEY
    assert ("can be read by others" in caplog.text) == warns
    assert leaks(caplog.text.encode() + repr(settings).encode(), KEY) == []


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
def test_a_token_file_that_others_can_read_gets_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"{TOKEN}\n", "utf-8")
    file.chmod(0o604)

    with caplog.at_level(logging.WARNING):
        serving_settings = load_http({}, token_file=file)

    assert "can be read by others" in caplog.text
    assert stat.S_IMODE(file.stat().st_mode) == 0o604
    assert leaks(caplog.text.encode() + repr(serving_settings).encode(), TOKEN) == []
