"""The links that install the server: decoded, each is the entry that the client's file would have."""

import json
from base64 import b64decode
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import pytest

from mcp_errortracking.clients.entry import Entry
from mcp_errortracking.clients.links import install_link
from mcp_errortracking.clients.table import BY_NAME, CLIENTS

ENTRY = Entry("/opt/my tools/mcp-errortracking", ("--toolsets", "issues,alerts"), {"POSTHOG_PROJECT_ID": "7"})
LINKED = [client.name for client in CLIENTS if client.link]


def decoded(name: str, link: str) -> tuple[str, Any]:
    """Return the name and the configuration in a link, as the client decodes them."""
    parts = urlsplit(link)
    query = {key: values[0] for key, values in parse_qs(parts.query, strict_parsing=True).items()}
    if name in ("cursor", "lm-studio"):
        return query["name"], json.loads(b64decode(query["config"], validate=True))
    if name == "kiro":
        return query["name"], json.loads(query["config"])
    if name == "vscode":
        inner = query["url"]
        assert inner.startswith("vscode:mcp/install?")
        config = json.loads(unquote(inner.partition("?")[2]))
        return config.pop("name"), config
    pairs = parse_qsl(parts.query, strict_parsing=True)
    words = [value for key, value in pairs if key == "arg"]
    return query["id"], {"command": query["cmd"], "args": words}


@pytest.mark.parametrize("name", LINKED)
def test_a_link_holds_the_entry(name: str) -> None:
    client = BY_NAME[name]
    link = install_link(client, "posthog", ENTRY)
    expected = ENTRY.as_form(client.form)
    if name == "goose":  # has no member for variables
        expected.pop("env")

    assert decoded(name, link) == ("posthog", expected)
    assert urlsplit(link).netloc in (
        "cursor.com",
        "lmstudio.ai",
        "kiro.dev",
        "insiders.vscode.dev",
        "block.github.io",
    )


def test_a_link_of_a_server_with_an_address() -> None:
    config = {"url": "https://mcp.example/mcp?a=1&b=ü"}
    for name in ("cursor", "lm-studio", "kiro", "vscode"):
        assert decoded(name, install_link(BY_NAME[name], "posthog", config)) == ("posthog", config)
    assert install_link(BY_NAME["goose"], "posthog", config) == ""


def test_clients_without_links() -> None:
    assert set(LINKED) == {"cursor", "goose", "kiro", "lm-studio", "vscode"}
    assert install_link(BY_NAME["zed"], "posthog", ENTRY) == ""
