"""Protection of the sandbox's own controls, which need no key, from web pages open in a browser on this machine."""

import ipaddress
import re

from starlette.requests import Request

from mcp_errortracking.sandbox.errors import ErrorAnswer, forbidden

_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+))(?::[0-9]{1,5})?")


def refusal_of_web_page(request: Request) -> ErrorAnswer | None:
    """Return the refusal of a request that a page of another origin caused, None for every other request.

    A page whose own name resolves to this machine still sends that name in `Host`.
    """
    hosts, origins = request.headers.getlist("host"), request.headers.getlist("origin")
    host = hosts[0].lower() if len(hosts) == 1 else ""
    if not _is_this_machine(host):
        return forbidden("Use the address that the sandbox printed: the Host of this request is another.")
    site = request.headers.get("sec-fetch-site", "none")
    if any(origin != f"http://{host}" for origin in origins) or site not in ("none", "same-origin"):
        return forbidden("Web pages may not use this path.")
    return None


def _is_this_machine(host: str) -> bool:
    parts = _HOST.fullmatch(host)
    if parts is None:
        return False
    try:
        return parts[2] == "localhost" or ipaddress.ip_address(parts[1] or parts[2]).is_loopback
    except ValueError:
        return False
