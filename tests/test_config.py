"""The sources of the settings, and the messages for wrong ones."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from mcp_errortracking.config import (
    ConfigError,
    HttpSettings,
    PostHogSettings,
    ToolSelection,
    for_sandbox,
    load_http,
    load_posthog,
    load_tool_selection,
)

KEY, CLI_KEY = "phx_0123456789abcdef", "phx_fedcba9876543210"
US, EU = "https://us.posthog.com", "https://eu.posthog.com"


def settings(tmp_path: Path, environ: dict[str, str] | None = None, **options: Any) -> PostHogSettings:
    return load_posthog(environ=environ or {}, home=tmp_path, **options)


def login(tmp_path: Path, mode: int = 0o600, **fields: Any) -> None:
    folder = tmp_path / ".posthog"
    folder.mkdir()
    file = folder / "credentials.json"
    file.write_text(json.dumps({"host": EU, "token": CLI_KEY, "env_id": "42"} | fields))
    file.chmod(mode)


def shown(found: PostHogSettings) -> tuple[str, str | None, str]:
    return found.host, found.key.get_secret_value() if found.key else None, found.project


def test_nothing_configured(tmp_path: Path) -> None:
    assert shown(settings(tmp_path)) == (US, None, "@current")


@pytest.mark.parametrize(
    ("environ", "options", "expected"),
    [
        ({"POSTHOG_PERSONAL_API_KEY": KEY}, {}, (US, KEY, "@current")),
        (
            {"POSTHOG_PERSONAL_API_KEY": f" {KEY}\n", "POSTHOG_HOST": f"{EU}/", "POSTHOG_PROJECT_ID": " 7 "},
            {},
            (EU, KEY, "7"),
        ),
        (
            {"POSTHOG_PERSONAL_API_KEY": KEY, "POSTHOG_HOST": US, "POSTHOG_PROJECT_ID": "7"},
            {"host": "http://localhost:8000", "project": "9"},
            ("http://localhost:8000", KEY, "9"),
        ),
        ({"POSTHOG_CLI_API_KEY": CLI_KEY, "POSTHOG_CLI_PROJECT_ID": "3"}, {}, (US, CLI_KEY, "3")),
        ({"POSTHOG_CLI_TOKEN": CLI_KEY, "POSTHOG_CLI_ENV_ID": "3", "POSTHOG_CLI_HOST": EU}, {}, (EU, CLI_KEY, "3")),
        ({"POSTHOG_CLI_API_KEY": CLI_KEY, "POSTHOG_CLI_TOKEN": "phx_other"}, {}, (US, CLI_KEY, "@current")),
        ({"POSTHOG_PERSONAL_API_KEY": KEY, "POSTHOG_CLI_API_KEY": CLI_KEY}, {}, (US, KEY, "@current")),
        ({"POSTHOG_CLI_HOST": EU}, {}, (US, None, "@current")),
        ({"POSTHOG_PERSONAL_API_KEY": "${user_config.api_key}", "POSTHOG_PROJECT_ID": ""}, {}, (US, None, "@current")),
        ({"POSTHOG_API_KEY": "phc_project_token"}, {}, (US, None, "@current")),
        ({"POSTHOG_PERSONAL_API_KEY": "pha_oauth_0123456789"}, {}, (US, "pha_oauth_0123456789", "@current")),
        ({"POSTHOG_HOST": "http://[::1]:8010"}, {}, ("http://[::1]:8010", None, "@current")),
    ],
)
def test_precedence(
    tmp_path: Path, environ: dict[str, str], options: dict[str, str], expected: tuple[str, str | None, str]
) -> None:
    assert shown(settings(tmp_path, environ, **options)) == expected


def test_what_posthog_cli_login_left(tmp_path: Path) -> None:
    login(tmp_path)

    found = settings(tmp_path)
    assert shown(found) == (EU, CLI_KEY, "42")
    assert found.source == f"posthog-cli login ({tmp_path}/.posthog/credentials.json)"
    assert shown(settings(tmp_path, project="7"))[2] == "7"
    assert shown(settings(tmp_path, {"POSTHOG_HOST": EU}))[0] == EU
    assert shown(settings(tmp_path, {"POSTHOG_PERSONAL_API_KEY": KEY}))[:2] == (US, KEY)


def test_a_login_without_host_is_for_the_us(tmp_path: Path) -> None:
    login(tmp_path, host=None)

    assert settings(tmp_path).host == US


@pytest.mark.parametrize(
    ("environ", "options"),
    [({"POSTHOG_HOST": "https://posthog.evil.example"}, {}), ({}, {"host": "https://posthog.evil.example"})],
)
def test_a_key_of_posthog_cli_goes_to_no_other_host(
    tmp_path: Path, environ: dict[str, str], options: dict[str, str]
) -> None:
    login(tmp_path)

    with pytest.raises(ConfigError, match=r"is for https://eu\.posthog\.com.*POSTHOG_PERSONAL_API_KEY"):
        settings(tmp_path, environ, **options)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"token": ""}', '{"token": 3}'])
def test_a_broken_login_is_as_good_as_none(tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture) -> None:
    login(tmp_path)
    (tmp_path / ".posthog" / "credentials.json").write_text(content)

    assert settings(tmp_path).key is None
    assert "posthog-cli login" in caplog.text


def test_a_login_that_others_can_read_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    login(tmp_path, mode=0o644)

    assert settings(tmp_path).key is not None
    assert "chmod 600" in caplog.text
    assert CLI_KEY not in caplog.text


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ("us.posthog.com", "write https://us.posthog.com"),
        ("localhost:8000", "write https://localhost:8000"),
        ("https//us.posthog.com", "is mistyped: write https://us.posthog.com"),
        ("https:/us.posthog.com/", "is mistyped: write https://us.posthog.com"),
        ("HTTPS:us.posthog.com", "is mistyped: write https://us.posthog.com"),
        ("http:/127.0.0.1:1", "is mistyped: write http://127.0.0.1:1"),
        ('"https://us.posthog.com"', "has quotes around its value: leave them out"),
        ("'us.posthog.com'", "has quotes around its value: leave them out"),
        ("ftp://us.posthog.com", "must begin with https://"),
        ("https://", "has no host name"),
        ("https://us.posthog.com:99999", "not a valid address"),
        ("https://user:secret@us.posthog.com", "user name or password"),
        ("https://us.i.posthog.com/static", "is more than an address: use https://us.posthog.com"),
        ("https://app.posthog.com/project/5", "use https://us.posthog.com, and POSTHOG_PROJECT_ID=5"),
        ("https://user:secret@eu.i.posthog.com", "user name or password"),
        ("https://eu.posthog.com/project/123/settings", "use https://eu.posthog.com, and POSTHOG_PROJECT_ID=123"),
        ("https://eu.posthog.com?x=1", "use https://eu.posthog.com"),
        ("https://evil.example\\@us.posthog.com", "user name or password"),
    ],
)
def test_hosts_that_are_refused(tmp_path: Path, host: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, {"POSTHOG_HOST": host})

    assert str(caught.value).startswith("POSTHOG_HOST")
    assert says in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "api"),
    [
        ("https://us.i.posthog.com", US),
        ("https://eu.i.posthog.com/", EU),
        ("http://EU.i.posthog.com:80", EU),
        ("https://app.posthog.com", US),
        ("https://posthog.com", US),
    ],
)
def test_other_hosts_of_posthog_cloud_stand_for_the_one_that_serves_the_api(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, host: str, api: str
) -> None:
    """PostHog's own build plugins are configured with the hosts that take events."""
    found = settings(tmp_path, {"POSTHOG_HOST": host, "POSTHOG_PERSONAL_API_KEY": KEY})

    assert shown(found) == (api, KEY, "@current")
    assert f"does not serve this API: using {api}" in caplog.text
    assert "plain http" not in caplog.text


