"""Access over HTTP: callers' own keys, token files, OAuth tokens, and the limits of each."""

import asyncio
import json
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from pydantic import AnyHttpUrl

from mcp_errortracking.asgi import app_for
from mcp_errortracking.catalog import CATALOG, TOOLSETS
from mcp_errortracking.config import HttpSettings, PostHogSettings, Secret, ToolSelection
from mcp_errortracking.server.http.guard import OAuth
from mcp_errortracking.workflows.registry import WORKFLOWS
from tests.sandbox_process import FULL, READ_ONLY, SandboxProcess
from tests.server.http.http_process import HEADERS, LIST, TOKEN, HttpServer, client_of, serving
from tests.server.mcp_client import WITHOUT_FILES, ask, refusal

pytestmark = pytest.mark.anyio

KEY = "X-PostHog-API-Key"
PROJECT = "X-PostHog-Project-ID"


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess() as running:
        yield running


@pytest.fixture(scope="module")
def keyless(sandbox: SandboxProcess) -> Generator[HttpServer]:
    """A server that holds no key, and asks for a token."""
    with serving(sandbox.url, "--caller-keys", POSTHOG_PERSONAL_API_KEY=None, MCP_SERVER_TOKEN=TOKEN) as running:
        yield running


def post(server: HttpServer, **headers: str) -> httpx.Response:
    named = {"Authorization": f"Bearer {TOKEN}"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.post(f"{server.url}/mcp", headers=HEADERS | named, json=LIST)


@pytest.mark.parametrize("transport", ["http", "sse"])
@pytest.mark.parametrize("era", ["legacy", "auto"])
async def test_each_caller_acts_with_the_own_key(
    keyless: HttpServer, sandbox: SandboxProcess, transport: str, era: str
) -> None:
    sandbox.empty_journal()
    async with (
        client_of(keyless.url, transport, era, TOKEN, {KEY: FULL}) as full,
        client_of(keyless.url, transport, era, TOKEN, {KEY: READ_ONLY, PROJECT: "2"}) as reader,
    ):
        first, second = await asyncio.gather(ask(full, "assignment-rules-list"), ask(reader, "assignment-rules-list"))
        assert (first["count"], second["count"]) == (4, 0)
        rule = {"filters": {"type": "AND", "values": []}, "assignee": {"type": "user", "id": 1}}
        assert "error_tracking:write" in await refusal(reader, "assignment-rules-create", **rule)

    calls = [entry for entry in sandbox.journal() if "assignment_rules" in entry["path"]]
    assert {(entry["key"], entry["path"].split("/")[3]) for entry in calls} == {
        ("full access", "1"),
        ("read only", "2"),
    }


@pytest.mark.parametrize("transport", ["http", "sse"])
async def test_each_caller_is_shown_what_the_own_key_can_use(keyless: HttpServer, transport: str) -> None:
    async with (
        client_of(keyless.url, transport, "auto", TOKEN, {KEY: FULL}) as full,
        client_of(keyless.url, transport, "auto", TOKEN, {KEY: READ_ONLY}) as reader,
    ):
        lists = [await client.list_tools() for client in (full, reader, full)]

    names = [tuple(tool.name for tool in listed.tools) for listed in lists]
    reads = tuple(tool for tool in TOOLSETS["default"] if CATALOG[tool].scopes == ("error_tracking:read",))
    own = [workflow.tool for workflow in WORKFLOWS if workflow.tool in WITHOUT_FILES and workflow.read_only]
    assert names == [WITHOUT_FILES, (*reads, *own), WITHOUT_FILES]
    assert {listed.cache_scope for listed in lists} == {"private"}


def test_a_key_is_checked_once(keyless: HttpServer, sandbox: SandboxProcess) -> None:
    sandbox.empty_journal()
    for _ in range(3):
        assert post(keyless, **{KEY: "phx_sandbox_other_project_key", PROJECT: "2"}).status_code == 200

    paths = [entry["path"] for entry in sandbox.journal()]
    assert sum("personal_api_keys" in path for path in paths) == 1
    assert sum("assignment_rules" in path for path in paths) == 3


@pytest.mark.parametrize(
    ("headers", "status", "error"),
    [
        ({}, 401, "key_missing"),
        ({KEY: "phc_a_project_token"}, 401, "key_malformed"),
        ({KEY: "x" * 201}, 401, "key_malformed"),
        ({KEY: "phx_unknown_to_posthog"}, 401, "key_refused"),
        ({KEY: FULL, PROJECT: "1/../2"}, 400, "bad_project"),
        ({KEY: FULL, PROJECT: "acme"}, 400, "bad_project"),
        ({KEY: FULL, "Authorization": "Bearer x"}, 401, "unauthorized"),
        ({"Authorization": f"Bearer {FULL}"}, 401, "unauthorized"),
        ({KEY: FULL, "Authorization": f"Bearer {FULL}"}, 401, "unauthorized"),
    ],
)
def test_without_a_good_key_nothing_is_done(
    keyless: HttpServer, sandbox: SandboxProcess, headers: dict[str, str], status: int, error: str
) -> None:
    sandbox.empty_journal()

    answer = post(keyless, **headers)

    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert FULL not in answer.text
    assert not [entry for entry in sandbox.journal() if "error_tracking" in entry["path"]]


def test_a_key_over_plain_http_from_elsewhere_is_refused(sandbox: SandboxProcess) -> None:
    with serving(sandbox.url, "--caller-keys", POSTHOG_PERSONAL_API_KEY=None, MCP_SERVER_TOKEN=TOKEN) as server:
        # uvicorn believes a proxy on this machine who the caller is, and whether TLS was used.
        far = post(server, **{KEY: FULL, "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http"})
        secure = post(server, **{KEY: FULL, "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"})
        log = server.end(15)

    assert (far.status_code, far.json()["error"]) == (403, "tls_required")
    assert secure.status_code == 200
    assert FULL not in log


def test_a_session_belongs_to_the_key_that_opened_it(keyless: HttpServer, sandbox: SandboxProcess) -> None:
    own = HEADERS | {"Authorization": f"Bearer {TOKEN}", KEY: FULL}
    with httpx.Client(timeout=20) as http, http.stream("GET", f"{keyless.url}/sse", headers=own) as stream:
        lines = stream.iter_lines()
        assert next(lines) == "event: endpoint"
        address = f"{keyless.url}{next(lines).removeprefix('data: ')}"
        sandbox.empty_journal()
        other = httpx.post(address, headers=own | {KEY: READ_ONLY}, json=LIST)
        mine = httpx.post(address, headers=own, json={"jsonrpc": "2.0", "method": "notifications/initialized"})

    assert (other.status_code, other.json()["error"]) == (404, "unknown_session")
    assert mine.status_code == 202


def test_a_server_for_callers_keys_holds_none_itself(sandbox: SandboxProcess) -> None:
    with pytest.raises(AssertionError, match="POSTHOG_PERSONAL_API_KEY is set, but with callers' own keys"):
        serving(sandbox.url, "--caller-keys").__enter__()


def test_a_server_with_its_own_key_takes_no_other(sandbox: SandboxProcess) -> None:
    with serving(sandbox.url) as server:
        sandbox.empty_journal()
        for method, path in (("POST", "/mcp"), ("GET", "/sse"), ("POST", "/messages/?session_id=0")):
            for header in (KEY, "X-PostHog-Project-ID"):
                answer = httpx.request(method, f"{server.url}{path}", headers=HEADERS | {header: FULL}, json=LIST)

                assert (answer.status_code, answer.json()["error"]) == (400, "not_taken")
                assert f"leave {header} out" in answer.json()["detail"]
                assert "--caller-keys" in answer.json()["detail"]
                assert FULL not in answer.text
        assert sandbox.journal() == []


def test_ready_without_a_key(keyless: HttpServer) -> None:
    assert httpx.get(f"{keyless.url}/readyz").json() == {"ready": True, "problem": None}


def test_tokens_from_a_file(sandbox: SandboxProcess, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"# rotated in spring\n{TOKEN}-old\n\n  {TOKEN}-new\n")
    file.chmod(0o600)
    with serving(sandbox.url, "--token-file", str(file)) as server:
        statuses = [
            httpx.post(
                f"{server.url}/mcp", headers=HEADERS | {"Authorization": f"Bearer {token}"}, json=LIST
            ).status_code
            for token in (f"{TOKEN}-old", f"{TOKEN}-new", TOKEN, "# rotated in spring")
        ]

    assert statuses == [200, 200, 401, 401]


class Verifier:
    """Knows three tokens, like an authorization server's introspection."""

    async def verify_token(self, token: str) -> AccessToken | None:
        facts: dict[str, dict[str, Any]] = {
            "good": {"scopes": ["errors"], "resource": "https://mcp.example/mcp"},
            "scopeless": {"scopes": [], "resource": "https://mcp.example/mcp"},
            "elsewhere": {"scopes": ["errors"], "resource": "https://other.example/mcp"},
            "expired": {
                "scopes": ["errors"],
                "resource": "https://mcp.example/mcp",
                "expires_at": int(time.time()) - 9,
            },
        }
        return AccessToken(token=token, client_id="agent", **facts[token]) if token in facts else None


async def test_oauth_tokens_are_accepted_by_a_verifier(sandbox: SandboxProcess) -> None:
    settings = AuthSettings(
        issuer_url=AnyHttpUrl("https://auth.example"),
        resource_server_url=AnyHttpUrl("https://mcp.example/mcp"),
        required_scopes=["errors"],
        validate_token_resource=True,
    )
    app = app_for(
        PostHogSettings(sandbox.url, Secret(FULL), "1", "the test"),
        HttpSettings(tokens=[], allowed_hosts=("mcp.example",)),
        ToolSelection(),
        oauth=OAuth(settings, Verifier()),
    )
    statuses = dict[str, int]()
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://mcp.example") as http,
    ):
        for token in ("good", "scopeless", "elsewhere", "expired", "unknown", FULL):
            headers = HEADERS | {"Authorization": f"Bearer {token}"}
            answer = await http.post("/mcp", headers=headers, json=LIST)
            statuses[token] = answer.status_code
        bare = await http.post("/mcp", headers=HEADERS, json=LIST)
        metadata = await http.get("/.well-known/oauth-protected-resource/mcp")

    assert statuses == {"good": 200, "scopeless": 403, "elsewhere": 401, "expired": 401, "unknown": 401, FULL: 401}
    where = "https://mcp.example/.well-known/oauth-protected-resource/mcp"
    assert bare.headers["www-authenticate"] == f'Bearer resource_metadata="{where}", scope="errors"'
    assert metadata.json()["authorization_servers"] == ["https://auth.example/"]
    assert json.loads(metadata.text)["resource"] == "https://mcp.example/mcp"


