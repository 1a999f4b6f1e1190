"""The command `sandbox`: its options, and its run."""

import argparse
import ipaddress
import json
import secrets
import socket
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_errortracking.system.listener import bind
from mcp_errortracking.system.standard_streams import read_stdin

if TYPE_CHECKING:
    from mcp_errortracking.sandbox.app import Sandbox
    from mcp_errortracking.sandbox.seed import Seed

DEFAULT_PORT = 8765
_USAGE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--host", metavar="ADDRESS", default="127.0.0.1", help="loopback address (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help=f"0 takes a free one (default: {DEFAULT_PORT})")
    parser.add_argument("--data", metavar="DIR", type=Path, help="keep everything in this folder (default: in memory)")
    parser.add_argument(
        "--seed", metavar="FILE", help="start from this description, - reads stdin; see docs/sandbox.md"
    )
    parser.add_argument(
        "--age", choices=["new", "2026-06", "2025"], help="imitate a PostHog of that age (default: new)"
    )
    parser.add_argument(
        "--rate-limit", metavar="N/PERIOD", nargs="?", const="", help="throttle as PostHog Cloud does, or e.g. 5/minute"
    )
    parser.add_argument("--json", action="store_true", help="print one line of JSON once it listens")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when stdin does")
    parser.add_argument("--log-level", choices=["debug", "info", "warning", "error"], default="warning")


def run(options: argparse.Namespace) -> int:
    """Serve a sandbox until it is interrupted. Return 0, or 2 if an option is wrong."""
    import asyncio  # the other commands start without it

    from mcp_errortracking.sandbox.app import create_app
    from mcp_errortracking.sandbox.seed import SeedError
    from mcp_errortracking.sandbox.serving import serve

    try:
        with ExitStack() as stack:
            listener = stack.enter_context(_listen(options.host, options.port))
            seed = _seed(options)
            throttle_text = options.rate_limit
            sandbox = _open(
                options.data or stack.enter_context(_temporary()), seed, throttle_text, options.data is None
            )
            stack.callback(sandbox.store.close)
            asyncio.run(
                serve(
                    create_app(sandbox),
                    listener,
                    lambda url: _announce(sandbox, seed, url, as_json=options.json),
                    until_stdin_closes=options.until_stdin_closes,
                    log_level=options.log_level,
                )
            )
    except (_OptionError, SeedError) as error:
        print(f"mcp-errortracking sandbox: {error}", file=sys.stderr)
        return _USAGE
    return 0


class _OptionError(Exception):
    pass


def _listen(host: str, port: int) -> socket.socket:
    name = "127.0.0.1" if host == "localhost" else host
    try:
        if not ipaddress.ip_address(name).is_loopback:
            raise ValueError
    except ValueError:
        raise _OptionError(f"--host {host} is not a loopback address; use 127.0.0.1 or ::1") from None
    try:
        return bind(name, port)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise _OptionError(f"port {port} cannot be used ({reason}); choose another with --port, or --port 0") from None


def _seed(options: argparse.Namespace) -> "Seed":
    from mcp_errortracking.sandbox.seed import SeedError, read_seed

    source = options.seed
    try:
        if source is None:
            text = Path(__file__).with_name("default_seed.json").read_text("utf-8")
        else:
            text = read_stdin() if source == "-" else Path(source).read_text("utf-8")
        seed = read_seed(text)
    except (OSError, UnicodeDecodeError) as error:
        raise _OptionError(f"--seed {source} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    except SeedError as error:
        raise _OptionError(f"--seed {source}: {error}") from None
    if options.age is not None:
        seed.server.age = options.age
    return seed


def _temporary() -> "tempfile.TemporaryDirectory[str]":
    try:
        return tempfile.TemporaryDirectory(prefix="mcp-errortracking-sandbox-", ignore_cleanup_errors=True)
    except OSError as error:
        raise _OptionError(f"no temporary folder can be made: {error.strerror or error}") from None


def _open(data: Path | str, seed: "Seed", rate_limit: str | None, in_memory: bool) -> "Sandbox":
    import sqlite3

    from mcp_errortracking.sandbox.app import Sandbox
    from mcp_errortracking.sandbox.objects import Objects
    from mcp_errortracking.sandbox.planting import plant
    from mcp_errortracking.sandbox.seed import features_of
    from mcp_errortracking.sandbox.store import Store
    from mcp_errortracking.sandbox.throttle import Rate, Throttle

    features = features_of(seed)
    try:
        throttle = None if rate_limit is None else Throttle((Rate.parse(rate_limit),) if rate_limit else None)
    except ValueError as error:
        raise _OptionError(f"--rate-limit: {error}") from None
    folder = Path(data)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        store = Store(None if in_memory else folder / "sandbox.sqlite3")
        objects = Objects(folder / "objects", store.setting("signing secret", secrets.token_hex(32)))
        with store.transaction():
            if not store.all("project"):
                plant(seed, store, objects)
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or error
        advice = "Free some space, or give an empty folder"
        raise _OptionError(f"--data {folder} cannot be used: {reason}. {advice}") from None
    return Sandbox(store, objects, seed, features, throttle)


def _announce(sandbox: "Sandbox", seed: "Seed", url: str, *, as_json: bool) -> None:
    from mcp_errortracking.sandbox.seed import Key

    keys = seed.keys or [Key(value="phx_sandbox_full_access_key", label="full access")]
    user = sandbox.store.all("user")[0]["id"]
    roles = sandbox.store.all("role")
    facts: dict[str, Any] = {
        "url": url,
        "project_id": seed.projects[0].id,
        "user_id": user,
        "role_id": roles[0]["id"] if roles else None,
        "keys": [{"label": key.label, "key": key.value, "scopes": key.scopes} for key in keys],
    }
    if as_json:
        print(json.dumps(facts), flush=True)
        return
    lines = [f"The sandbox listens on {url}", ""]
    lines += [f"  key     {key.value}  ({key.label}: {', '.join(key.scopes)})" for key in keys]
    lines += [f"  project {facts['project_id']}", f"  user    {user}", f"  role    {facts['role_id']}", ""]
    variables = {
        "POSTHOG_HOST": url,
        "POSTHOG_PERSONAL_API_KEY": keys[0].value,
        "POSTHOG_PROJECT_ID": facts["project_id"],
    }
    form = '  $env:{} = "{}"' if sys.platform == "win32" else "  export {}={}"
    lines += [*(form.format(name, value) for name, value in variables.items()), "", "Ctrl-C ends it."]
    print("\n".join(lines), flush=True)
