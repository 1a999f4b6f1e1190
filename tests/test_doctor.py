"""The findings of the doctor, against real servers that are healthy, broken or absent."""

import json
import re
import signal

import pytest
from pydantic import SecretStr

from mcp_errortracking import doctor
from mcp_errortracking.config import PostHogSettings, Secret, load_oauth
from mcp_errortracking.proxy.rate_limit import store_check
from tests.oauth.tokens import AUDIENCE, ISSUER, jwks
from tests.proxy.fault_server import FaultServer, http
from tests.redis_process import RedisProcess
from tests.sandbox_process import OTHER_PROJECT, READ_ONLY, SandboxProcess


def examine(
    capsys: pytest.CaptureFixture[str], url: str, key: str | None, project: str = "1"
) -> tuple[int, dict[str, tuple[str, str]]]:
    """Return the exit code, and the verdict and text of each check."""
    settings = PostHogSettings(url, Secret(key) if key else None, project, "a test")
    code = doctor.run(settings, as_json=True)
    checks = json.loads(capsys.readouterr().out)["checks"]
    return code, {check["name"]: (check["verdict"], f"{check['finding']}; {check['fix']}") for check in checks}


def test_every_kind_of_key(capsys: pytest.CaptureFixture[str]) -> None:
    seed = {
        "projects": [{"id": 1}, {"id": 2}],
        "keys": [
            {"value": "phx_full"},
            {"value": READ_ONLY, "scopes": ["error_tracking:read"]},
            {"value": "phx_none", "scopes": ["insight:read"]},
            {"value": OTHER_PROJECT, "scoped_teams": [2]},
        ],
        "assignment_rules": [{}, {}],
    }
    with SandboxProcess(seed) as sandbox:
        code, checks = examine(capsys, sandbox.url, "phx_full", "@current")
        assert (code, {verdict for verdict, _ in checks.values()}) == (0, {"ok"})
        assert checks["project"][1] == "@current can be read, 2 assignment rules; "

        code, checks = examine(capsys, sandbox.url, READ_ONLY)
        assert (code, checks["scopes"][0]) == (0, "warning")
        assert "it lacks activity_log:read, error_tracking:write, " in checks["scopes"][1]

        code, checks = examine(capsys, sandbox.url, "phx_none")
        assert (code, checks["scopes"][0], checks["project"][0]) == (1, "problem", "problem")
        assert "lacks activity_log:read, error_tracking:read, " in checks["scopes"][1]

        code, checks = examine(capsys, sandbox.url, OTHER_PROJECT)
        assert code == 1
        assert "limited to other projects than 1: 2" in checks["key"][1]

        code, checks = examine(capsys, sandbox.url, "phx_full", "99")
        assert (code, checks["project"][0]) == (1, "problem")
        assert "no project 99" in checks["project"][1]

        code, checks = examine(capsys, sandbox.url, "phx_unknown")
        assert (code, checks["key"][0]) == (1, "problem")
        assert "does not accept the API key" in checks["key"][1]


def test_an_old_server(capsys: pytest.CaptureFixture[str]) -> None:
    with SandboxProcess(None, "--age", "2025") as sandbox:
        code, checks = examine(capsys, sandbox.url, sandbox.key)

    assert (code, checks["paths"][0]) == (0, "warning")
    assert "older than mid 2026" in checks["paths"][1]


def test_no_key(capsys: pytest.CaptureFixture[str]) -> None:
    code, checks = examine(capsys, "http://127.0.0.1:9", None)

    assert code == 1
    assert "POSTHOG_PERSONAL_API_KEY" in checks["key"][1]


def test_hosts_that_are_not_posthog(capsys: pytest.CaptureFixture[str]) -> None:
    code, checks = examine(capsys, "http://127.0.0.1:9", "phx_key")
    assert (code, checks["key"][0]) == (1, "problem")
    assert "No connection to http://127.0.0.1:9" in checks["key"][1]

    with FaultServer([http(200, b"<html>shop</html>", kind="text/html")]) as server:
        code, checks = examine(capsys, server.url, "phx_key")
    assert code == 1
    assert "check that POSTHOG_HOST" in checks["key"][1]


def test_a_firewall_before_posthog(capsys: pytest.CaptureFixture[str]) -> None:
    with FaultServer([http(403, b"<html>Denied</html>", kind="text/html")]) as server:
        code, checks = examine(capsys, server.url, "phx_full")

    assert (code, set(checks), checks["key"][0]) == (1, {"host", "key"}, "problem")
    assert checks["key"][1].startswith("Something before PostHog refuses the request: HTTP 403.")


def test_text_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    doctor.run(PostHogSettings("http://127.0.0.1:9", None, "1", "a test"), as_json=False)

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ok       host: http://127.0.0.1:9"
    assert lines[1] == "PROBLEM  key: no API key is configured"
    assert lines[2].startswith("         to fix: log in with mcp-errortracking login, or create a personal API key")