async def test_without_a_token_only_this_machine_is_served(sandbox: SandboxProcess) -> None:
    settings = PostHogSettings(sandbox.url, Secret(FULL), "1", "the test")
    app = app_for(settings, HttpSettings(), ToolSelection())
    sandbox.empty_journal()
    async with app.router.lifespan_context(app):
        for address, status in (("127.0.0.1", 200), ("::1", 200), ("203.0.113.9", 403)):
            transport = httpx.ASGITransport(app, client=(address, 4711))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
                assert (await http.post("/mcp", headers=HEADERS, json=LIST)).status_code == status, address

    assert len(sandbox.journal()) == 2


def test_a_web_page_that_is_allowed_may_ask_first(sandbox: SandboxProcess) -> None:
    with serving(sandbox.url, "--allowed-origin", "https://app.example", MCP_SERVER_TOKEN=TOKEN) as server:
        asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        good = httpx.options(f"{server.url}/mcp", headers=asked | {"Origin": "https://app.example"})
        bad = httpx.options(f"{server.url}/mcp", headers=asked | {"Origin": "https://evil.example"})

    assert (good.status_code, good.headers["access-control-allow-origin"]) == (200, "https://app.example")
    assert "access-control-allow-origin" not in bad.headers


def test_its_own_page_may_call_a_server_with_a_public_name(sandbox: SandboxProcess) -> None:
    with serving(sandbox.url, "--allowed-host", "mcp.example", MCP_SERVER_TOKEN=TOKEN) as server:

        def post(host: str, origin: str) -> int:
            headers = {**HEADERS, "Host": host, "Origin": origin, "Authorization": f"Bearer {TOKEN}"}
            return httpx.post(f"{server.url}/mcp", json=LIST, headers=headers).status_code

        own = [post("mcp.example", "https://mcp.example"), post("mcp.example:81", "http://mcp.example:81")]
        foreign = [
            post("mcp.example", "https://mcp.example:81"),
            post("mcp.example", "https://evil.example"),
            post("localhost", "https://mcp.example"),
            post("mcp.example", "https://mcp.example.evil.example"),
            post("mcp.example", "file://mcp.example"),
        ]

    assert own == [200, 200]
    assert foreign == [403] * 5
