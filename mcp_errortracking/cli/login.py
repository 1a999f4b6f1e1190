"""The commands `login` and `logout`: a key without copying it, by PostHog's page for command lines."""

import argparse
import getpass
import sys
import webbrowser
from collections.abc import Callable
from typing import TYPE_CHECKING

from mcp_errortracking import config
from mcp_errortracking.cli.connection import EXIT_PROBLEM, fail
from mcp_errortracking.cli.options import add_logging, add_named, given
from mcp_errortracking.cli.whoami import describe_key
from mcp_errortracking.config import ConfigError, Login, Logins, Place, PostHogSettings, Secret

if TYPE_CHECKING:
    from mcp_errortracking.proxy.device_login import Grant

PRESETS = ("error_tracking", "agent-cli")
_TEXT_BROWSERS = ("www-browser", "links", "elinks", "lynx", "w3m")
"""Browsers that would take over the terminal with the code."""
_MOST_KEY = 1000

LOGIN_EPILOG = """\
PostHog's page opens in your browser. Compare its code with the one shown here, choose the project, and authorize. The
key is then stored in the keyring of the operating system if there is one (pip install 'mcp_errortracking[login]'),
else in ~/.posthog/credentials.json, the file of posthog-cli. The server finds it there without a variable.

exit codes: 0 logged in, 1 not logged in (denied, expired, no answer), 2 invalid command or nowhere to store a key,
130 cancelled
"""


def add_login(parser: argparse.ArgumentParser) -> None:
    """Add the options of `login`."""
    parser.epilog = LOGIN_EPILOG
    add_named(parser, PostHogSettings, "host", "project")
    parser.add_argument("--no-browser", action="store_true", help="print the address of the page, and do not open it")
    parser.add_argument(
        "--preset",
        choices=PRESETS,
        default=PRESETS[0],
        help="scopes that PostHog's page selects first; agent-cli includes those of alerts, and of much else "
        "(default: error_tracking)",
    )
    parser.add_argument(
        "--with-key",
        action="store_true",
        help="store a key that you created yourself: it is asked for, or read from stdin",
    )
    parser.add_argument("--store", choices=("keyring", "file"), help="default: the keyring where there is one")
    parser.add_argument("--replace", action="store_true", help="replace a login of posthog-cli for another host")
    add_logging(parser)


def add_logout(parser: argparse.ArgumentParser) -> None:
    """Add the options of `logout`."""
    parser.add_argument(
        "--posthog-cli", action="store_true", dest="of_posthog_cli", help="remove the login of posthog-cli too"
    )
    add_logging(parser)


def run_login(options: argparse.Namespace) -> int:
    """Log in, store the key, and say what it can do."""
    if hasattr(options, "project") and not options.with_key:
        return fail("--project goes with --with-key; otherwise choose the project on PostHog's page")
    logins = Logins()
    settings = _settings(options, logins)
    if refusal := _other_login(logins, settings.host, options):
        return fail(refusal)
    place, no_keyring = logins.place(options.store)
    grant = _own_key(settings) if options.with_key else _by_device(settings, options)
    if isinstance(grant, int):
        return grant
    key = Secret(grant.key.get_secret_value())
    login = Login(settings.host, key, grant.project if grant.project != config.DEFAULT_PROJECT else None, grant.label)
    try:
        where = _store(logins, login, place, fall_back=options.store is None)
    except ConfigError as error:
        print(f"mcp-errortracking: {error}", file=sys.stderr)
        if grant.label:
            print(
                f'The key "{grant.label}" exists in PostHog: delete it at {_keys_page(settings.host)}', file=sys.stderr
            )
        return EXIT_PROBLEM
    print(f"Logged in to {settings.host}, project {grant.project}.")
    print(f"The key is stored in {where}.")
    if where == str(logins.file):
        reason = f" (the keyring was not used: {no_keyring})" if no_keyring else ""
        print(f"That file is not encrypted; only your user can read it{reason}. posthog-cli uses it too.")
    if variable := config.key_variable():
        print(f"{variable} is set here and wins over this login: unset it to use the login.", file=sys.stderr)
    describe_key(config.PostHogSettings(settings.host, key, grant.project, "login", settings.http_proxy))
    return 0


def run_logout(options: argparse.Namespace) -> int:
    """Remove the login."""
    logins = Logins()
    note = logins.note()
    removed = logins.remove(of_posthog_cli=options.of_posthog_cli)
    for place in removed:
        print(f"The login was removed from {place}.")
    if not removed and logins.file.exists():
        print(
            f"{logins.file} holds a login that posthog-cli made. To remove it: mcp-errortracking logout --posthog-cli"
        )
        return EXIT_PROBLEM
    if not removed:
        print("There is no login.")
        return 0
    host = note.host if note is not None else config.DEFAULT_HOST
    name = f' "{note.label}"' if note is not None and note.label else ""
    print(f"The key{name} still works until you delete it at {_keys_page(host)}")
    return 0


def _settings(options: argparse.Namespace, logins: Logins) -> PostHogSettings:
    """Return the settings of the host that is named, or of the login before, or that a person chooses."""
    settings, is_named = config.load_address(**given(options, PostHogSettings))
    if is_named:
        return settings
    note = logins.note()
    host = note.host if note is not None else _ask_host()
    return config.load_address(None, **given(options, PostHogSettings) | {"host": host})[0]


