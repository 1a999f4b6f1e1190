"""The sign-in of command lines by a device code, with the page on which a person approves it (contract 1.10).

The sandbox has no accounts: the person at the page is its first user. A web page of another origin cannot approve.
"""

import json
import secrets
import string
import time
from dataclasses import dataclass
from html import escape
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from mcp_errortracking.sandbox.access import key_id
from mcp_errortracking.sandbox.errors import ErrorAnswer, HogError, invalid, not_found, required
from mcp_errortracking.sandbox.features import Features
from mcp_errortracking.sandbox.origin import refusal_of_web_page
from mcp_errortracking.sandbox.seed import Seed
from mcp_errortracking.sandbox.store import Document, Store

PATHS = ("device-code", "poll", "authorize")
"""The paths below `/api/cli-auth/`."""

_EXPIRES, _INTERVAL, _KEPT = 600, 5, 60
"""Seconds: of a code, between two polls, and for which an approved code can be polled."""
_FIXED_SCOPES = ["event_definition:read", "property_definition:read", "error_tracking:read", "error_tracking:write"]
_USE_CASES = {
    "schema": ["event_definition:read", "property_definition:read"],
    "error_tracking": ["error_tracking:write"],
}
"""The scopes that the page selects for a use case of its address; those of `agent-cli` are too many to imitate."""
_MOST_CODES = 1_000
_MOST_BYTES = 64 * 1024
_LONGEST_LABEL = 40


@dataclass(slots=True)
class _Code:
    user_code: str
    expires: float
    granted: Document | None = None


class DeviceLogin:
    """The codes of the logins that are under way."""

    def __init__(self, store: Store, seed: Seed, features: Features) -> None:
        self._store, self._seed, self._features = store, seed, features
        self._codes = dict[str, _Code]()

    async def answer(self, name: str, request: Request, entry: dict[str, Any]) -> Response:
        """Return the answer of one of the paths; `entry` is its row in the journal.

        Raises:
            ErrorAnswer: the request is refused.
        """
        if not self._features.cli_login:
            raise not_found("Endpoint not found.")
        if request.method != "POST":
            raise HogError(405, "invalid_request", "method_not_allowed", f'Method "{request.method}" not allowed.')
        body = entry["body"] = await _body(request)
        if name == "device-code":
            return self._begin(str(request.base_url).rstrip("/"))
        if name == "poll":
            return self._poll(_text(body, "device_code"))
        if refusal := refusal_of_web_page(request):
            raise refusal
        return self._authorize(body)

    async def page(self, request: Request) -> Response:
        """The page of the browser: a form to approve a code, or to let it expire."""
        if refusal := refusal_of_web_page(request):
            return refusal.response()
        if not self._features.cli_login:
            return not_found("Endpoint not found.").response()
        if request.method == "GET":
            return self._form(request.query_params.get("code", ""), request.query_params.get("use_cases", ""))
        async with request.form(max_files=0, max_fields=20) as form:
            fields = {name: form.get(name) for name in ("user_code", "project_id", "decision")}
            fields["scopes"] = str(form.get("scopes", "")).split()  # pyright: ignore[reportArgumentType]
        if fields["decision"] != "authorize":
            self._forget(str(fields["user_code"]))
            return _html("<p>Not authorized. The code has expired.</p>")
        try:
            done = self._authorize(fields)
        except ErrorAnswer as error:
            done = error.response()
        text = json.loads(bytes(done.body))
        if done.status_code != 200:
            return _html(f"<p>{escape(str(text.get('error_description') or text))}</p>", done.status_code)
        return _html(f"<p>Authorized: {escape(text['label'])}. Go back to the terminal.</p>")

    def _begin(self, base: str) -> Response:
        self._drop_expired()
        letters = "".join(secrets.choice(string.ascii_uppercase) for _ in range(4))
        user_code = f"{letters}-{''.join(secrets.choice(string.digits) for _ in range(4))}"
        device_code = secrets.token_urlsafe(32)
        self._codes[device_code] = _Code(user_code, time.monotonic() + _EXPIRES)
        return JSONResponse(
            {
                "device_code": device_code,
                "user_code": user_code,
                "verification_uri": f"{base}/cli/authorize",
                "verification_uri_complete": f"{base}/cli/authorize?code={user_code}",
                "expires_in": _EXPIRES,
                "interval": _INTERVAL,
            }
        )

    def _poll(self, device_code: str) -> Response:
        self._drop_expired()
        code = self._codes.get(device_code)
        if code is None:
            facts = {"status": "expired", "error": "expired_token", "error_description": "Device code expired"}
            return JSONResponse(facts, 400)
        if code.granted is None:
            return JSONResponse({"status": "pending"}, 202)
        del self._codes[device_code]
        return JSONResponse({"status": "authorized", **code.granted})

    def _authorize(self, body: dict[str, Any]) -> Response:
        user_code, project_id = _text(body, "user_code", longest=9), _number(body, "project_id")
        scopes = body.get("scopes", _FIXED_SCOPES) if self._features.cli_scopes else _FIXED_SCOPES
        if not isinstance(scopes, list):
            raise invalid("not_a_list", f'Expected a list of items but got type "{type(scopes).__name__}".', "scopes")
        if not scopes:
            return _refused(400, "invalid_request", "At least one scope is required")
        self._drop_expired()
        code = next((one for one in self._codes.values() if one.user_code == user_code), None)
        if code is None:
            return _refused(400, "invalid_code", "User code not found or expired")
        if code.granted is not None:
            return _refused(400, "already_authorized", "This code has already been authorized")
        project, user = self._store.get("project", None, project_id), self._store.all("user")[0]
        if project is None:
            return _refused(400, "invalid_project", "Project not found")
        if project_id not in user["projects"]:
            return _refused(403, "access_denied", "You do not have access to this project")
        stamp = f"{self._seed.present():%Y-%m-%d %H:%M}"
        label = f"CLI - {project['name'][: _LONGEST_LABEL - len(f'CLI -  - {stamp}')]} - {stamp}"
        key = self._create_key(user, label, cast("list[Any]", scopes))
        code.granted = {"personal_api_key": key, "label": label, "project_id": str(project_id)}
        code.expires = time.monotonic() + _KEPT
        return JSONResponse({"status": "success", "label": label, "mask_value": _masked(key)})

    def _create_key(self, user: Document, label: str, scopes: list[Any]) -> str:
        value = f"phx_{secrets.token_hex(24)}"
        with self._store.transaction():
            self._store.add(
                "key",
                None,
                {
                    "id": key_id(value),
                    "mask_value": _masked(value),
                    "user": user["id"],
                    "created_at": self._seed.present().isoformat(),
                    "label": label,
                    "scopes": [str(scope) for scope in scopes],
                    "scoped_teams": [],
                    "scoped_organizations": [],
                },
            )
        return value

    def _forget(self, user_code: str) -> None:
        for device_code in [name for name, code in self._codes.items() if code.user_code == user_code]:
            del self._codes[device_code]

    def _drop_expired(self) -> None:
        now = time.monotonic()
        for device_code in [name for name, code in self._codes.items() if code.expires <= now]:
            del self._codes[device_code]
        while len(self._codes) >= _MOST_CODES:
            del self._codes[next(iter(self._codes))]

    def _form(self, code: str, use_cases: str) -> Response:
        scopes = [scope for name in use_cases.split(",") for scope in _USE_CASES.get(name, [])] or _FIXED_SCOPES
        options = "".join(
            f'<option value="{project["id"]}">{escape(project["name"])} ({project["id"]})</option>'
            for project in self._store.all("project")
        )
        return _html(
            '<form method="post" action="/cli/authorize">'
            f'<p><label>Code in your terminal <input name="user_code" value="{escape(code)}"></label></p>'
            f'<p><label>Project <select name="project_id">{options}</select></label></p>'
            f'<p><label>Scopes <input name="scopes" size="80" value="{escape(" ".join(scopes))}"></label></p>'
            '<button name="decision" value="authorize">Authorize</button> '
            '<button name="decision" value="deny">Do not authorize</button></form>'
        )