@pytest.mark.parametrize("host", ["https://us.i.posthog.com.evil.example", "https://x.i.posthog.com"])
def test_hosts_that_only_look_like_posthogs_stay_as_they_are(tmp_path: Path, host: str) -> None:
    assert settings(tmp_path, {"POSTHOG_HOST": host}).host == host


def test_a_login_for_the_host_of_events_belongs_to_the_host_of_the_api(tmp_path: Path) -> None:
    login(tmp_path, host="https://eu.i.posthog.com")

    assert shown(settings(tmp_path, {"POSTHOG_HOST": EU})) == (EU, CLI_KEY, "42")


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("localhost:6379", "must begin with redis://"),
        ("https://:hunter2hunter2@a.example", "must begin with redis://"),
        ("redis://:hunter2hunter2@", "names no server"),
        ("unix://", "names no server"),
        ("redis://:hunter2hunter2@a.example:port", "is not a valid address"),
        ("redis://:hunter2hunter2@[a.example", "is not a valid address"),
    ],
)
def test_a_wrong_store_is_explained_without_its_password(tmp_path: Path, address: str, says: str) -> None:
    with pytest.raises(ConfigError, match=rf"^MCP_SHARED_LIMITS {says}.*redis://localhost:6379/0$") as caught:
        settings(tmp_path, {"MCP_SHARED_LIMITS": address})

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("address", ["redis://:hunter2hunter2@a.example:1/2", "valkey://:hunter2hunter2@a.example:1/2"])
def test_a_store_may_be_redis_or_valkey_and_its_password_is_not_shown(tmp_path: Path, address: str) -> None:
    found = settings(tmp_path, {"MCP_SHARED_LIMITS": address})

    assert found.shared_limits
    assert found.shared_limits.get_secret_value() == "redis://:hunter2hunter2@a.example:1/2"
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("phc_0123456789abcdef", "is a project token"),
        ("phs_0123456789abcdef", "is a project secret key"),
        (f'"{KEY}"', "has quotes around it: leave them out"),
        (f"'{KEY}'", "has quotes around it: leave them out"),
        (f"\u201c{KEY}\u201d", "has quotes around it: leave them out"),
        ("phx_0123 456789", "characters that no key has"),
        ("phx_0123\x00456", "characters that no key has"),
        ("phx_schlüssel", "characters that no key has"),
        ("phx_......", "is a placeholder"),
        ("phx_xxxxxxxx", "is a placeholder"),
        ("<your key>", "characters that no key has"),
        ("your_personal_api_key", "is a placeholder"),
    ],
)
def test_keys_that_are_refused_are_not_repeated(tmp_path: Path, key: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, {"POSTHOG_PERSONAL_API_KEY": key})

    assert says in str(caught.value)
    assert key not in str(caught.value)


