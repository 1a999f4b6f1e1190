"""Links that install a server in a client: the client asks its user, and writes its own configuration.

A link is public: do not put a key into it.
"""

import json
from base64 import b64encode
from typing import Any
from urllib.parse import quote, urlencode

from mcp_errortracking.clients.entry import Entry
from mcp_errortracking.clients.table import Client

Server = Entry | dict[str, Any]
"""The entry of a server that is started, or the configuration of one with an address."""

_WEB = {
    "cursor": "https://cursor.com/en/install-mcp",
    "lmstudio": "https://lmstudio.ai/install-mcp",
    "kiro": "https://kiro.dev/launch/mcp/add",
    "goose": "https://block.github.io/goose/extension",
}
"""Pages that pass a link on to the client: many sites show no link of another scheme than https."""
_APP = {
    "cursor": "cursor://anysphere.cursor-deeplink/mcp/install",
    "lmstudio": "lmstudio://add_mcp",
    "goose": "goose://extension",
}


def web_link(client: Client, name: str, server: Server) -> str:
    """Return the link of a client as a page passes it on, "" if it has none."""
    if client.link == "vscode":
        app = app_link(client, name, server)
        return f"https://insiders.vscode.dev/redirect?url={quote(app, safe='')}"
    query = _query(client, name, server)
    return f"{_WEB[client.link]}?{query}" if query else ""


def app_link(client: Client, name: str, server: Server) -> str:
    """Return the link of a client that opens it at once, "" if it has none."""
    if client.link == "vscode":
        text = _json({"name": name, **_config(client, server)})
        return f"vscode:mcp/install?{quote(text, safe='')}"
    query = _query(client, name, server)
    return f"{_APP[client.link]}?{query}" if query and client.link in _APP else ""


def _query(client: Client, name: str, server: Server) -> str:
    text = _json(_config(client, server))
    if client.link in ("cursor", "lmstudio"):
        return urlencode({"name": name, "config": b64encode(text.encode()).decode()})
    if client.link == "kiro":
        return f"name={quote(name, safe='')}&config={quote(text, safe='')}"
    if client.link == "goose" and isinstance(server, Entry):
        words = [("cmd", server.command), *(("arg", word) for word in server.args)]
        return urlencode([*words, ("id", name), ("name", name)])
    return ""


def _config(client: Client, server: Server) -> dict[str, Any]:
    return server.as_form(client.form) if isinstance(server, Entry) else server


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
