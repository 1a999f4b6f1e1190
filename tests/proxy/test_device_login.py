"""The polls of a login: their number, their pauses, and every way in which they end."""

from typing import Any

import pytest

from mcp_errortracking.proxy import Limits, Proxy
from mcp_errortracking.proxy.device_login import DeviceCode, Grant, request_code, wait_for_grant
from mcp_errortracking.proxy.errors import LoginError, PostHogError, RedirectedError, ServerFailureError
from tests.proxy.fault_server import FaultServer, Reply, http

pytestmark = pytest.mark.anyio

BEGIN: dict[str, Any] = {
    "device_code": "a-secret-device-code",
    "user_code": "ABCD-1234",
    "verification_uri": "https://posthog.example/cli/authorize",
    "verification_uri_complete": "https://posthog.example/cli/authorize?code=ABCD-1234",
    "expires_in": 600,
    "interval": 5,
}
GRANT = {
    "status": "authorized",
    "personal_api_key": "phx_0123456789abcdef",
    "label": "CLI - \u202eShop",
    "project_id": "7",
}
PENDING = http(202, {"status": "pending"})
EXPIRED = http(400, {"status": "expired", "error": "expired_token", "error_description": "Device code expired"})
DENIED = http(400, {"error": "access_denied"})
LOST = http(200, GRANT, length=10_000)
"""The connection breaks within the answer."""
BUSY = http(503, b"<html>", kind="text/html")


class Waits(list[float]):
    """The pauses between polls, which take no time."""

    async def sleep(self, seconds: float) -> None:
        self.append(seconds)


async def log_in(*script: Reply, begin: Any = BEGIN) -> tuple[FaultServer, Waits, list[str], Grant | PostHogError]:
    waits, lines = Waits(), list[str]()
    with FaultServer([http(200, begin), *script]) as server:
        async with Proxy(host=server.url, key=None, limits=Limits(connect=2)) as proxy:
            try:
                code = await request_code(proxy, "error_tracking")
                return server, waits, lines, await wait_for_grant(proxy, code, lines.append, waits.sleep)
            except PostHogError as error:
                return server, waits, lines, error


async def test_polls_by_the_interval_of_the_server() -> None:
    server, waits, lines, grant = await log_in(PENDING, PENDING, http(200, GRANT))

    assert isinstance(grant, Grant)
    assert (grant.key.get_secret_value(), grant.project, grant.label) == ("phx_0123456789abcdef", "7", "CLI -  Shop")
    assert (waits, lines) == ([5, 5], [])
    assert [(one.method, one.target) for one in server.received] == [
        ("POST", "/api/cli-auth/device-code/"),
        *[("POST", "/api/cli-auth/poll/")] * 3,
    ]
    assert [one.body for one in server.received[1:]] == [b'{"device_code":"a-secret-device-code"}'] * 3
    assert all("authorization" not in one.headers for one in server.received)
    assert "phx_" not in repr(grant)


@pytest.mark.parametrize(
    ("expires_in", "interval", "polls", "pause"),
    [(20, 5, 5, 5), (3, 0, 4, 1), (600, 300, 11, 60), (10**9, 60, 31, 60), (0, 5, 1, 5)],
)
async def test_an_approval_that_never_comes_ends(expires_in: int, interval: int, polls: int, pause: int) -> None:
    begin = BEGIN | {"expires_in": expires_in, "interval": interval}
    server, waits, _, error = await log_in(PENDING, begin=begin)

    assert isinstance(error, LoginError)
    assert error.code == "expired"
    assert len(server.received) - 1 == polls
    assert set(waits) == {pause}


@pytest.mark.parametrize(
    ("reply", "code", "says"),
    [(EXPIRED, "expired", "The login has expired."), (DENIED, "denied", "The login was denied. Nothing was stored.")],
)
async def test_a_login_that_ends_without_a_key(reply: Reply, code: str, says: str) -> None:
    server, _, _, error = await log_in(PENDING, reply)

    assert isinstance(error, LoginError)
    assert (error.code, len(server.received)) == (code, 3)
    assert str(error).startswith(says.partition(".")[0])


