"""docs/oauth.md: each recipe is a configuration that starts, and describes the tokens that it accepts."""

import re
import shlex
from pathlib import Path

import pytest

from mcp_errortracking.cli.main import parse
from mcp_errortracking.compose import oauth_for
from mcp_errortracking.config import ToolSelection, load_oauth
from mcp_errortracking.oauth import signing_keys
from mcp_errortracking.oauth.facts import LEEWAY
from mcp_errortracking.oauth.requests import MOST_BYTES, SECONDS

PAGE = (Path(__file__).parents[1] / "docs" / "oauth.md").read_text("utf-8")
SECTIONS = (part.partition("\n") for part in re.split(r"^#+ ", PAGE, flags=re.MULTILINE))
RECIPES = [(title, block) for title, _, text in SECTIONS for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)]


def environment(block: str) -> dict[str, str]:
    lines = [shlex.split(line) for line in block.splitlines() if line.startswith("export ")]
    return dict(word.split("=", 1) for _, word in lines)


def test_every_recipe_is_found() -> None:
    assert [title for title, _ in RECIPES] == ["Settings", "Keycloak", "Microsoft Entra ID", "Auth0", "Okta"]


@pytest.mark.parametrize("block", [pytest.param(block, id=title) for title, block in RECIPES])
def test_a_recipe_is_a_whole_configuration(block: str) -> None:
    oauth = oauth_for(load_oauth(environment(block)), ToolSelection())

    assert oauth
    assert str(oauth.settings.resource_server_url) == "https://mcp.example/mcp"
    assert str(oauth.settings.issuer_url) == environment(block)["MCP_OAUTH_ISSUER"]
    assert oauth.grants
    for read, write in (("errors:read", "errors:write"), ("Errors.Read", "Errors.Write")):
        for scope, has_writes in ((read, False), (write, True)):
            rights = oauth.grants.rights_of([scope])
            if rights is not None:
                assert ("error-tracking-issues-partial-update" in rights.tools) is has_writes
    assert oauth.grants.rights_of(["errors:read"]) or oauth.grants.rights_of(["Errors.Read"])
    for line in block.splitlines():
        if line.startswith("mcp-errortracking "):
            assert parse(shlex.split(line)[1:]).transport == "http"


def test_the_numbers_are_those_of_the_code() -> None:
    checks = PAGE.partition("## Checks")[2].partition("##")[0]
    assert f"differ by {LEEWAY} s" in checks
    assert f"limited to {MOST_BYTES >> 10} KiB and {SECONDS:g} s" in checks
    assert f"at most every {signing_keys.RETRY_SECONDS:g} s" in checks
    assert (signing_keys.REFRESH_SECONDS, signing_keys.MOST_AGE) == (3600, 86400)  # every hour, for a day
