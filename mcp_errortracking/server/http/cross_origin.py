"""Protection from cross-origin requests: a browser sends requests of any web page from the user's own network.

`Host` and `Origin` are compared whole, before any other check. A page whose name resolves to this server (DNS
rebinding) still sends that name in `Host`; every other page is named in `Origin`. Messages must have the content type
of JSON, which a page may send to another origin only after a CORS preflight. An image, a script or a frame of another
page sends no `Origin`: there the browser says in `Sec-Fetch-Site` whose request it is.
"""

import ipaddress
import re
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_errortracking.server.http.paths import correct_slash, is_mcp, path_of

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?")
_PROBE_PATHS = ("/readyz", "/metrics")
_HEALTH_PATH = "/healthz"
_JSON = "application/json"


def origin_pattern(allowed: Sequence[str]) -> str:
    """Return a regular expression for the origins whose pages may call: the allowed ones and loopback."""
    loopback = f"http://({'|'.join(map(re.escape, LOOPBACK))})(:[0-9]{{1,5}})?"
    return "|".join([loopback, *map(re.escape, allowed)])


class CrossOriginGuard:
    """Refuses requests that a web page of another site may have caused."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str], origins: str) -> None:
        """
        Args:
            hosts: names of the server in addition to loopback; one without a port matches any port.
            origins: the regular expression of the origins whose pages may call.
        """
        self._app = app
        self._hosts = {host.lower().removesuffix(":*") for host in (*LOOPBACK, *hosts)}
        self._origins = re.compile(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            correct_slash(scope)
            headers = Headers(scope=scope)
            if refusal := self._refusal(path_of(scope), headers) or _refusal_of_part(scope, headers):
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refusal(self, path: str, headers: Headers) -> Response | None:
        if path == _HEALTH_PATH:  # reveals nothing, and load balancers ask with any Host, or none
            return None
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) > 1 or len(origins) > 1:
            return _problem(400, "bad_request", "Send Host and Origin once each.")
        parts = _HOST.fullmatch(hosts[0].lower()) if hosts else None
        if parts is None:
            return _problem(421, "unknown_host", "Host must be a name or an address, with an optional port.")
        name = parts[1]
        if not (name in self._hosts or parts[0] in self._hosts or (path in _PROBE_PATHS and _is_address(name))):
            return _problem(
                421,
                "unknown_host",
                f"This server does not answer to the name {name}. If it is yours, start it with --allowed-host {name}.",
            )
        # A page of this server itself has the name that was checked above; behind a gateway it came over TLS.
        own = () if name in LOOPBACK else (f"http://{parts[0]}", f"https://{parts[0]}")
        if origins and origins[0].lower() not in own and not self._origins.fullmatch(origins[0]):
            return _problem(
                403,
                "unknown_origin",
                "Web pages of this origin may not call this server. To allow them, start it with --allowed-origin.",
            )
        return None


def _refusal_of_part(scope: Scope, headers: Headers) -> Response | None:
    """Return the refusal of what a page of another site loads as a part of itself; not of a link."""
    if "origin" in headers or headers.get("sec-fetch-site") not in ("cross-site", "same-site"):
        return None
    if (
        headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
        and not is_mcp(scope)
    ):
        return None
    if path_of(scope) == _HEALTH_PATH:
        return None
    return _problem(403, "unknown_origin", "Web pages of other sites may link to this server, but not load from it.")


def refuse_other_media(scope: Scope) -> Response | None:
    """Return the refusal of a request whose content type is not JSON: any web page may send such a request.

    Otherwise the header is replaced by the one spelling that the SDK accepts.
    """
    given = Headers(scope=scope).getlist("content-type")
    if len(given) != 1 or given[0].partition(";")[0].strip(" \t").lower() != _JSON:
        return _problem(415, "unsupported_media_type", f"Send the message with Content-Type: {_JSON}.")
    others = [(name, value) for name, value in scope["headers"] if name.lower() != b"content-type"]
    scope["headers"] = [*others, (b"content-type", _JSON.encode())]
    return None


def _is_address(name: str) -> bool:
    """True for an IP address. Probes and scrapers send one; a page with DNS rebinding sends its name."""
    try:
        ipaddress.IPv6Address(name[1:-1]) if name.startswith("[") else ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True


def _problem(status: int, error: str, detail: str) -> Response:
    return JSONResponse({"error": error, "detail": detail}, status)