async def test_polls_that_fail_are_repeated() -> None:
    throttled = http(429, {"detail": "x"}, Retry_After="30")
    _, waits, lines, grant = await log_in(BUSY, LOST, throttled, PENDING, http(200, GRANT))

    assert isinstance(grant, Grant)
    assert waits == [5, 5, 30, 5]
    assert len(lines) == 3
    assert all(line.endswith("Trying again.") for line in lines)


async def test_a_host_that_is_down_is_not_polled_to_the_end() -> None:
    server, waits, lines, error = await log_in(PENDING, BUSY)

    assert isinstance(error, ServerFailureError)
    assert (len(server.received), len(waits), len(lines)) == (8, 6, 5)


async def test_a_lost_answer_may_have_held_the_key() -> None:
    _, _, _, error = await log_in(PENDING, LOST, EXPIRED)

    assert isinstance(error, LoginError)
    assert "An answer was lost on the way, which may have held the key." in error.why
    assert "/settings/user-api-keys" in error.next_step


@pytest.mark.parametrize(
    "wrong",
    [
        {"personal_api_key": None},
        {"personal_api_key": "phc_0123456789"},
        {"personal_api_key": "phx_0123456789\nX"},
        {"project_id": "@current"},
        {"project_id": None},
    ],
)
async def test_an_approval_without_key_or_project_is_refused(wrong: dict[str, Any]) -> None:
    _, _, _, error = await log_in(http(200, GRANT | wrong))

    assert isinstance(error, LoginError)
    assert error.code == "unreadable_answer"
    assert "phx_" not in str(error)


@pytest.mark.parametrize(
    "wrong",
    [{"user_code": "\x1b[31m"}, {"user_code": None}, {"device_code": ""}, {"interval": "5"}, {"expires_in": True}],
)
async def test_a_start_that_is_not_one_is_refused(wrong: dict[str, Any]) -> None:
    server, _, _, error = await log_in(PENDING, begin=BEGIN | wrong)

    assert isinstance(error, LoginError)
    assert (error.code, len(server.received)) == ("unreadable_answer", 1)


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/cli/authorize?code=ABCD-1234",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "--version",
        "http://[",
        "https://evil.example/a b\n?code=x",
        7,
        None,
    ],
)
async def test_the_page_is_always_on_the_host_that_the_user_named(address: Any) -> None:
    with FaultServer([http(200, BEGIN | {"verification_uri_complete": address})]) as server:
        async with Proxy(host=server.url, key=None) as proxy:
            code = await request_code(proxy, "error_tracking,schema")

    assert code.page == f"{server.url}/cli/authorize?code=ABCD-1234&use_cases=error_tracking,schema"
    assert "a-secret" not in repr(code)


async def test_no_redirect_is_followed() -> None:
    with FaultServer([http(200, {})]) as other:
        moved = http(307, b"", Location=f"{other.url}/api/cli-auth/poll/")
        _, _, _, error = await log_in(moved)

        assert isinstance(error, RedirectedError)
        assert other.received == []


async def test_a_host_that_is_not_posthog() -> None:
    page = http(404, b"<html>Not found</html>", kind="text/html")
    for reply, code in ((page, "no_device_login"), (http(200, b"hello", kind="text/plain"), "unreadable_answer")):
        with FaultServer([reply]) as server:
            async with Proxy(host=server.url, key=None) as proxy:
                with pytest.raises(LoginError) as caught:
                    await request_code(proxy, "error_tracking")
        assert caught.value.code == code


def test_a_code_shows_no_secret() -> None:
    assert "secret" not in repr(DeviceCode("A", "http://x", 1, 1, "secret-code"))
