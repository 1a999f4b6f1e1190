"""Access over HTTP with tokens of an authorization server that the settings name."""

import asyncio
import itertools
import json
import logging
import re
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from mcp import Client, MCPError

from mcp_errortracking.asgi import app_for, create_app
from mcp_errortracking.catalog import CATALOG, TOOLSETS
from mcp_errortracking.compose import oauth_for
from mcp_errortracking.config import (
    ConfigError,
    HttpSettings,
    OAuthSettings,
    PostHogSettings,
    Secret,
    ToolSelection,
    load_oauth,
)
from mcp_errortracking.oauth.facts import LEEWAY
from mcp_errortracking.server.callers import Caller
from mcp_errortracking.server.http.oauth import OAuth
from mcp_errortracking.server.issue_updates import MOST_URIS
from mcp_errortracking.workflows.registry import WORKFLOWS
from tests.oauth.tokens import AUDIENCE, ISSUER, jwks, sign
from tests.proxy.fault_server import FaultServer, http
from tests.sandbox_process import FULL, SandboxProcess
from tests.server.http.http_process import HEADERS, LIST, TOKEN, client_of, serving
from tests.server.http.test_subscriptions import MODERN, listen

pytestmark = pytest.mark.anyio

METADATA = "https://mcp.example/.well-known/oauth-protected-resource/mcp"
SCOPES = "errors:read=read,errors:write=write,errors:alerts=alerts"
READ = "error-tracking-assignment-rules-list"
WRITE = "error-tracking-assignment-rules-create"
ALERT_WRITE = next(tool for tool in TOOLSETS["alerts"] if not CATALOG[tool].read_only)
RULE = {"filters": {"type": "AND", "values": []}, "assignee": {"type": "user", "id": 1}}


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess() as running:
        yield running


@pytest.fixture(scope="module")
def issuer() -> Generator[FaultServer]:
    with FaultServer([http(200, jwks("rsa"))]) as server:
        yield server


def settings_for(issuer: FaultServer, **more: str) -> OAuthSettings:
    usual = {"ISSUER": ISSUER, "AUDIENCE": AUDIENCE, "SCOPES": SCOPES, "JWKS": f"{issuer.url}/keys"}
    return load_oauth({f"MCP_OAUTH_{name}": value for name, value in (usual | more).items()})


@asynccontextmanager
async def serving_app(
    sandbox: SandboxProcess,
    oauth: OAuthSettings,
    http_settings: HttpSettings | None = None,
    selection: ToolSelection | None = None,
    journal: Path | None = None,
) -> AsyncGenerator[httpx.AsyncClient]:
    selection = selection or ToolSelection(toolsets=("all",))
    settings = PostHogSettings(sandbox.url, Secret(FULL), "1", "the test", journal=journal or "off")
    app = app_for(settings, http_settings or HttpSettings(), selection, oauth=oauth_for(oauth, selection))
    transport = httpx.ASGITransport(app, client=("203.0.113.9", 4711))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="https://mcp.example") as client,
    ):
        yield client


def oauth_options(issuer: FaultServer) -> list[str]:
    return ["--oauth-issuer", ISSUER, "--oauth-audience", AUDIENCE, "--oauth-jwks", f"{issuer.url}/keys"]


def issue_at(number: int) -> str:
    return f"posthog://issues/01936f2e-7a51-7000-8000-{number:012}"


async def send(client: httpx.AsyncClient, token: str, method: str = "tools/call", **params: Any) -> httpx.Response:
    headers = HEADERS | {"Authorization": f"Bearer {token}"}
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return await client.post("/mcp", headers=headers, json=message)


async def names(client: httpx.AsyncClient, token: str) -> list[str]:
    found, cursor = list[str](), dict[str, Any]()
    while True:
        result = (await send(client, token, "tools/list", **cursor)).json()["result"]
        found += [tool["name"] for tool in result["tools"]]
        if "nextCursor" not in result:
            return found
        cursor = {"cursor": result["nextCursor"]}


async def test_a_token_is_accepted_from_anywhere_and_posthog_gets_the_servers_key(
    sandbox: SandboxProcess, issuer: FaultServer
) -> None:
    sandbox.empty_journal()
    token = sign(scope="errors:read")
    async with serving_app(sandbox, settings_for(issuer)) as client:
        answer = await send(client, token, name=READ, arguments={})

    assert answer.json()["result"]["isError"] is False
    calls = [entry for entry in sandbox.journal() if "assignment_rules" in entry["path"]]
    assert [entry["key"] for entry in calls] == ["full access"]
    assert token not in json.dumps(sandbox.journal())


