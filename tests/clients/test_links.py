"""The links that install the server: decoded, each is the entry that the client's file would have."""

import json
import re
from base64 import b64decode
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import pytest
from ruamel.yaml import YAML

from mcp_errortracking.clients.entry import Entry
from mcp_errortracking.clients.goose import goose_yaml
from mcp_errortracking.clients.links import app_link, web_link
from mcp_errortracking.clients.table import BY_NAME, CLIENTS

ENTRY = Entry("/opt/my tools/mcp-errortracking", ("--toolsets", "issues,alerts"), {"POSTHOG_PROJECT_ID": "7"})
PORTABLE = Entry("mcp-errortracking")
DOCS = Path(__file__).parents[2] / "docs" / "clients"
LINKED = [client.name for client in CLIENTS if client.link]


def decoded(name: str, link: str) -> tuple[str, Any]:
    """Return the name and the configuration in a link, as the client decodes them."""
    parts = urlsplit(link)
    query = {key: values[0] for key, values in parse_qs(parts.query).items()}
    if name in ("cursor", "lm-studio"):
        return query["name"], json.loads(b64decode(query["config"], validate=True))
    if name == "kiro":
        return query["name"], json.loads(query["config"])
    if name == "vscode":
        inner = query.get("url", link)
        assert inner.startswith("vscode:mcp/install?")
        config = json.loads(unquote(inner.partition("?")[2]))
        return config.pop("name"), config
    pairs = parse_qsl(parts.query)
    words = [value for key, value in pairs if key == "arg"]
    return query["id"], {"command": query["cmd"], "args": words}


@pytest.mark.parametrize("name", LINKED)
def test_a_link_holds_the_entry(name: str) -> None:
    client = BY_NAME[name]
    expected = ENTRY.as_form(client.form)
    if name == "goose":  # has no member for variables
        expected.pop("env")

    web, app = web_link(client, "posthog", ENTRY), app_link(client, "posthog", ENTRY)
    assert decoded(name, web) == ("posthog", expected)
    assert (
        web.partition("?")[0]
        == {
            "cursor": "https://cursor.com/en/install-mcp",
            "goose": "https://block.github.io/goose/extension",
            "kiro": "https://kiro.dev/launch/mcp/add",
            "lm-studio": "https://lmstudio.ai/install-mcp",
            "vscode": "https://insiders.vscode.dev/redirect",
        }[name]
    )
    if name == "kiro":
        assert app == ""
        return
    assert decoded(name, app) == ("posthog", expected)
    assert (
        app.partition("?")[0]
        == {
            "cursor": "cursor://anysphere.cursor-deeplink/mcp/install",
            "goose": "goose://extension",
            "lm-studio": "lmstudio://add_mcp",
            "vscode": "vscode:mcp/install",
        }[name]
    )


def test_a_link_of_a_server_with_an_address() -> None:
    config = {"url": "https://mcp.example/mcp?a=1&b=\u00fc"}
    for name in ("cursor", "lm-studio", "kiro", "vscode"):
        assert decoded(name, web_link(BY_NAME[name], "posthog", config)) == ("posthog", config)
    assert web_link(BY_NAME["goose"], "posthog", config) == ""


def test_clients_without_links() -> None:
    assert set(LINKED) == {"cursor", "goose", "kiro", "lm-studio", "vscode"}
    assert web_link(BY_NAME["zed"], "posthog", ENTRY) == app_link(BY_NAME["zed"], "posthog", ENTRY) == ""


def test_the_link_on_each_page_is_the_entry_shown_there() -> None:
    pages = {client.name: (DOCS / f"{client.name}.md").read_text("utf-8") for client in CLIENTS}
    links = {name: re.findall(r"\[Add to .+?\]\((.+?)\)", page) for name, page in pages.items()}

    assert {name for name, found in links.items() if found} == set(LINKED)
    for name in LINKED:
        (link,) = links[name]
        assert decoded(name, link) == ("posthog", PORTABLE.as_form(BY_NAME[name].form))


def test_the_yaml_of_goose_holds_any_path() -> None:
    words = ("C:\\Zo\u00eb's \U0001f600 folder\\mcp.exe", "--root", 'a "b" $HOME: #x', "- y\n  z")
    entry = Entry(words[0], words[1:], {"POSTHOG_HOST": "https://eu.posthog.com # \U0001f600"})

    held = YAML(typ="safe", pure=True).load(goose_yaml("posthog", entry))["extensions"]["posthog"]

    assert (held["cmd"], *held["args"]) == words
    assert held["envs"] == entry.env
