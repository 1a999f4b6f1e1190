"""PostHog's keys: every kind is known everywhere, and nothing else is taken for one."""

import json
import logging
import re
from pathlib import Path

import httpx
import pytest

import mcp_errortracking
from mcp_errortracking.asgi import app_for
from mcp_errortracking.config import ConfigError, HttpSettings, PostHogSettings, Secret, ToolSelection
from mcp_errortracking.config.posthog import load_posthog
from mcp_errortracking.config.serving import load_http
from mcp_errortracking.logs import JsonFormatter, TextFormatter
from mcp_errortracking.posthog_keys import KINDS, UNUSABLE, is_key, looks_like_key, redact
from tests.server.http.http_process import HEADERS, LIST

SECRET = "Zq7mTn4Kc9RbXw2Lh5Vd8Jy3Pf6Gs1Aa0BoEuIi"
KEYS = [prefix + SECRET for prefix in KINDS]
AROUND = ["{}", "key={}", '"{}"', "dist/{}/x", "my_{}", "a {} b {}", "\u00e9 {}", "id-{}", "https://x/?k={}&y=1"]
ORDINARY = [
    "alpha_channel_name",
    "graphs_of_all_users",
    "telegraphs_counted",
    "ph",
    "phx_",
    "phx_short",
    "phz_0123456789",
    "ph_0123456789ab",
    "PHX_0123456789ab",
    "phx-0123456789ab",
]


@pytest.mark.parametrize("key", KEYS, ids=KINDS)
@pytest.mark.parametrize("around", AROUND)
def test_a_key_of_every_kind_is_redacted_wherever_it_stands(key: str, around: str) -> None:
    text = around.replace("{}", key)
    assert looks_like_key(text)
    shown = redact(text)
    assert SECRET not in shown
    assert "[key]" in shown


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert not looks_like_key(text)
    assert redact(text) == text


@pytest.mark.parametrize("key", KEYS, ids=KINDS)
def test_a_server_token_may_not_be_a_key_of_any_kind(key: str) -> None:
    assert is_key(key)
    with pytest.raises(ConfigError, match="is a PostHog key"):
        load_http({"MCP_SERVER_TOKEN": key})


@pytest.mark.parametrize("prefix", UNUSABLE)
def test_a_key_that_the_api_refuses_is_refused_at_the_start(prefix: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=re.escape(UNUSABLE[prefix])):
        load_posthog(environ={"POSTHOG_PERSONAL_API_KEY": prefix + SECRET}, home=tmp_path)


@pytest.mark.parametrize("key", KEYS, ids=KINDS)
def test_no_log_line_holds_a_key(key: str) -> None:
    record = logging.LogRecord("mcp_errortracking.x", logging.INFO, __file__, 1, "id\n%s", (key,), None)
    record.facts = {"request_id": key}
    for formatter in (TextFormatter(), JsonFormatter()):
        line = formatter.format(record)
        assert SECRET not in line
    assert json.loads(JsonFormatter().format(record))["request_id"] == "[key]"


def test_no_other_module_knows_a_prefix() -> None:
    """Messages to users may name `phx_...`; only one module compares with prefixes."""
    package = Path(mcp_errortracking.__file__).parent
    pattern = re.compile(r"""["']ph[a-z]_["']|ph\[[a-z]+\]""")
    holders = [path.name for path in package.rglob("*.py") if pattern.search(path.read_text("utf-8"))]
    assert holders == ["posthog_keys.py"]


@pytest.mark.anyio
@pytest.mark.parametrize("key", KEYS, ids=KINDS)
async def test_over_http_no_key_is_a_token_or_the_name_of_a_request(key: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "mcp_errortracking")
    app = app_for(
        PostHogSettings("http://127.0.0.1:9", Secret("phx_own"), "1", "the test"),
        HttpSettings(tokens=[]),
        ToolSelection(),
    )
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        refused = await client.post("/mcp", headers=HEADERS | {"Authorization": f"Bearer {key}"}, json=LIST)
        named = await client.post("/mcp", headers=HEADERS | {"X-Request-ID": key}, content=b"")

    assert refused.status_code == 401
    assert refused.json()["detail"].startswith("That is a PostHog key")
    assert key not in named.headers["x-request-id"]
    assert len(named.headers["x-request-id"]) == 32
    assert SECRET not in caplog.text