@pytest.mark.parametrize("project", ["abc", "0", "-1", "1.5", "1/../2", "@all", "9" * 30])
def test_projects_that_are_refused(tmp_path: Path, project: str) -> None:
    with pytest.raises(ConfigError, match="must be a project number"):
        settings(tmp_path, {"POSTHOG_PROJECT_ID": project})


def test_plain_http_is_warned_of_unless_it_stays_on_this_machine(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    settings(tmp_path, {"POSTHOG_PERSONAL_API_KEY": KEY, "POSTHOG_HOST": "http://localhost:8000"})
    assert caplog.text == ""

    settings(tmp_path, {"POSTHOG_PERSONAL_API_KEY": KEY, "POSTHOG_HOST": "http://posthog.internal"})
    assert "the API key travels unencrypted" in caplog.text


def test_a_forward_proxy_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "eu.posthog.com")

    assert settings(tmp_path).http_proxy == "http://proxy.example:3128"
    assert settings(tmp_path, {"POSTHOG_HOST": EU}).http_proxy is None


def test_a_proxy_of_another_kind_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "socks5://proxy.example:1080")

    with pytest.raises(ConfigError, match=r"HTTPS_PROXY or ALL_PROXY is not an HTTP proxy.*NO_PROXY"):
        settings(tmp_path)


def test_the_key_does_not_show(tmp_path: Path) -> None:
    for found in (settings(tmp_path, {"POSTHOG_PERSONAL_API_KEY": KEY}), for_sandbox(US, KEY, 1)):
        assert KEY not in repr(found) + str(found)


SECRET, OTHER_SECRET = "a-secret-of-24-characters", "another-secret-for-rotation"
HTTP_DEFAULTS: dict[str, Any] = {"transport": "http", "timeout": 55.0, "caller_keys": False, "max_calls": 512}


def tokens(serving: HttpSettings) -> list[str]:
    return [token.get_secret_value() for token in serving.tokens]