async def test_scopes_choose_the_tools_that_are_listed(sandbox: SandboxProcess, issuer: FaultServer) -> None:
    async with serving_app(sandbox, settings_for(issuer)) as client:
        reads = await names(client, sign(scope="errors:read"))
        all_tools = await names(client, sign(scope="errors:write"))
        alerts = await names(client, sign(scope="errors:alerts openid"))
        both = await names(client, sign(scope="errors:alerts errors:read"))
        listed = await send(client, sign(scope="errors:read"), "tools/list")

    assert WRITE in all_tools
    assert set(CATALOG) <= set(all_tools)
    declared = CATALOG | {workflow.tool: workflow for workflow in WORKFLOWS}
    assert reads == [tool for tool in all_tools if declared[tool].read_only]
    assert set(alerts) == set(TOOLSETS["alerts"])
    assert set(both) == {*reads, *TOOLSETS["alerts"]}
    assert listed.headers["content-type"] == "application/json"


@pytest.mark.parametrize("name", [WRITE, "error-tracking-assignment-rules-create"])
async def test_a_token_without_the_scope_of_a_tool_cannot_call_it(
    sandbox: SandboxProcess, issuer: FaultServer, name: str
) -> None:
    sandbox.empty_journal()
    async with serving_app(sandbox, settings_for(issuer)) as client:
        refused = await send(client, sign(scope="errors:read"), name=name, arguments=RULE)
        unknown = await send(client, sign(scope="errors:read"), name="no-such-tool", arguments={})
        done = await send(client, sign(scope="errors:write"), name=name, arguments=RULE)

    says = f"{WRITE} needs the scope errors:write, which your token lacks. Sign in again with it, or ask "
    assert (refused.status_code, refused.json()["error"]) == (403, "insufficient_scope")
    assert refused.json()["detail"].startswith(says)
    assert refused.headers["www-authenticate"] == (
        f'Bearer error="insufficient_scope", error_description="{refused.json()["detail"]}", '
        f'resource_metadata="{METADATA}", scope="errors:write"'
    )
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (200, -32602)
    assert done.json()["result"]["isError"] is False
    assert [entry["method"] for entry in sandbox.journal() if entry["method"] != "GET"] == ["POST"]


async def test_the_scope_that_gives_least_is_asked_for(sandbox: SandboxProcess, issuer: FaultServer) -> None:
    async with serving_app(sandbox, settings_for(issuer)) as client:
        refused = await send(client, sign(scope="errors:read"), name=ALERT_WRITE, arguments={})

    assert refused.headers["www-authenticate"].endswith('scope="errors:alerts"')


async def test_resources_and_completions_have_no_more_rights_than_calls(
    sandbox: SandboxProcess, issuer: FaultServer
) -> None:
    issue = ""
    async with serving_app(sandbox, settings_for(issuer)) as client:
        for scope, is_read in (("errors:read", True), ("errors:alerts", False)):
            token = sign(scope=scope)
            listed = (await send(client, token, "resources/templates/list")).json()["result"]
            template = listed["resourceTemplates"][0]["uriTemplate"]
            (name,) = re.findall(r"{(\w+)}", template)
            sandbox.empty_journal()
            argument, reference = {"name": name, "value": ""}, {"type": "ref/resource", "uri": template}
            completed = await send(client, token, "completion/complete", ref=reference, argument=argument)
            ids = completed.json()["result"]["completion"]["values"]
            issue = ids[0] if ids else issue
            read = await send(client, token, "resources/read", uri=template.replace(f"{{{name}}}", issue))

            assert bool(ids) is is_read
            assert ("result" in read.json()) is is_read, read.text
            assert ("error_tracking" in json.dumps(sandbox.journal())) is is_read


@asynccontextmanager
async def subscribed(client: Client, transport: str, *numbers: int) -> AsyncGenerator[None]:
    if transport == "http":
        async with client.listen(resource_subscriptions=[issue_at(number) for number in numbers]):
            yield
    else:
        for number in numbers:
            await client.subscribe_resource(issue_at(number))  # pyright: ignore[reportDeprecated]
        yield


@pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")
@pytest.mark.parametrize(("transport", "era"), [("sse", "legacy"), ("http", "2026-07-28")])
async def test_subscriptions_have_no_more_rights_than_calls_and_a_share_for_each_caller(
    sandbox: SandboxProcess, issuer: FaultServer, transport: str, era: str
) -> None:
    scopes = "errors:read=read,errors:alerts=alerts"
    with serving(sandbox.url, *oauth_options(issuer), MCP_OAUTH_SCOPES=scopes) as server:

        def client_for(who: str, scope: str) -> Any:
            return client_of(server.url, transport, era, sign(sub=who, scope=scope))

        sandbox.empty_journal()
        async with client_for("eve", "errors:alerts") as eve:
            with pytest.raises(MCPError, match="query-error-tracking-issues-list needs the scope errors:read"):
                async with subscribed(eve, transport, 1):
                    pass
        assert sandbox.journal() == []

        async with (
            client_for("ada", "errors:read") as ada,
            client_for("bob", "errors:read") as bob,
            subscribed(ada, transport, *range(MOST_URIS)),
        ):
            with pytest.raises(MCPError, match=f"At most {MOST_URIS} issues"):
                async with subscribed(ada, transport, MOST_URIS):
                    pass
            async with subscribed(bob, transport, MOST_URIS):
                pass
        (poll,) = [entry for entry in sandbox.journal() if "query/issues/" in entry["path"]]
        assert poll["body"]["orderBy"] == "last_seen"


