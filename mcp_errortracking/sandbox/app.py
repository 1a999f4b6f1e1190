"""The sandbox's web app: finds the view of a request, checks its key, and answers as PostHog does."""

import json
import logging
import re
import sqlite3
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route as WebRoute

from mcp_errortracking.sandbox import (
    account,
    activity,
    alerts,
    assignment_rules,
    external_references,
    fingerprints,
    git_links,
    hog_functions,
    hogql_queries,
    integrations,
    issues,
    organization,
    queries,
    recommendations,
    releases,
    rules,
    settings,
    stack_frames,
    storage_views,
    symbol_sets,
    uploads,
)
from mcp_errortracking.sandbox.access import authenticate, check_project, check_scopes, find_project
from mcp_errortracking.sandbox.call import Action, Call, Route
from mcp_errortracking.sandbox.device_login import PATHS as LOGIN_PATHS
from mcp_errortracking.sandbox.device_login import DeviceLogin
from mcp_errortracking.sandbox.errors import ErrorAnswer, HogError, not_found, server_error
from mcp_errortracking.sandbox.features import NEW, Features
from mcp_errortracking.sandbox.objects import MAX_BYTES, Objects
from mcp_errortracking.sandbox.origin import refusal_of_web_page
from mcp_errortracking.sandbox.planting import plant
from mcp_errortracking.sandbox.seed import Seed
from mcp_errortracking.sandbox.store import Store
from mcp_errortracking.sandbox.throttle import Throttle

logger = logging.getLogger(__name__)

MAX_BODY = 20 * 1024 * 1024
_JOURNAL = 10_000
_TOO_OLD = 60  # seconds after which a reset plants the same again, since times count back from the planting
_SUNSET = "Fri, 31 Jul 2026 00:00:00 GMT"
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_LOGIN = re.compile(rf"/api/cli-auth/({'|'.join(LOGIN_PATHS)})/?")
_BOTH_FORMS = ("symbol_sets", "releases", "hog_functions")


_ERROR_TRACKING = [
    *assignment_rules.ROUTES,
    *rules.ROUTES,
    *fingerprints.ROUTES,
    *activity.ROUTES,
    *issues.ROUTES,
    *releases.ROUTES,
    *stack_frames.ROUTES,
    *external_references.ROUTES,
    *queries.ROUTES,
    *settings.ROUTES,
    *recommendations.ROUTES,
    *alerts.ROUTES,
    *git_links.ROUTES,
    *symbol_sets.EXTRA_ROUTES,
    *uploads.ROUTES,
]


@dataclass(slots=True)
class Sandbox:
    """The parts of a running sandbox."""

    store: Store
    objects: Objects
    seed: Seed
    features: Features = NEW
    throttle: Throttle | None = None
    journal: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_JOURNAL))


def create_app(sandbox: Sandbox) -> Starlette:
    """Return the app over a sandbox's storage."""
    api = _Api(sandbox)
    app = Starlette(
        routes=[
            WebRoute("/", _welcome),
            WebRoute("/_health", _health),
            WebRoute("/_journal", api.journal, methods=["GET", "DELETE"]),
            WebRoute("/_reset", api.reset, methods=["POST"]),
            WebRoute("/cli/authorize", api.login.page, methods=["GET", "POST"]),
            WebRoute("/_storage/{bucket}", storage_views.bucket, methods=["POST"]),
            WebRoute("/_storage/{bucket}/{key:path}", storage_views.stored_object, methods=["GET", "PUT"]),
            WebRoute("/api/{path:path}", api.handle, methods=_METHODS),
        ],
        exception_handlers={sqlite3.Error: _cannot_store, OSError: _cannot_store},
    )
    app.state.objects = sandbox.objects
    app.state.storage_forms = sandbox.features.storage_forms
    return app


async def _welcome(_request: Request) -> Response:
    return PlainTextResponse(
        "The mcp_errortracking sandbox: a small PostHog on this machine. Its API is under /api/.\n"
    )


