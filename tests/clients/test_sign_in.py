"""Sign-in from end to end: the SDK's client, a certified authorization server (oidc-provider), this server, PostHog.

The client finds the authorization server by this server's metadata, registers or presents its metadata document, sends
its user there with PKCE, exchanges the code, and calls tools with the token.
"""

import subprocess
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

from tests.clients.node_tools import modules
from tests.sandbox_process import SandboxProcess
from tests.server.http.http_process import HEADERS, LIST, HttpServer, serving
from tests.server.http.test_replicas import free_port

pytestmark = pytest.mark.anyio

READ, WRITE = "error-tracking-assignment-rules-list", "error-tracking-assignment-rules-create"
RULE: dict[str, Any] = {"filters": {"type": "AND", "values": []}, "assignee": {"type": "user", "id": 1}}
BACK = "http://127.0.0.1:1/callback"
CLIENT_DOCUMENT = "https://agent.example/client.json"


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess() as running:
        yield running


class AuthorizationServer:
    """oidc-provider as a process; `url` is its issuer."""

    def __init__(self, form: str) -> None:
        self.form = form
        installed = modules("oidc-provider")
        script = Path(__file__).with_name("authorization_server.mjs")
        command = [installed / "node/bin/node", script, installed, form]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout
        self.url = self.process.stdout.readline().strip()

    def let(self, account: str, scopes: str) -> None:
        """Set the account that signs in next, and the scopes that it consents to."""
        httpx.post(f"{self.url}/-/user", params={"account": account, "scopes": scopes}).raise_for_status()

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module", params=["jwt", "opaque"])
def authorization(request: pytest.FixtureRequest) -> Generator[AuthorizationServer]:
    running = AuthorizationServer(request.param)
    try:
        yield running
    finally:
        running.end()


@pytest.fixture(scope="module")
def server(sandbox: SandboxProcess, authorization: AuthorizationServer) -> Generator[HttpServer]:
    """This server; the address at which it will be, which tokens are for, must be known before it starts."""
    port = free_port()
    environment = {
        "MCP_OAUTH_ISSUER": authorization.url,
        "MCP_OAUTH_AUDIENCE": f"http://127.0.0.1:{port}/mcp",
        "MCP_OAUTH_SCOPES": "errors:read=read,errors:write=write",
    }
    if authorization.form == "opaque":
        environment |= {
            "MCP_OAUTH_INTROSPECTION": f"{authorization.url}/token/introspection",
            "MCP_OAUTH_CLIENT_ID": "mcp-server",
            "MCP_OAUTH_CLIENT_SECRET": "the-secret-of-the-mcp-server",
        }
    with serving(sandbox.url, "--port", str(port), **environment) as running:
        yield running


class Storage:
    """The tokens and the registration that a client keeps."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


class Browser:
    """The browser of a user: follows the authorization server's pages until they lead back to the client."""

    def __init__(self) -> None:
        self.asked = list[dict[str, list[str]]]()
        self._cookies = httpx.AsyncClient(follow_redirects=False)
        self._back = ""

    async def open(self, url: str) -> None:
        self.asked.append(parse_qs(urlsplit(url).query))
        for _ in range(20):
            if url.startswith(BACK):
                break
            answer = await self._cookies.get(url)
            assert answer.is_redirect, answer.text
            url = str(httpx.URL(url).join(answer.headers["location"]))
        self._back = url

    async def result(self) -> AuthorizationCodeResult:
        back = {name: values[0] for name, values in parse_qs(urlsplit(self._back).query).items()}
        assert "code" in back, back
        return AuthorizationCodeResult(code=back["code"], state=back.get("state"), iss=back.get("iss"))

    async def close(self) -> None:
        await self._cookies.aclose()


@asynccontextmanager
async def signed_in(
    server: HttpServer, storage: Storage, browser: Browser, document: str | None = None
) -> AsyncGenerator[Client]:
    metadata = OAuthClientMetadata.model_validate(
        {
            "client_name": "An agent",
            "redirect_uris": [BACK],
            "application_type": "native",
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "none",
        }
    )
    auth = OAuthClientProvider(
        f"{server.url}/mcp", metadata, storage, browser.open, browser.result, client_metadata_url=document
    )
    async with (
        httpx2.AsyncClient(auth=auth, timeout=20) as http,
        Client(streamable_http_client(f"{server.url}/mcp", http_client=http), mode="auto") as client,
    ):
        yield client
    await browser.close()


async def test_sign_in_with_registration_and_a_step_up(
    server: HttpServer, authorization: AuthorizationServer, sandbox: SandboxProcess
) -> None:
    storage, browser = Storage(), Browser()
    authorization.let("ada", "errors:read")
    sandbox.empty_journal()
    async with signed_in(server, storage, browser) as client:
        listed = [tool.name for tool in (await client.list_tools()).tools]
        read = await client.call_tool(READ, {})
        assert storage.tokens
        first = storage.tokens.access_token
        before = [entry["method"] for entry in sandbox.journal()]
        authorization.let("ada", "errors:read errors:write")
        written = await client.call_tool(WRITE, RULE)  # refused with 403; the client asks its user for more
    async with signed_in(server, storage, Browser()) as client:  # which keeps its first list for some minutes
        more = [tool.name for tool in (await client.list_tools()).tools]

    assert READ in listed
    assert WRITE not in listed
    assert WRITE in more
    assert (read.is_error, written.is_error) == (False, False)
    assert set(before) == {"GET"}
    assert storage.client
    assert not str(storage.client.client_id).startswith("https://")
    assert [query["code_challenge_method"] for query in browser.asked] == [["S256"], ["S256"]]
    assert [query["resource"] for query in browser.asked] == [[f"{server.url}/mcp"]] * 2
    assert set(browser.asked[0]["scope"][0].split()) >= {"errors:read", "errors:write"}
    # PostHog got the server's key in every request, and no token.
    assert {entry["key"] for entry in sandbox.journal()} == {"full access"}
    tokens = (first, storage.tokens.access_token)
    assert not any(token in str(sandbox.journal()) or token in server.log for token in tokens)


async def test_sign_in_with_a_client_id_metadata_document(
    server: HttpServer, authorization: AuthorizationServer
) -> None:
    storage, browser = Storage(), Browser()
    authorization.let("bob", "errors:read errors:write")
    async with signed_in(server, storage, browser, CLIENT_DOCUMENT) as client:
        called = await client.call_tool(READ, {})

    assert not called.is_error
    assert storage.client
    assert storage.client.client_id == CLIENT_DOCUMENT
    assert browser.asked[0]["client_id"] == [CLIENT_DOCUMENT]


async def test_a_renewed_token_is_accepted_and_no_other_kind_of_token(
    server: HttpServer, authorization: AuthorizationServer
) -> None:
    storage, browser = Storage(), Browser()
    authorization.let("ada", "errors:read errors:write")
    async with signed_in(server, storage, browser, CLIENT_DOCUMENT) as client:
        await client.list_tools()
    tokens = storage.tokens
    assert tokens
    assert tokens.refresh_token
    form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token, "client_id": CLIENT_DOCUMENT}
    async with httpx.AsyncClient(timeout=20) as http:
        renewed = (await http.post(f"{authorization.url}/token", data=form)).json()
        statuses = list[int]()
        for token in (renewed["access_token"], renewed["refresh_token"]):
            headers = HEADERS | {"Authorization": f"Bearer {token}"}
            statuses.append((await http.post(f"{server.url}/mcp", json=LIST, headers=headers)).status_code)

    assert statuses == [200, 401]