def examine_store(capsys: pytest.CaptureFixture[str], url: str) -> tuple[str, str, str]:
    """Return the verdict and text of the check of a store, and all that was printed; the key is missing."""
    settings = PostHogSettings("http://127.0.0.1:9", None, "1", "a test", shared_limits=SecretStr(url))
    assert doctor.run(settings, as_json=True) == 1
    out, err = capsys.readouterr()
    checks = {check["name"]: check for check in json.loads(out)["checks"]}
    assert checks["key"]["verdict"] == "problem"  # the other checks go on
    check = checks["shared limits"]
    return check["verdict"], f"{check['finding']}; {check['fix']}", out + err


def test_the_store_of_the_shared_limits(capsys: pytest.CaptureFixture[str]) -> None:
    with RedisProcess() as redis:
        verdict, text, _ = examine_store(capsys, redis.url.get_secret_value())
        assert verdict == "ok"
        assert re.fullmatch(rf"(Redis|Valkey) \d[\d.]+ at {re.escape(redis.path)} answers in \d+\.\d ms; ", text)
        assert [redis.ask("TTL", name) for name in redis.ask("KEYS", "*")] in ([], [0], [1])  # at most a second

        redis.ask("ACL", "SETUSER", "reader", "on", ">s3cret-word", "~*", "+ping", "+get")
        verdict, text, all_of_it = examine_store(capsys, f"unix://reader:s3cret-word@{redis.path}")
        assert verdict == "problem"
        assert "may not run the scripts of the limits; allow the user EVAL" in text
        assert "s3cret-word" not in all_of_it

        redis.ask("ACL", "SETUSER", "writer", "on", ">s3cret-word", "~mcp-errortracking:*", "+@all", "-info")
        verdict, text, _ = examine_store(capsys, f"unix://writer:s3cret-word@{redis.path}")
        assert verdict == "ok"
        assert text.startswith("a version that it does not show at ")

        verdict, text, all_of_it = examine_store(capsys, f"unix://writer:wr0ng-word@{redis.path}")
        assert verdict == "problem"
        assert "refuses the user name or password" in text
        assert "wr0ng-word" not in all_of_it

        redis.ask("CONFIG", "SET", "requirepass", "s3cret-word")
        verdict, text, _ = examine_store(capsys, redis.url.get_secret_value())
        assert verdict == "problem"
        assert "or asks for one; put them into MCP_SHARED_LIMITS" in text


def test_a_store_that_only_reads_or_is_away(capsys: pytest.CaptureFixture[str]) -> None:
    with RedisProcess() as redis:
        redis.ask("REPLICAOF", "127.0.0.1", "1")
        verdict, text, _ = examine_store(capsys, redis.url.get_secret_value())
        assert verdict == "problem"
        assert "it is a read-only replica; give the address of" in text

    verdict, text, all_of_it = examine_store(capsys, "redis://writer:s3cret-word@127.0.0.1:1/0")
    assert verdict == "problem"
    assert text.startswith("the store at 127.0.0.1:1: no connection to it (ConnectionError); check that it runs")
    assert "s3cret-word" not in all_of_it

    verdict, text, all_of_it = examine_store(capsys, "redis://writer:s3cret-word@127.0.0.1:1/0?no_such=1")
    assert verdict == "problem"
    assert "redis does not know an option of its address" in text
    assert "s3cret-word" not in all_of_it


def test_a_store_that_never_answers(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_check, "_TIME_LIMIT", 0.2)
    with RedisProcess() as redis:
        redis.process.send_signal(signal.SIGSTOP)
        verdict, text, _ = examine_store(capsys, redis.url.get_secret_value())

    assert verdict == "problem"
    assert "it did not answer within 0.2 s" in text


def test_oauth_is_checked_if_it_is_configured(capsys: pytest.CaptureFixture[str]) -> None:
    usual = {"MCP_OAUTH_ISSUER": ISSUER, "MCP_OAUTH_AUDIENCE": AUDIENCE}
    client = {"MCP_OAUTH_CLIENT_ID": "mcp", "MCP_OAUTH_CLIENT_SECRET": "a-secret-of-the-server"}

    def verdict(**more: str) -> tuple[str, str, int]:
        settings = PostHogSettings("http://127.0.0.1:1", None, "1", "a test")
        code = doctor.run(settings, load_oauth(usual | more), as_json=True)
        (found,) = [one for one in json.loads(capsys.readouterr().out)["checks"] if one["name"] == "OAuth"]
        assert client["MCP_OAUTH_CLIENT_SECRET"] not in str(found)
        return found["verdict"], f"{found['finding']}; {found['fix']}", code

    with FaultServer([http(200, jwks("rsa")), http(502), http(200, {"active": False}), http(401)]) as server:
        keys, asked = f"{server.url}/keys", {"MCP_OAUTH_INTROSPECTION": f"{server.url}/introspect"} | client
        assert verdict(MCP_OAUTH_JWKS=keys)[:2] == ("ok", f"{ISSUER} publishes 1 signing key; ")
        found = verdict(MCP_OAUTH_JWKS=keys)
        assert found[0] == "problem"
        assert found[1].startswith(f"{keys} answered with status 502; check MCP_OAUTH_ISSUER")
        assert verdict(**asked)[:2] == ("ok", f"{server.url}/introspect answers to the client mcp; ")
        assert "rejects this server's own client (status 401)" in verdict(**asked)[1]
        assert len(server.received) == 4
    assert "set without an audience" in verdict(MCP_OAUTH_AUDIENCE="")[1]
