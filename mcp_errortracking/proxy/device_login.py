"""The sign-in of a command line: a code, a page on which a person approves it, and polls until there is a key.

It is the flow of PostHog's own command line (contract 1.10). The code and its answers carry no key until the last one.
"""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn, cast
from urllib.parse import quote, urlsplit

import anyio
from pydantic import SecretStr

from mcp_errortracking.posthog_keys import UNUSABLE
from mcp_errortracking.proxy.address import LOGIN_CODE_PATH, LOGIN_POLL_PATH
from mcp_errortracking.proxy.call import RawAnswer
from mcp_errortracking.proxy.client import Proxy
from mcp_errortracking.proxy.error_body import CONTROL, is_unknown_route
from mcp_errortracking.proxy.errors import LoginError, PostHogError
from mcp_errortracking.proxy.retry_after import retry_after

KEYS_PAGE = "/settings/user-api-keys"
"""The page of PostHog on which a user creates and edits personal API keys."""
PRESET_PAGE = f"{KEYS_PAGE}?preset=mcp_server"
"""The same page, with the form for a new key open and the scopes of MCP servers selected."""

_PENDING, _DONE = 202, 200
_SECONDS = 20.0
"""Limit of one request."""
_SHORTEST, _LONGEST = 1, 60
"""Bounds of the seconds between two polls."""
_LONGEST_CODE = 1800
"""Most seconds for which a code is polled, whatever the host says."""
_MOST_FAILURES = 6
"""Polls in a row without an answer of the flow, after which the host is taken to be down."""
_USER_CODE = re.compile(r"[A-Za-z0-9-]{1,20}")
_DEVICE_CODE = re.compile(r"[!-~]{1,500}")
_KEY = re.compile(r"[!-~]{8,500}")
_PLACE = re.compile(r"/[!-~]*")
_PROJECT = re.compile(r"[1-9]\d{0,17}")


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """A login that waits for a person. `page` is the address to open, `user_code` the code that it must show."""

    user_code: str
    page: str
    seconds: int
    """The time that the person has."""
    interval: int
    secret: str = field(repr=False)
    """The text to poll with: who has it gets the key."""


@dataclass(frozen=True, slots=True)
class Grant:
    """The key of a finished login, its project, and its name in PostHog's settings."""

    key: SecretStr
    project: str
    label: str


async def request_code(proxy: Proxy, use_cases: str) -> DeviceCode:
    """Begin a login.

    Args:
        use_cases: of PostHog's page, separated by commas; they select the scopes that it offers first.

    Raises:
        LoginError: this PostHog does not offer the flow.
        PostHogError: the host does not answer as PostHog.
    """
    raw = await proxy.send_without_key("POST", LOGIN_CODE_PATH, {}, seconds=_SECONDS)
    if is_unknown_route(raw.status, raw.content):
        raise LoginError(
            f"{proxy.host} does not offer the login of command lines.",
            "PostHog added it in late 2025, or the host is not PostHog.",
            f"Create a key at {proxy.host}{PRESET_PAGE} with error_tracking set to write, and for alerts hog_function "
            "too. Then run: mcp-errortracking login --with-key",
            status=raw.status,
            code="no_device_login",
        )
    if raw.status != _DONE:
        raise proxy.explain(raw)
    fields = _fields(raw)
    user_code, secret = fields.get("user_code"), fields.get("device_code")
    seconds, interval = fields.get("expires_in"), fields.get("interval")
    if not (
        isinstance(user_code, str)
        and _USER_CODE.fullmatch(user_code)
        and isinstance(secret, str)
        and _DEVICE_CODE.fullmatch(secret)
        and type(seconds) is int
        and type(interval) is int
    ):
        raise LoginError(
            f"The answer of {proxy.host} cannot be read.",
            "It is not the start of a login.",
            "Check POSTHOG_HOST: it must be the address of PostHog itself.",
            status=raw.status,
            code="unreadable_answer",
        )
    return DeviceCode(
        user_code=user_code,
        page=_page(proxy.host, fields.get("verification_uri_complete"), user_code, use_cases),
        seconds=max(1, min(seconds, _LONGEST_CODE)),
        interval=max(_SHORTEST, min(interval, _LONGEST)),
        secret=secret,
    )


