"""docs/clients.md and its page for each client: the commands and the entry on a page are those of `install`."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from mcp_errortracking.clients.table import CLIENTS, Client
from tests.clients.tried import RUN
from tests.command import run_here

ROOT = Path(__file__).parents[2]
SERVER = str(Path(sys.executable).parent / "mcp-errortracking")
OVERVIEW = (ROOT / "docs" / "clients.md").read_text("utf-8")


def text_of(client: Client) -> str:
    return (ROOT / "docs" / "clients" / f"{client.name}.md").read_text("utf-8")


def test_there_is_a_page_for_each_client_and_no_other() -> None:
    rows = re.findall(r"^\| \[.+?\]\(clients/(.+?)\.md\): `(.+?)` \| .+ \| .+ \| .+ \|$", OVERVIEW, re.MULTILINE)

    names = [client.name for client in CLIENTS]
    assert rows == [(name, name) for name in names]
    assert sorted(page.stem for page in (ROOT / "docs" / "clients").iterdir()) == names
    assert RUN.keys() <= set(names)


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_the_entry_on_a_page_is_the_one_that_install_prints(client: Client, tmp_path: Path) -> None:
    page = text_of(client)
    code, out, err = run_here("install", client.name, "--print", HOME=str(tmp_path), XDG_CONFIG_HOME="")

    assert (code, err) == (0, "")
    printed = out.replace(SERVER, "mcp-errortracking")
    if client.program:
        assert f"```sh\n{printed.partition('Run: ')[2].strip()}\n```" in page
    elif client.name == "goose":
        (shown,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
        assert shown in printed
    else:
        (shown,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
        entry: Any = json.loads(shown)
        assert entry == json.loads(printed[printed.index("{") : printed.rindex("}") + 1])


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_a_page_has_every_step(client: Client) -> None:
    page = text_of(client)

    headings = re.findall(r"^## (.+)$", page, re.MULTILINE)
    assert headings == ["Install", "The entry", "Check", "Remove", "Tried"]
    assert f"\nmcp-errortracking install {client.name}\n" in page
    assert (f"\nmcp-errortracking uninstall {client.name}\n" in page) == bool(client.has_file or client.program)
    paths = {"Linux": client.path("linux"), "macOS": client.path("macos"), "Windows": client.path("windows")}
    for title, path in paths.items():
        assert not path or f"| {title} | `{path}` |" in page
        assert re.search(rf"^\| {title} \| .*(?:run|\d).* \|$", page.partition("## Tried")[2], re.MULTILINE)