@pytest.mark.parametrize(
    ("environ", "given", "expected"),
    [
        ({}, {}, HTTP_DEFAULTS),
        ({"MCP_TRANSPORT": "SSE", "MCP_TIMEOUT": "20"}, {}, {"transport": "sse", "timeout": 20.0}),
        ({"MCP_TRANSPORT": "sse", "MCP_TIMEOUT": "20"}, {"transport": "http"}, {"transport": "http", "timeout": 20.0}),
        ({"MCP_MAX_CALLS": "8", "MCP_MAX_SESSIONS": "9"}, {"max_calls": 3}, {"max_calls": 3, "max_sessions": 9}),
        (
            {"MCP_CALLER_KEYS": "1", "MCP_METRICS": "off"},
            {"caller_keys": False},
            {"caller_keys": False, "metrics": False},
        ),
        (
            {"MCP_ALLOWED_HOSTS": "mcp.example.com, mcp", "MCP_ALLOWED_ORIGINS": "https://a.example"},
            {},
            {"allowed_hosts": ("mcp.example.com", "mcp"), "allowed_origins": ("https://a.example",)},
        ),
        ({"MCP_IDLE_SECONDS": "60"}, {}, {"idle": 60.0}),
        ({"MCP_TRANSPORT": "${MCP_TRANSPORT}", "MCP_MAX_CALLS": " "}, {}, HTTP_DEFAULTS),
    ],
)
def test_serving(environ: dict[str, str], given: dict[str, Any], expected: dict[str, Any]) -> None:
    found = load_http(environ, **given)
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("MCP_TRANSPORT", "stdio", "must be one of: http, sse"),
        ("MCP_CALLER_KEYS", "perhaps", "must be 1 or 0"),
        ("MCP_TIMEOUT", "0", "must be a number from 1 to 3600"),
        ("MCP_TIMEOUT", "nan", "must be a number from 1 to 3600"),
        ("MCP_MAX_CALLS", "many", "must be a whole number from 1 to 100000"),
        ("MCP_IDLE_SECONDS", "-1", "must be a number from 1 to 10000000"),
        ("MCP_SERVER_TOKEN", "short", "less than 16 characters"),
        ("MCP_SERVER_TOKEN", f"{SECRET},short", "less than 16 characters"),
        ("MCP_SERVER_TOKEN", "a secret with blanks in it", "characters that no header can carry"),
        ("MCP_SERVER_TOKEN", KEY, "that is a PostHog key"),
    ],
)
def test_serving_that_is_wrong(variable: str, value: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as raised:
        load_http({variable: value})
    assert value == "short" or "TOKEN" not in variable or value not in str(raised.value)


def test_tokens_are_those_of_the_variable_and_of_the_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"# rotated monthly\n\n{OTHER_SECRET}\n")
    file.chmod(0o600)
    assert tokens(load_http({"MCP_SERVER_TOKEN": SECRET, "MCP_SERVER_TOKEN_FILE": str(file)})) == [
        SECRET,
        OTHER_SECRET,
    ]
    assert tokens(load_http({"MCP_SERVER_TOKEN_FILE": "/nowhere"}, token_file=file)) == [OTHER_SECRET]
    assert not caplog.records
    file.chmod(0o604)
    load_http({}, token_file=file)
    assert "chmod o-rwx" in caplog.text
    assert OTHER_SECRET not in caplog.text


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read: No such file"),
        (b"\n# none\n", "holds no token"),
        (b"\xff\xfe", "cannot be read: Unicode"),
    ],
)
def test_token_files_that_are_refused(tmp_path: Path, content: bytes | None, says: str) -> None:
    file = tmp_path / "tokens"
    if content is not None:
        file.write_bytes(content)
        file.chmod(0o600)
    with pytest.raises(ConfigError, match=says):
        load_http({}, token_file=file)


@pytest.mark.parametrize(
    ("environ", "given", "expected"),
    [
        ({}, {}, ToolSelection()),
        ({"MCP_TOOLSETS": "issues, alerts,"}, {}, ToolSelection(toolsets=("issues", "alerts"))),
        ({"MCP_TOOLSETS": "issues"}, {"toolsets": ("all",)}, ToolSelection(toolsets=("all",))),
        ({"MCP_TOOLSETS": "issues"}, {"toolsets": (), "read_only": False}, ToolSelection()),
        ({"MCP_TOOLS": "a", "MCP_EXCLUDE": "b,c"}, {}, ToolSelection(tools=("a",), exclude=("b", "c"))),
        ({"MCP_READ_ONLY": "yes"}, {}, ToolSelection(read_only=True)),
        ({"MCP_READ_ONLY": "0"}, {"read_only": True}, ToolSelection(read_only=True)),
        ({"MCP_MAX_RESULT_TOKENS": "9000"}, {}, ToolSelection(max_result_tokens=9000)),
        ({"MCP_MAX_RESULT_TOKENS": "9000"}, {"max_result_tokens": 700}, ToolSelection(max_result_tokens=700)),
        ({"MCP_TOOLS": "${MCP_TOOLS}", "MCP_EXCLUDE": " "}, {"max_result_tokens": None}, ToolSelection()),
    ],
)
def test_what_is_offered(environ: dict[str, str], given: dict[str, Any], expected: ToolSelection) -> None:
    assert load_tool_selection(environ, **given) == expected


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("MCP_READ_ONLY", "maybe", "MCP_READ_ONLY must be 1 or 0"),
        ("MCP_MAX_RESULT_TOKENS", "99", "MCP_MAX_RESULT_TOKENS must be a whole number from 100 to 1000000, or off"),
        ("MCP_MAX_RESULT_TOKENS", "many", "must be a whole number from 100"),
    ],
)
def test_an_offer_that_is_wrong(variable: str, value: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        load_tool_selection({variable: value})
