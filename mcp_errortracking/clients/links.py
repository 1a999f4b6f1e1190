"""Links that install a server in a client: the client asks its user, and writes its own configuration."""

import json
from base64 import b64encode
from typing import Any
from urllib.parse import quote, urlencode

from mcp_errortracking.clients.entry import Entry
from mcp_errortracking.clients.table import Client


def install_link(client: Client, name: str, server: Entry | dict[str, Any]) -> str:
    """Return the link of a client, "" if it has none. A link is public: do not put a key into it.

    Args:
        server: the entry, or the configuration of a server with an address.
    """
    config = server.as_form(client.form) if isinstance(server, Entry) else server
    text = json.dumps(config, separators=(",", ":"), ensure_ascii=False)
    encoded = b64encode(text.encode()).decode()
    if client.link == "cursor":
        return f"https://cursor.com/en/install-mcp?{urlencode({'name': name, 'config': encoded})}"
    if client.link == "lmstudio":
        return f"https://lmstudio.ai/install-mcp?{urlencode({'name': name, 'config': encoded})}"
    if client.link == "kiro":
        return f"https://kiro.dev/launch/mcp/add?name={quote(name, safe='')}&config={quote(text, safe='')}"
    if client.link == "vscode":
        named = json.dumps({"name": name, **config}, separators=(",", ":"), ensure_ascii=False)
        page = "vscode:mcp/install?" + quote(named, safe="")
        return f"https://insiders.vscode.dev/redirect?url={quote(page, safe='')}"
    if client.link == "goose" and isinstance(server, Entry):
        words = [("cmd", server.command), *(("arg", word) for word in server.args)]
        return f"https://block.github.io/goose/extension?{urlencode([*words, ('id', name), ('name', name)])}"
    return ""