def _refused(status: int, error: str, description: str) -> Response:
    return JSONResponse({"error": error, "error_description": description}, status)


def _html(content: str, status: int = 200) -> Response:
    page = (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Sandbox</title><h1>Command line login</h1>{content}"
    )
    policy = "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    return HTMLResponse(page, status, {"Content-Security-Policy": policy, "Referrer-Policy": "same-origin"})


async def _body(request: Request) -> dict[str, Any]:
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > _MOST_BYTES:
            raise HogError(413, "invalid_request", "request_too_large", "Request body is too large.")
    if not content:
        return {}
    try:
        data: Any = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise HogError(400, "invalid_request", "parse_error", f"JSON parse error - {error}") from None
    if not isinstance(data, dict):
        raise invalid("invalid", f"Invalid data. Expected a dictionary, but got {type(data).__name__}.")
    return cast("dict[str, Any]", data)


def _text(body: dict[str, Any], name: str, longest: int | None = None) -> str:
    value = body.get(name)
    if value is None:
        raise required(name)
    if not isinstance(value, str):
        raise invalid("invalid", "Not a valid string.", name)
    if longest is not None and len(value) > longest:
        raise invalid("max_length", f"Ensure this field has no more than {longest} characters.", name)
    return value


def _number(body: dict[str, Any], name: str) -> int:
    value = body.get(name)
    if value is None:
        raise required(name)
    try:
        return int(value)
    except (TypeError, ValueError):
        raise invalid("invalid", "A valid integer is required.", name) from None


def _masked(key: str) -> str:
    return f"{key[:4]}...{key[-4:]}"
