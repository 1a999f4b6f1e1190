"""The page at `/`: the pages of MCP Apps, and the state of the server with the configuration of each client.

It is a small MCP Apps host: its script reaches this server as an MCP client of the same origin. Over SSE alone it shows
the state and runs no script.
"""

import json
from dataclasses import dataclass
from functools import cache
from html import escape

from mcp_errortracking import __version__
from mcp_errortracking.clients.entry import NAME
from mcp_errortracking.clients.links import app_link
from mcp_errortracking.clients.table import BY_NAME
from mcp_errortracking.server.apps.documents import document, hashes, read
from mcp_errortracking.server.apps.pages import PAGES, TITLES
from mcp_errortracking.server.http.caller_keys import KEY_HEADER

_TABS = {page: title for page, title in TITLES.items() if page != "issue"}  # an issue is opened from their list


@cache
def headers_of(*, with_pages: bool) -> dict[str, str]:
    """Return the headers of the page. It runs its own script and those of the pages that it hosts, and no other."""
    documents = [f"<style>{read('host.css')}</style>"]
    if with_pages:
        documents += [f"<script>{read('host.js')}</script>", *map(document, PAGES)]
    allowed = hashes(*documents)
    scripts = f" script-src {' '.join(allowed['script'])}; connect-src 'self';" if with_pages else ""
    return {
        "Content-Security-Policy": f"default-src 'none';{scripts} style-src {' '.join(allowed['style'])}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        # A page that opened this one has no hold on it, and no page can load it as something else.
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }


@dataclass(frozen=True, slots=True)
class Access:
    """The credentials that a caller needs, and the transports that are served.

    `works_once`: the token comes from an address that works once, so that nobody can type it.
    """

    needs_token: bool = False
    takes_keys: bool = False
    works_once: bool = False
    has_http: bool = True

    def headers(self) -> dict[str, str]:
        """Return the headers of a client's configuration, with placeholders for secrets."""
        token = {"Authorization": "Bearer YOUR_SERVER_TOKEN"} if self.needs_token else {}
        return token | ({KEY_HEADER: "phx_YOUR_KEY"} if self.takes_keys else {})


def page(origin: str, problem: str | None, access: Access) -> str:
    """Return the page as HTML.

    Args:
        origin: the address that the reader used, like `http://127.0.0.1:8780`.
        problem: the problem between this server and PostHog; None if there is none.
    """
    state = ("ok", "PostHog is reachable.") if problem is None else ("problem", f"Not ready: {problem}")
    needs = list[str]()
    if access.needs_token:
        needs.append("the server token, from the operator of this server")
    if access.takes_keys:
        needs.append("your own PostHog personal API key")
    entries = "\n".join(
        f"<details{'' if index else ' open'}><summary>{escape(name)}</summary>"
        f'<pre tabindex="0">{escape(entry)}</pre></details>'
        for index, (name, entry) in enumerate(client_entries(origin, access))
    )
    links = " ".join(f'<a href="{escape(link)}">{escape(text)}</a>' for text, link in install_links(origin, access))
    install = f"<p>{links}</p>" if links else ""
    bring = f"<p>You need {escape(' and '.join(needs))}.</p>" if needs else ""
    tabs, app, script = _host(access) if access.has_http else ("", "", "")
    needs_token = f' data-token="{"once" if access.works_once else "typed"}"' if access.needs_token else ""
    needs_key = f' data-key="{KEY_HEADER}"' if access.takes_keys else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>PostHog error tracking over MCP</title>
<style>{read("host.css")}</style>
</head>
<body data-version="{escape(__version__)}"{needs_token}{needs_key}>
<h1>PostHog error tracking over MCP</h1>
{tabs}
<main id="status">
<p>mcp_errortracking {escape(__version__)}: an MCP server that lets an AI agent work with PostHog's error tracking. It
is for MCP clients; this page says how to connect one.</p>
<p class="state {state[0]}" id="state" role="status">{escape(state[1])}</p>
<h2>Connect a client</h2>
{bring}
{install}
{entries}
</main>
{app}
{script}
</body>
</html>
"""


def install_links(origin: str, access: Access) -> list[tuple[str, str]]:
    """Return the links that add this server to a client. A caller that needs secrets gets none: they hold no secret."""
    if access.headers():
        return []
    kind = "http" if access.has_http else "sse"
    url = f"{origin}/{'mcp' if access.has_http else 'sse'}"
    clients = ((BY_NAME["cursor"], {"url": url}), (BY_NAME["vscode"], {"type": kind, "url": url}))
    return [(f"Add to {client.title}", app_link(client, NAME, server)) for client, server in clients]


def _host(access: Access) -> tuple[str, str, str]:
    """Return the tabs, the place of the hosted page with the form for credentials, and the script."""
    tabs = "".join(
        f'<button type="button" role="tab" id="tab-{page or "status"}" data-page="{page}" '
        f'aria-controls="{"app" if page else "status"}">{name}</button>'
        for page, name in {**_TABS, "": "Status and clients"}.items()
    )
    fields = list[str]()
    if access.needs_token and not access.works_once:
        fields.append('<label>Server token <input name="token" type="password" autocomplete="off"></label>')
    if access.takes_keys:
        fields.append('<label>PostHog personal API key <input name="key" type="password" autocomplete="off"></label>')
    form = f"""<form id="access" hidden>
<p id="problem" role="alert"></p>
{"".join(fields)}
{"<button>Continue</button>" if fields else ""}
</form>"""
    app = f"""<main id="app" role="tabpanel" hidden>
{form}
<p class="state problem" id="message" role="alert" hidden></p>
</main>"""
    return (
        f'<div role="tablist" id="tabs" aria-label="Pages" hidden>{tabs}</div>',
        app,
        f"<script>{read('host.js')}</script>",
    )


def client_entries(origin: str, access: Access) -> list[tuple[str, str]]:
    """Return the configuration to paste, by client."""
    url = f"{origin}/{'mcp' if access.has_http else 'sse'}"
    kind = "http" if access.has_http else "sse"
    headers = access.headers()
    more = {"headers": headers} if headers else {}
    flags = "".join(f' \\\n  --header "{name}: {value}"' for name, value in headers.items())
    plain = _json({"mcpServers": {"posthog": {"url": url, **more}}})
    entries = [
        ("Claude Code", f"claude mcp add --transport {kind} posthog {url}{flags}"),
        ("Cursor and most others (mcp.json)", plain),
        ("VS Code (.vscode/mcp.json)", _json({"servers": {"posthog": {"type": kind, "url": url, **more}}})),
    ]
    if access.has_http:
        lines = ["[mcp_servers.posthog]", f'url = "{url}"']
        if headers:
            lines.append("http_headers = { " + ", ".join(f'"{n}" = "{v}"' for n, v in headers.items()) + " }")
        entries.append(("Codex (~/.codex/config.toml)", "\n".join(lines)))
        sse = {"type": "sse", "url": f"{origin}/sse", **more}
        entries.append(("Clients that speak SSE only", _json({"mcpServers": {"posthog": sse}})))
    bridge = ["-y", "mcp-remote", url, *(part for n, v in headers.items() for part in ("--header", f"{n}: {v}"))]
    entries.append(
        ("Clients that only start a command", _json({"mcpServers": {"posthog": {"command": "npx", "args": bridge}}}))
    )
    return entries


def _json(value: object) -> str:
    return json.dumps(value, indent=2)