def _ask_host() -> str:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return config.DEFAULT_HOST
    answer = _asked(input, "PostHog: us, eu, or the address of your own [us]: ")
    known = {"": config.DEFAULT_HOST, "us": config.DEFAULT_HOST, "eu": "https://eu.posthog.com"}
    try:
        return known.get(answer.lower()) or config.read_host(answer)
    except ValueError as error:
        raise ConfigError(f"The address {error}") from None


def _asked(ask: Callable[[str], str], question: str) -> str:
    try:
        return ask(question).strip()
    except EOFError:  # Ctrl-D
        raise KeyboardInterrupt from None


def _other_login(logins: Logins, host: str, options: argparse.Namespace) -> str:
    """Return the refusal to overwrite a login of posthog-cli for another host; "" if there is none."""
    note = logins.note()
    if options.replace or options.store == "keyring" or (note is not None and note.place == "keyring"):
        return ""
    before = logins.find()
    if before is None or not before.host or before.host.rstrip("/") == host or before.source.startswith("mcp-"):
        return ""
    return (
        f"{logins.file} holds a login of posthog-cli for {before.host}, which this login may replace. Add --replace, "
        "or set POSTHOG_HOME to another folder."
    )


def _by_device(settings: PostHogSettings, options: argparse.Namespace) -> "Grant | int":
    import anyio

    from mcp_errortracking.compose import proxy_for
    from mcp_errortracking.proxy.device_login import request_code, wait_for_grant
    from mcp_errortracking.proxy.errors import PostHogError

    async def log_in() -> "Grant":
        async with proxy_for(settings) as proxy:
            code = await request_code(proxy, options.preset)
            print(
                f"Your code: {code.user_code}\n\nOpen this page, compare the code, choose the project, and authorize:"
            )
            print(f"  {code.page}\n", flush=True)
            if not options.no_browser and not _open(code.page):
                print("No browser could be opened here. Any browser will do, also on another machine.")
            print("To use alerts too, set hog_function to write on that page.")
            print(f"Waiting for {code.seconds // 60 or 1} minutes at most. Ctrl-C cancels.", flush=True)
            return await wait_for_grant(proxy, code, lambda line: print(line, file=sys.stderr))

    try:
        return anyio.run(log_in)
    except PostHogError as error:
        print(f"mcp-errortracking: {error}", file=sys.stderr)
        return EXIT_PROBLEM
    except KeyboardInterrupt:
        print("\nmcp-errortracking: Cancelled. Nothing was stored.", file=sys.stderr)
        raise


def _open(page: str) -> bool:
    try:
        browser = webbrowser.get()
        return getattr(browser, "name", "") not in _TEXT_BROWSERS and browser.open(page)
    except (webbrowser.Error, OSError):
        return False


def _own_key(settings: PostHogSettings) -> "Grant | int":
    """Read a key, and check that PostHog accepts it."""
    import anyio
    from pydantic import SecretStr

    from mcp_errortracking.compose import proxy_for
    from mcp_errortracking.proxy.device_login import PRESET_PAGE, Grant
    from mcp_errortracking.proxy.errors import PostHogError, UnauthorizedError, UnreachableError
    from mcp_errortracking.proxy.key_facts import read_key_facts

    if sys.stdin.isatty():
        print(f"Create a key at {settings.host}{PRESET_PAGE}")
        text = _asked(getpass.getpass, "Personal API key (not shown): ")
    else:
        text = sys.stdin.readline(_MOST_KEY).strip()
    try:
        key = config.read_key(text) if text else None
    except ValueError as error:
        return fail(f"The key {error}")
    if key is None:
        return fail("No key was given, so nothing was stored.")

    async def check() -> str:
        async with proxy_for(config.PostHogSettings(settings.host, key, http_proxy=settings.http_proxy)) as proxy:
            facts = await read_key_facts(proxy)
            return facts.label if facts is not None else ""

    try:
        label = anyio.run(check)
    except (UnauthorizedError, UnreachableError) as error:
        print(f"mcp-errortracking: {error.explanation.reason} Nothing was stored.", file=sys.stderr)
        return EXIT_PROBLEM
    except PostHogError as error:
        print(f"mcp-errortracking: {error} Nothing was stored.", file=sys.stderr)
        return EXIT_PROBLEM
    return Grant(SecretStr(key.get_secret_value()), settings.project, label)


def _store(logins: Logins, login: Login, place: Place, *, fall_back: bool) -> str:
    """Store a login and return the place. A keyring that fails after it was tried gives way to the file."""
    try:
        left = logins.save(login, place)
    except ConfigError as error:
        if place == "file" or not fall_back:
            raise
        print(f"mcp-errortracking: {error} It goes into the file instead.", file=sys.stderr)
        place = "file"
        left = logins.save(login, place)
    if left:
        print(f"mcp-errortracking: {left} Unlock it, and remove its entry mcp-errortracking.", file=sys.stderr)
    return "the keyring of this system" if place == "keyring" else str(logins.file)


def _keys_page(host: str) -> str:
    from mcp_errortracking.proxy.device_login import KEYS_PAGE

    return f"{host}{KEYS_PAGE}"