async def wait_for_grant(
    proxy: Proxy,
    code: DeviceCode,
    report: Callable[[str], None],
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
) -> Grant:
    """Poll until a person has approved the code.

    Args:
        report: shows a line about a poll that failed and is repeated.
        sleep: waits between polls.

    Raises:
        LoginError: the code expired or was denied, or the answer with the key cannot be read.
        PostHogError: the host did not answer several times in a row, or refused a poll.
    """
    failures, was_lost = 0, False
    for _ in range(code.seconds // code.interval + 1):
        wait: float = code.interval
        try:
            raw = await proxy.send_without_key("POST", LOGIN_POLL_PATH, {"device_code": code.secret}, seconds=_SECONDS)
            problem = proxy.explain(raw) if raw.status == 429 or raw.status >= 500 else None
            wait = max(wait, min(retry_after(raw.headers, 0) or 0.0, _LONGEST))
        except PostHogError as error:
            raw, problem = None, error
            was_lost = was_lost or error.code in ("interrupted", "timeout")
        if raw is not None and problem is None:
            failures = 0
            if raw.status == _DONE:
                return _grant(proxy, raw)
            if raw.status != _PENDING:
                _refuse(proxy, raw, was_lost)
        elif problem is not None:
            failures += 1
            if failures == _MOST_FAILURES:
                raise problem
            report(f"{problem.what} Trying again.")
        await sleep(wait)
    raise _expired(proxy, was_lost)


def _refuse(proxy: Proxy, raw: RawAnswer, was_lost: bool) -> NoReturn:
    """Raise the error for the end of a login without a key."""
    reason = _fields(raw).get("error")
    if reason == "expired_token":
        raise _expired(proxy, was_lost)
    if reason == "access_denied":
        raise LoginError("The login was denied.", "", "Nothing was stored. Log in again.", code="denied")
    raise proxy.explain(raw)


def _expired(proxy: Proxy, was_lost: bool) -> LoginError:
    why = "Nobody approved it in time, or it was denied. Nothing was stored."
    next_step = "Run the command again."
    if was_lost:
        why = "An answer was lost on the way, which may have held the key. Nothing was stored."
        next_step = f'If {proxy.host}{KEYS_PAGE} shows a new key "CLI - ...", delete it. Then run the command again.'
    return LoginError("The login has expired.", why, next_step, code="expired")


def _grant(proxy: Proxy, raw: RawAnswer) -> Grant:
    fields = _fields(raw)
    key, project, label = (fields.get(name) for name in ("personal_api_key", "project_id", "label"))
    if (
        not isinstance(key, str)
        or not _KEY.fullmatch(key)
        or key.startswith(tuple(UNUSABLE))
        or not _PROJECT.fullmatch(str(project))
    ):
        raise LoginError(
            f"The answer of {proxy.host} cannot be read.",
            "It says that the login is approved, without a key and a project. Nothing was stored.",
            f'If {proxy.host}{KEYS_PAGE} shows a new key "CLI - ...", delete it. Then run the command again.',
            status=raw.status,
            code="unreadable_answer",
        )
    shown = CONTROL.sub(" ", label)[:100].strip() if isinstance(label, str) else ""
    return Grant(SecretStr(key), str(project), shown)


def _fields(raw: RawAnswer) -> dict[str, Any]:
    try:
        data: Any = json.loads(raw.content)
    except (ValueError, RecursionError):
        data = None
    return cast("dict[str, Any]", data) if isinstance(data, dict) else {}


def _page(host: str, address: object, user_code: str, use_cases: str) -> str:
    """Return the page to open, on the host that the user named: behind some proxies PostHog names another origin."""
    try:
        parts = urlsplit(address if isinstance(address, str) else "")
    except ValueError:
        parts = urlsplit("")
    place = f"{parts.path}?{parts.query}"
    if not parts.query or not _PLACE.fullmatch(place):
        place = f"/cli/authorize?code={user_code}"
    return f"{host}{place}&use_cases={quote(use_cases, safe=',')}"
