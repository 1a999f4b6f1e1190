"""The command `whoami`: the user, the project and the scopes of the key in use, and the place of the key."""

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from mcp_errortracking import config
from mcp_errortracking.cli.connection import EXIT_PROBLEM
from mcp_errortracking.cli.options import add_logging, add_named, given
from mcp_errortracking.config import PostHogSettings

if TYPE_CHECKING:
    from mcp_errortracking.proxy.key_facts import KeyFacts

_NO_KEY = "Not logged in: no key is configured. Log in with: mcp-errortracking login"


def add_whoami(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_named(parser, PostHogSettings, "host", "project")
    parser.add_argument("--json", action="store_true", help="print this as JSON")
    add_logging(parser)


def run_whoami(options: argparse.Namespace) -> int:
    """Print the facts about the key; never the key."""
    from mcp_errortracking.proxy.errors import PostHogError

    settings = config.load_posthog(**given(options, PostHogSettings))
    if settings.key is None:
        print(f"mcp-errortracking: {_NO_KEY}", file=sys.stderr)
        return EXIT_PROBLEM
    try:
        facts, user = _ask(settings)
    except PostHogError as error:
        print(f"mcp-errortracking: {error} The key is in: {settings.source}.", file=sys.stderr)
        return EXIT_PROBLEM
    lines: dict[str, Any] = {
        "host": settings.host,
        "user": user,
        "project": settings.project,
        "key": facts.label if facts else None,
        "scopes": sorted(facts.scopes) if facts and facts.scopes is not None else None,
        "projects": list(facts.projects) if facts else [],
        "unusable": unusable(facts.scopes) if facts and facts.scopes is not None else {},
        "source": settings.source,
    }
    if options.json:
        print(json.dumps(lines, ensure_ascii=False))
        return 0
    print(f"host     {lines['host']}")
    print(f"user     {user or 'not shown: the key lacks user:read'}")
    print(f"project  {lines['project']}")
    print(f"key      {lines['key'] or 'this PostHog does not describe keys'}")
    print(f"stored   {lines['source']}")
    if lines["projects"]:
        print(f"limited  to projects {', '.join(map(str, lines['projects']))}")
    print(f"scopes   {', '.join(lines['scopes']) if lines['scopes'] is not None else 'this PostHog does not say'}")
    _print_unusable(settings.host, lines["unusable"], lines["key"] or "")
    return 0


def describe_key(settings: PostHogSettings) -> None:
    """Print what a new key cannot be used for. A failure is not one of the login, which is done."""
    from mcp_errortracking.proxy.errors import PostHogError

    try:
        facts, _ = _ask(settings, with_user=False)
    except PostHogError as error:
        print(f"The key could not be tried yet. {error}", file=sys.stderr)
        return
    if facts is not None and facts.scopes is not None:
        _print_unusable(settings.host, unusable(facts.scopes), facts.label)


def unusable(scopes: frozenset[str]) -> dict[str, list[str]]:
    """Return the toolsets that a key with these scopes cannot use in full, each with the scopes that it lacks."""
    from mcp_errortracking.catalog import CATALOG
    from mcp_errortracking.server.selection import covers

    lacking = dict[str, set[str]]()
    for tool in CATALOG.values():
        for scope in tool.scopes:
            if not covers(scopes, scope):
                lacking.setdefault(tool.toolset, set()).add(scope)
    return {toolset: sorted(names) for toolset, names in lacking.items()}


def _print_unusable(host: str, lacking: dict[str, list[str]], label: str) -> None:
    from mcp_errortracking.proxy.device_login import KEYS_PAGE

    if not lacking:
        print("The key can be used for every tool.")
        return
    print("The key lacks scopes for tools of these toolsets:")
    for toolset, names in lacking.items():
        print(f"  {toolset}: {', '.join(names)}")
    name = f' "{label}"' if label else ""
    print(f"To add them, edit the key{name} at {host}{KEYS_PAGE}, or log in again and select them on PostHog's page.")


def _ask(settings: PostHogSettings, *, with_user: bool = True) -> "tuple[KeyFacts | None, str | None]":
    import anyio

    from mcp_errortracking.compose import proxy_for
    from mcp_errortracking.proxy.key_facts import read_key_facts, read_user

    async def ask() -> "tuple[KeyFacts | None, str | None]":
        async with proxy_for(settings) as proxy:
            facts = await read_key_facts(proxy)
            return facts, await read_user(proxy) if with_user else None

    return anyio.run(ask)
