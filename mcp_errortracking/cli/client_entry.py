"""The entry of a client as `install` prints it, to be added by hand."""

import json
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from mcp_errortracking import config

if TYPE_CHECKING:
    from mcp_errortracking.clients.entry import Entry
    from mcp_errortracking.clients.table import Client

KEY_VARIABLE = "POSTHOG_PERSONAL_API_KEY"


def print_entry(client: "Client", name: str, entry: "Entry") -> None:
    """Print the entry and its place; never the key."""
    from mcp_errortracking.clients.goose import goose_yaml
    from mcp_errortracking.clients.links import web_link
    from mcp_errortracking.clients.program import add_words

    shown = replace(entry, env=entry.env | ({KEY_VARIABLE: "phx_..."} if holds_key(entry) else {}))
    folders = config.client_folders()
    place = client.path(folders.platform)
    if client.program:
        print(f"Run: {shlex.join(add_words(client.program, name, shown))}")
    elif client.name == "goose":
        print(f"{client.advice}\n\n{goose_yaml(name, shown)}")
    else:
        data: object = {name: shown.as_form(client.form)}
        for outer in reversed(client.members):
            data = {outer: data}
        print(f"Put it into {folders.resolve(place)}:" if place else client.advice)
        print(f"\n{json.dumps(data, indent=2, ensure_ascii=False)}\n")
    if link := web_link(client, name, replace(entry, env={})):
        print(f"Or open: {link}")


def holds_key(entry: "Entry | None") -> bool:
    """True if an entry has the key among its variables."""
    return entry is not None and KEY_VARIABLE in entry.env