@pytest.mark.parametrize("transport", ["http", "sse"])
async def test_a_stream_ends_with_its_token(
    sandbox: SandboxProcess, issuer: FaultServer, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcp_errortracking.server.http.sse.PING_SECONDS", 0.02)
    async with serving_app(sandbox, settings_for(issuer, SCOPES="")) as client:
        token = sign(exp=int(time.time()) + 1000)
        ends = int(time.time()) + 1000 + LEEWAY
        monkeypatch.setattr(
            Caller, "seconds_left", lambda caller: 0.1 if abs((caller.expires_at or 0) - ends) <= 2 else None
        )
        with anyio.fail_after(30):
            if transport == "sse":
                answer = await client.get("/sse", headers={"Authorization": f"Bearer {token}"})
                assert "event: endpoint" in answer.text
            else:
                headers = HEADERS | MODERN | {"Authorization": f"Bearer {token}"}
                answer = await client.post("/mcp", headers=headers, json=listen())
                assert "subscriptions/acknowledged" in answer.text
                assert "The token has expired, which ends this stream." in answer.text


def test_the_seconds_left_are_counted_whatever_a_token_says() -> None:
    assert Caller("a").seconds_left() is None
    assert Caller("a", expires_at=0).seconds_left() == 0
    assert 50 < (Caller("a", expires_at=int(time.time()) + 60).seconds_left() or 0) <= 60
    assert (Caller("a", expires_at=10**400).seconds_left() or 0) > 10**11


@pytest.mark.parametrize("transport", ["http", "sse"])
async def test_the_rights_hold_on_every_transport(sandbox: SandboxProcess, issuer: FaultServer, transport: str) -> None:
    sandbox.empty_journal()
    with serving(
        sandbox.url,
        *("--oauth-issuer", ISSUER, "--oauth-audience", AUDIENCE, "--oauth-jwks", f"{issuer.url}/keys"),
        MCP_OAUTH_SCOPES="errors:read=read,errors:write=write",
    ) as server:
        async with client_of(server.url, transport, "legacy", sign(scope="errors:read")) as client:
            listed = [tool.name for tool in (await client.list_tools()).tools]
            called = await client.call_tool(READ, {})
            if transport == "sse":  # over streamable HTTP, the status says so
                refused = await client.call_tool(WRITE, RULE)
                assert refused.is_error
                assert f"{WRITE} needs the scope errors:write" in refused.content[0].text  # pyright: ignore

    assert READ in listed
    assert WRITE not in listed
    assert not called.is_error
    assert {entry["method"] for entry in sandbox.journal()} == {"GET"}


REFUSED = [
    ("", 401, "", "This server asks for its own token"),
    ("opaque", 401, "invalid_token", "The token is not a valid JWT."),
    (sign(aud="https://other.example", scope="errors:write"), 401, "invalid_token", "another audience"),
    (sign(exp=1, scope="errors:write"), 401, "invalid_token", "has expired"),
    (sign("rsa", header={"kid": "gone"}), 401, "invalid_token", "a key that its issuer does not publish"),
    (FULL, 401, "invalid_token", "That is a PostHog key"),
    (sign(scope="openid"), 403, "insufficient_scope", "none of the scopes of this server: errors:read, errors:write"),
]


@pytest.mark.parametrize(("token", "status", "error", "says"), REFUSED)
async def test_each_refusal_has_its_status_and_its_challenge(
    sandbox: SandboxProcess,
    issuer: FaultServer,
    token: str,
    status: int,
    error: str,
    says: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "mcp_errortracking")
    sandbox.empty_journal()
    async with serving_app(sandbox, settings_for(issuer)) as client:
        answer = await send(client, token, name=READ, arguments={})

    assert answer.status_code == status
    assert says in answer.json()["detail"]
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith(
        f'Bearer error="{error}", error_description="' if error else "Bearer resource_metadata="
    )
    assert challenge.endswith(f'resource_metadata="{METADATA}", scope="errors:read errors:write errors:alerts"')
    assert sandbox.journal() == []
    assert not token or token not in caplog.text + answer.text + challenge
    if token and token != FULL:
        assert f"an OAuth token was refused: {answer.json()['detail']}" in caplog.text


async def test_an_issuer_that_is_down_is_503_and_the_log_says_why(
    sandbox: SandboxProcess, caplog: pytest.LogCaptureFixture
) -> None:
    with FaultServer([http(503)]) as down:
        async with serving_app(sandbox, settings_for(down), HttpSettings(tokens=[Secret(TOKEN)])) as client:  # pyright: ignore
            answer = await send(client, sign(scope="errors:read"), name=READ, arguments={})
            own = await send(client, TOKEN, name=READ, arguments={})

    assert (answer.status_code, answer.json()["error"], answer.headers["retry-after"]) == (
        503,
        "issuer_unavailable",
        "10",
    )
    assert "www-authenticate" not in answer.headers
    assert f"{down.url}/keys answered with status 503" in caplog.text
    assert down.url not in answer.text
    assert own.status_code == 200


async def test_the_metadata_names_issuer_and_scopes(sandbox: SandboxProcess, issuer: FaultServer) -> None:
    bare = settings_for(issuer, ISSUER="https://login.example", SCOPES="")
    async with serving_app(sandbox, settings_for(issuer)) as client, serving_app(sandbox, bare) as other:
        metadata = (await client.get("/.well-known/oauth-protected-resource/mcp")).json()
        without = (await other.get("/.well-known/oauth-protected-resource/mcp")).json()

    assert metadata == {
        "resource": AUDIENCE,
        "authorization_servers": [ISSUER],
        "scopes_supported": ["errors:read", "errors:write", "errors:alerts"],
        "bearer_methods_supported": ["header"],
        "resource_name": "PostHog error tracking",
    }
    # Issuers are compared character by character.
    assert without["authorization_servers"] == ["https://login.example"]
    assert "scopes_supported" not in without


async def test_a_scope_that_is_an_address_is_known_by_its_last_part(
    sandbox: SandboxProcess, issuer: FaultServer
) -> None:
    entra = settings_for(
        issuer, AUDIENCE="11111111-2222", RESOURCE=AUDIENCE, SCOPES="api://errors/Errors.Read=read,api://errors/All"
    )
    async with serving_app(sandbox, entra) as client:
        read = await names(client, sign(aud="11111111-2222", scp="Errors.Read"))
        everything = await names(client, sign(aud="11111111-2222", scp="api://errors/All"))
        bare = await send(client, "", name=READ, arguments={})

    assert WRITE not in read
    assert WRITE in everything
    assert bare.headers["www-authenticate"].endswith('scope="api://errors/Errors.Read api://errors/All"')


async def test_without_scopes_every_token_gives_what_the_operator_selected(
    sandbox: SandboxProcess, issuer: FaultServer
) -> None:
    only = ToolSelection(toolsets=("all",), read_only=True)
    async with serving_app(sandbox, settings_for(issuer, SCOPES=""), selection=only) as client:
        assert WRITE not in await names(client, sign())
    async with serving_app(sandbox, settings_for(issuer, SCOPES="")) as client:
        assert WRITE in await names(client, sign())
    # A scope gives nothing that the operator left out.
    async with serving_app(sandbox, settings_for(issuer), selection=only) as client:
        assert WRITE not in await names(client, sign(scope="errors:write"))


async def test_each_subject_has_its_own_changes(sandbox: SandboxProcess, issuer: FaultServer, tmp_path: Path) -> None:
    journal = tmp_path / "changes.db"

    async def changes(client: httpx.AsyncClient, who: str, **more: Any) -> list[int]:
        token = sign(scope="errors:write", sub=who, **more)
        client.headers["X-MCP-Structured"] = "always"
        answer = await send(client, token, name="error-tracking-changes-list", arguments={})
        return [change["id"] for change in answer.json()["result"]["structuredContent"]["results"]]

    async with serving_app(sandbox, settings_for(issuer), journal=journal) as client:
        for who in ("ada", "bob", "ada"):
            token = sign(scope="errors:write", sub=who)
            assert not (await send(client, token, name=WRITE, arguments=RULE)).json()["result"]["isError"]
    # Another process knows the same subjects, and the client that a person uses makes no difference.
    async with serving_app(sandbox, settings_for(issuer), journal=journal) as client:
        of_ada, of_bob = await changes(client, "ada", client_id="other"), await changes(client, "bob")
        of_eve = await changes(client, "eve")
        bob, undo = sign(scope="errors:write", sub="bob"), "error-tracking-changes-undo"
        foreign = await send(client, bob, name=undo, arguments={"id": of_ada[0]})
        own = await send(client, bob, name=undo, arguments={"id": of_bob[0]})

    assert (len(of_ada), len(of_bob), of_eve) == (2, 1, [])
    assert foreign.json()["result"]["isError"]
    assert not own.json()["result"]["isError"]


async def test_each_subject_has_its_own_share_of_the_limits(sandbox: SandboxProcess, issuer: FaultServer) -> None:
    with serving(
        sandbox.url,
        *("--oauth-issuer", ISSUER, "--oauth-audience", AUDIENCE, "--oauth-jwks", f"{issuer.url}/keys"),
        *("--max-sessions", "8"),
    ) as server:
        clients = itertools.count()
        async with httpx.AsyncClient(timeout=20) as client:

            def stream(who: str) -> Any:
                token = sign(sub=who, client_id=f"client-{next(clients)}")
                headers = HEADERS | {"Authorization": f"Bearer {token}"}
                return client.stream("GET", f"{server.url}/sse", headers=headers)

            opened = [stream("ada") for _ in range(4)]
            answers = [await one.__aenter__() for one in opened]
            async with stream("ada") as fifth, stream("bob") as other:
                statuses = [*(answer.status_code for answer in answers), fifth.status_code, other.status_code]
            for one in opened:
                await one.__aexit__(None, None, None)

    assert statuses == [200] * 4 + [429, 200]


async def test_nobody_is_asked_about_an_undo_that_the_token_does_not_give(
    sandbox: SandboxProcess, issuer: FaultServer, tmp_path: Path
) -> None:
    scopes = {"SCOPES": "errors:write=write,errors:changes=changes"}
    asking = ToolSelection(toolsets=("all",), confirm="destructive")
    oauth, journal = settings_for(issuer, **scopes), tmp_path / "changes.db"
    async with serving_app(sandbox, oauth, selection=asking, journal=journal) as client:
        undo: dict[str, Any] = {"name": "error-tracking-changes-undo", "arguments": {"dry_run": False}}
        assert not (await send(client, sign(scope="errors:write"), name=WRITE, arguments=RULE)).json()["result"][
            "isError"
        ]
        refused = await send(client, sign(scope="errors:changes"), **undo)
        asked = await send(client, sign(scope="errors:write"), **undo)

    delete = "error-tracking-assignment-rules-destroy"
    assert f"takes {delete}, which this server does not offer" in refused.json()["result"]["content"][0]["text"]
    assert "needs the consent of a person" in asked.json()["result"]["content"][0]["text"]


async def test_a_confirm_token_is_of_one_subject(sandbox: SandboxProcess, issuer: FaultServer) -> None:
    asking = ToolSelection(toolsets=("all",), confirm="writes")
    async with serving_app(sandbox, settings_for(issuer), selection=asking) as client:
        ada, bob = (sign(scope="errors:write", sub=who) for who in ("ada", "bob"))
        question = (await send(client, ada, name=WRITE, arguments=RULE)).json()["result"]["content"][0]["text"]
        confirm = question.partition('confirm "')[2].partition('"')[0]
        sandbox.empty_journal()
        results = [
            (await send(client, who, name=WRITE, arguments={**RULE, "confirm": confirm})).json()["result"]["isError"]
            for who in (bob, ada)
        ]

    assert confirm
    assert results == [True, False]
    made = [entry for entry in sandbox.journal() if entry["method"] == "POST" and "assignment_rules" in entry["path"]]
    assert len(made) == 1


async def test_the_log_names_the_subject(
    sandbox: SandboxProcess, issuer: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mcp_errortracking")
    async with serving_app(sandbox, settings_for(issuer), HttpSettings(metrics=True)) as client:
        await send(client, sign(scope="errors:read", sub="ada@example.com"), name=READ, arguments={})
        headers = {"Authorization": f"Bearer {sign(scope='errors:read')}"}
        metrics = (await client.get("/metrics", headers=headers)).text

    facts = [record.facts for record in caplog.records if hasattr(record, "facts")]  # pyright: ignore
    assert [(fact["tool"], fact["caller"]) for fact in facts] == [(READ, "ada@example.com")]
    assert f'mcp_tool_calls_total{{code="",outcome="ok",tool="{READ}"}} 1.0' in metrics
    assert "ada" not in metrics


async def test_concurrent_first_requests_read_the_keys_once(sandbox: SandboxProcess) -> None:
    with FaultServer([http(200, jwks("rsa"))]) as fresh:
        async with serving_app(sandbox, settings_for(fresh)) as client:
            token = sign(scope="errors:read")
            answers = await asyncio.gather(*(send(client, token, "tools/list") for _ in range(10)))

    assert {answer.status_code for answer in answers} == {200}
    assert len(fresh.received) == 1


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"MCP_OAUTH_AUDIENCE": "a"}, "MCP_OAUTH_AUDIENCE is set without an issuer"),
        ({"MCP_OAUTH_ISSUER": ISSUER}, "MCP_OAUTH_ISSUER is set without an audience"),
        ({"MCP_OAUTH_ISSUER": ISSUER, "MCP_OAUTH_AUDIENCE": "a"}, "set MCP_OAUTH_RESOURCE to the address"),
        (
            {
                "MCP_OAUTH_ISSUER": ISSUER,
                "MCP_OAUTH_AUDIENCE": AUDIENCE,
                "MCP_OAUTH_JWKS": ISSUER,
                "MCP_OAUTH_INTROSPECTION": ISSUER,
            },
            "are both set",
        ),
        (
            {"MCP_OAUTH_ISSUER": ISSUER, "MCP_OAUTH_AUDIENCE": AUDIENCE, "MCP_OAUTH_INTROSPECTION": ISSUER},
            "belong together: set all three",
        ),
        (
            {"MCP_OAUTH_ISSUER": ISSUER, "MCP_OAUTH_AUDIENCE": AUDIENCE, "MCP_OAUTH_CLIENT_SECRET": "s3cret"},
            "belong together: set all three",
        ),
        (
            {"MCP_OAUTH_ISSUER": ISSUER, "MCP_OAUTH_AUDIENCE": AUDIENCE, "MCP_OAUTH_SCOPES": "a=alerst"},
            "MCP_OAUTH_SCOPES gives a an unknown grant. Unknown toolset alerst: did you mean alerts?",
        ),
    ],
)
def test_settings_that_do_not_fit_together(environ: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        oauth_for(load_oauth(environ), ToolSelection())
    assert says in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_an_asgi_host_takes_the_settings_of_the_environment(
    issuer: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCP_OAUTH_ISSUER", ISSUER)
    monkeypatch.setenv("MCP_OAUTH_AUDIENCE", AUDIENCE)
    monkeypatch.setenv("POSTHOG_PERSONAL_API_KEY", FULL)
    paths = [getattr(route, "path", "") for route in create_app().routes]
    assert "/.well-known/oauth-protected-resource/mcp" in paths

    own = oauth_for(settings_for(issuer), ToolSelection())
    assert isinstance(own, OAuth)
    with pytest.raises(ConfigError, match="create_app got an OAuth of its own"):
        create_app(oauth=own)


def test_an_open_address_needs_no_server_token_with_oauth(sandbox: SandboxProcess, issuer: FaultServer) -> None:
    with serving(
        sandbox.url,
        *("--bind", "0.0.0.0", "--oauth-issuer", ISSUER, "--oauth-audience", AUDIENCE),
        MCP_OAUTH_JWKS=f"{issuer.url}/keys",
    ) as server:
        port = server.url.rpartition(":")[2]
        named = HEADERS | {"Host": "mcp.example", "Authorization": f"Bearer {sign()}"}
        answer = httpx.post(f"http://127.0.0.1:{port}/mcp", headers=named, json=LIST)
        log = server.log

    assert answer.status_code == 200
    assert "for callers with a token" in log
    assert "421" not in log