async def _cannot_store(_request: Request, error: Exception) -> Response:
    """500, as PostHog answers when its own storage fails; the reason is logged for the person who runs the sandbox."""
    reason = getattr(error, "strerror", None) or error
    logger.error("The sandbox cannot use its data: %s. Free some space, or start it with an empty --data.", reason)
    return server_error().response()


async def _health(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


@dataclass(frozen=True, slots=True)
class _Match:
    route: Route
    parameters: Mapping[str, str]
    project: str | None
    is_alias: bool


class _Api:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._as_planted, self._planted_at = (-1, -1), 0.0
        features = sandbox.features
        self.login = DeviceLogin(sandbox.store, sandbox.seed, features)
        known = [one for one in _ERROR_TRACKING if one.since is None or getattr(features, one.since)]
        self._project_routes = [(_pattern(f"error_tracking/{route.path}"), route) for route in known]
        others = (*hog_functions.ROUTES, *integrations.ROUTES, *hogql_queries.ROUTES)
        self._project_routes += [(_pattern(route.path), route) for route in others]
        self._account_routes = [(_pattern(route.path), route) for route in (*account.ROUTES, *organization.ROUTES)]

    async def journal(self, request: Request) -> Response:
        """The API requests so far: method, path, query, body, status and the label of the key."""
        if refusal := refusal_of_web_page(request):
            return refusal.response()
        if request.method == "DELETE":
            self._sandbox.journal.clear()
            return Response(status_code=204)
        return JSONResponse(list(self._sandbox.journal))

    async def reset(self, request: Request) -> Response:
        """Restore the state of the seed, as after a start."""
        if refusal := refusal_of_web_page(request):
            return refusal.response()
        sandbox = self._sandbox
        if sandbox.store.version() != self._as_planted or time.monotonic() > self._planted_at + _TOO_OLD:
            with sandbox.store.transaction():
                sandbox.store.clear()
                sandbox.objects.clear()
                plant(sandbox.seed, sandbox.store, sandbox.objects)
            self._as_planted, self._planted_at = sandbox.store.version(), time.monotonic()
        return Response(status_code=204)

    async def handle(self, request: Request) -> Response:
        entry: dict[str, Any] = {
            "method": request.method,
            "path": request.url.path,
            "query": {name: value for name, value in request.query_params.items() if name != "personal_api_key"},
            "body": None,
            "key": None,
            "status": 500,
        }
        match = None
        try:
            if login := _LOGIN.fullmatch(request.url.path):
                response = await self.login.answer(login[1], request, entry)
            else:
                match = self._find(request.url.path)
                response = self._answer(request, match, await _read(request), entry)
        except ErrorAnswer as error:
            if error.aftermath is not None:
                with self._sandbox.store.transaction():
                    error.aftermath()
            response = error.response()
        finally:
            self._sandbox.journal.append(entry)
        entry["status"] = response.status_code
        if match is not None and match.is_alias and self._sandbox.features.rewritten_environments:
            successor = str(request.url).removeprefix(str(request.base_url).rstrip("/"))
            successor = successor.replace("/api/environments/", "/api/projects/", 1)
            response.headers["Deprecation"] = "true"
            response.headers["Link"] = f'<{successor}>; rel="successor-version"'
            response.headers["Sunset"] = _SUNSET
        return response

    def _find(self, path: str) -> _Match:
        relative = path.removeprefix("/api/")
        in_project = re.fullmatch(r"(projects|environments)/([^/]+)/(.+)", relative)
        if in_project is None:
            for pattern, route in self._account_routes:
                if found := pattern.fullmatch(relative):
                    return _Match(route, found.groupdict(), None, is_alias=False)
            raise not_found("Endpoint not found.")
        form, project, rest = in_project.groups()
        for pattern, route in self._project_routes:
            found = pattern.fullmatch(rest)
            if found is None:
                continue
            in_both = route.path.startswith(_BOTH_FORMS) or route in hogql_queries.ROUTES
            known = self._sandbox.features.projects_paths or in_both
            if form == "projects" and not known:
                break
            return _Match(route, found.groupdict(), project, is_alias=form == "environments")
        raise not_found("Endpoint not found.")

    def _answer(self, request: Request, match: _Match, raw: bytes, entry: dict[str, Any]) -> Response:
        sandbox, action = self._sandbox, match.route.actions.get(request.method)
        base = str(request.base_url).rstrip("/")
        broken: ErrorAnswer | None = None
        body = None
        try:
            body = _parse(request, raw, action)
        except ErrorAnswer as error:  # the caller is checked first
            broken = error
        entry["body"] = _without_key(body)
        query = dict(request.query_params)
        metadata = f' resource_metadata="{base}/.well-known/oauth-protected-resource"'
        challenge = f"Bearer{metadata if sandbox.features.challenge_metadata else ''}"
        key = authenticate(sandbox.store, request.headers, body, query, challenge)
        entry["key"] = key["label"]
        user = sandbox.store.get("user", None, key["user"]) or {}
        project = find_project(sandbox.store, match.project, user) if match.project is not None else {}
        features = sandbox.features
        if action is None or action.scopes is None or not (action.since is None or getattr(features, action.since)):
            check_scopes(key, None, features.reorder_refusal)  # a method without an action has no scope: 403, never 405
        if project:
            check_project(sandbox.store, key, user, project)
        assert action is not None  # else refused above  # noqa: S101
        check_scopes(key, action.scopes, features.reorder_refusal)
        if sandbox.throttle is not None:
            sandbox.throttle.check(key["id"], symbol_sets=match.route.path.startswith("symbol_sets"))
        if broken is not None:
            raise broken
        path = request.url.path
        if match.is_alias and sandbox.features.rewritten_environments:
            path = path.replace("/api/environments/", "/api/projects/", 1)
        call = Call(
            store=sandbox.store,
            objects=sandbox.objects,
            features=sandbox.features,
            method=request.method,
            parameters=match.parameters,
            query=query,
            body=body,
            url=f"{base}{path}",
            base=base,
            user=user,
            key=key,
            project=project,
            upload=raw,
            now=sandbox.seed.present(),
        )
        try:
            with sandbox.store.transaction():
                return action.view(call)
        except RecursionError:
            raise server_error() from None


async def _read(request: Request) -> bytes:
    """Return the body; a direct upload may be as large as an object, any other body 20 MB."""
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with request.form(max_files=1) as form:
            file = form.get("file")
            return await file.read() if isinstance(file, UploadFile) else b""
    limit = MAX_BYTES + 64 * 1024 if request.url.path.rstrip("/").endswith("/symbol_sets") else MAX_BODY
    parts, size = list[bytes](), 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise HogError(413, "invalid_request", "request_too_large", "Request body is too large.")
        parts.append(part)
    return b"".join(parts)


def _parse(request: Request, raw: bytes, action: Action | None) -> Any:
    if not raw or request.method in ("GET", "DELETE"):
        return None
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        try:
            return json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise HogError(400, "invalid_request", "parse_error", f"JSON parse error - {error}") from None
    if kind == "application/x-www-form-urlencoded" and not (action and action.json_only):
        return dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
    if kind in ("multipart/form-data", "application/octet-stream") and not (action and action.json_only):
        return None
    detail = f'Unsupported media type "{kind}" in request.'
    raise HogError(415, "invalid_request", "unsupported_media_type", detail)


def _without_key(body: Any) -> Any:
    if not isinstance(body, dict):
        return body
    return {name: value for name, value in body.items() if name != "personal_api_key"}  # pyright: ignore[reportUnknownVariableType]


def _pattern(path: str) -> re.Pattern[str]:
    """Return the pattern of a route's path: parameters are segments without dots, the last slash is optional."""
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/.]+)", path) + "/?")
