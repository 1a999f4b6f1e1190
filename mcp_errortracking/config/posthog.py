"""The settings of PostHog: address, key, project, forward proxy."""

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from mcp_errortracking.config.logins import Logins
from mcp_errortracking.config.settings import collect_values, read_value, setting
from mcp_errortracking.config.user_folders import state_folder
from mcp_errortracking.config.values import (
    Choice,
    ConfigError,
    Secret,
    Switch,
    mismatch,
    read_journal,
    read_store,
    value,
)
from mcp_errortracking.posthog_keys import UNUSABLE, looks_like_key

if TYPE_CHECKING:
    from pydantic import SecretStr

logger = logging.getLogger(__name__)

DEFAULT_HOST = "https://us.posthog.com"
DEFAULT_PROJECT = "@current"

_WHERE_TO_GET_A_KEY = "create a personal API key (phx_...) in PostHog's Settings, Personal API keys"
_API_HOSTS = {
    "us.i.posthog.com": DEFAULT_HOST,
    "eu.i.posthog.com": "https://eu.posthog.com",
    "app.i.posthog.com": DEFAULT_HOST,
    "app.posthog.com": DEFAULT_HOST,
    "posthog.com": DEFAULT_HOST,
}
"""Other hosts of PostHog Cloud that users configure, and the one that serves the API."""
_PLACEHOLDER = re.compile(r"(phx_)?([xX.*_-]*|(your|my|insert)[a-z_-]*)|.*(\.\.\.|<|>).*")
_QUOTES = tuple("\"'`\u2018\u2019\u201c\u201d")
_BROKEN_SCHEME = re.compile(r"(https?)(?::/?|//?)([^/:].*)", re.IGNORECASE)
LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""Names and addresses of this machine."""


CLI_VARIABLES = (
    "POSTHOG_CLI_API_KEY",
    "POSTHOG_CLI_TOKEN",
    "POSTHOG_CLI_HOST",
    "POSTHOG_CLI_PROJECT_ID",
    "POSTHOG_CLI_ENV_ID",
    "POSTHOG_HOME",
)
"""Variables of posthog-cli, read where this server's own are not set."""


def read_host(text: str) -> str:
    """Read a host as an origin: scheme, name and port, nothing else."""
    text = text.strip()
    if not text:
        raise ValueError(f"is empty: give an address like {DEFAULT_HOST}")
    if looks_like_key(text):
        raise ValueError(f"holds a key where an address belongs: give one like {DEFAULT_HOST}")
    if _is_quoted(text):
        raise ValueError("has quotes around its value: leave them out")
    if "://" not in text:
        if broken := _BROKEN_SCHEME.fullmatch(text):
            raise ValueError(f"is mistyped: write {broken[1].lower()}://{broken[2][:200]}")
        raise ValueError(f"lacks its scheme: write https://{text[:200]}")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(f"is not a valid address: give one like {DEFAULT_HOST}") from None
    if parts.scheme not in ("https", "http"):
        raise ValueError(f"must begin with https://, like {DEFAULT_HOST}")
    hostname = parts.hostname or ""
    if not re.fullmatch(r"[A-Za-z0-9._:%-]+", hostname):
        raise ValueError(f"has no host name: give an address like {DEFAULT_HOST}")
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"holds a user name or password: give only the address, like {DEFAULT_HOST}")
    shown = f"[{hostname}]" if ":" in hostname else hostname
    origin = _API_HOSTS.get(hostname) or f"{parts.scheme}://{shown}{f':{port}' if port else ''}"
    if parts.path.strip("/") or parts.query or parts.fragment:
        project = re.match(r"/(?:project|environment)/(\d+)", parts.path)
        also = f", and POSTHOG_PROJECT_ID={project[1]}" if project else ""
        raise ValueError(f"is more than an address: use {origin}{also}")
    if hostname in _API_HOSTS:
        logger.warning("%s does not serve this API: using %s", hostname, origin)
    return origin


def read_key(text: str) -> Secret:
    """Read a personal API key."""
    if _is_quoted(text):
        raise ValueError("has quotes around it: leave them out")
    for prefix, kind in UNUSABLE.items():
        if text.startswith(prefix):
            raise ValueError(f"({prefix}...) is {kind}: {_WHERE_TO_GET_A_KEY}")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("holds characters that no key has: copy it again")
    if _PLACEHOLDER.fullmatch(text):
        raise ValueError(f"is a placeholder: {_WHERE_TO_GET_A_KEY}")
    return Secret(text)


def read_project(text: str) -> str:
    """Read a project: its number, or `@current`."""
    text = text.strip()
    if text == DEFAULT_PROJECT or re.fullmatch(r"[1-9]\d{0,17}", text):
        return text
    if looks_like_key(text):
        raise ValueError("holds a key where a number belongs: it is the 123 in /project/123, or @current")
    raise mismatch("a project number (the 123 in https://us.posthog.com/project/123) or @current", text)


def _is_quoted(text: str) -> bool:
    """True if the quotes of an `.env` file or of a shell became a part of the value."""
    return text[:1] in _QUOTES or text[-1:] in _QUOTES


@dataclass(frozen=True, slots=True)
class PostHogSettings:
    """The PostHog to call: its address, the key and the project."""

    host: str = setting(
        DEFAULT_HOST,
        option="--host",
        variable="POSTHOG_HOST",
        metavar="URL",
        read=read_host,
        help="address of PostHog; EU Cloud: https://eu.posthog.com",
    )
    key: Secret | None = setting(
        None,
        variable="POSTHOG_PERSONAL_API_KEY",
        read=read_key,
        help="personal API key with the scopes error_tracking:read and error_tracking:write",
    )
    project: str = setting(
        DEFAULT_PROJECT,
        option="--project",
        variable="POSTHOG_PROJECT_ID",
        metavar="ID",
        read=read_project,
        default_text="@current, the current project of the key's user",
        help="number of the project",
    )
    source: str = "nowhere: none is configured"
    """The place where the key was found."""
    http_proxy: str | None = field(default=None, repr=False)
    """Its address may hold a user name and password."""
    release_mode: str = setting(
        "event",
        variable="POSTHOG_RELEASE_MODE",
        read=Choice("event", "symbol-set"),
        help="source of an exception's release after source-maps upload, unless --release-mode names one",
    )
    # Contract 1.6. None: known from the host, or from its answers.
    rate_limited: bool | None = setting(
        None,
        variable="POSTHOG_RATE_LIMITS",
        read=Switch(),
        default_text="known for Cloud; elsewhere detected from the first 429",
        help="PostHog limits requests per key",
    )
    shared_limits: "SecretStr | None" = setting(
        None,
        option="--shared-limits",
        variable="MCP_SHARED_LIMITS",
        metavar="URL",
        read=read_store,
        help="address of a Redis or Valkey server in which replicas share the limits of their keys, like "
        "redis://localhost:6379/0; use the variable for an address with a password",
    )
    journal: Path | Literal["off"] | None = setting(
        None,
        option="--journal",
        variable="MCP_JOURNAL",
        metavar="PATH",
        read=read_journal,
        default_text="in the user's state folder; off with --caller-keys and --sandbox",
        help="file in which changes are recorded, so that they can be listed and undone; off: none",
    )

    def journal_file(self) -> Path | None:
        """Return the file of the journal, which may not exist; None if changes are not recorded."""
        if self.journal == "off":
            return None
        if self.journal is not None:
            return self.journal
        folder = state_folder()
        return folder and folder / "changes.db"


@dataclass(frozen=True, slots=True)
class _Credentials:
    """The credentials of one source. `host` is the only host that its key may be sent to, if the source names one."""

    source: str
    key: Secret
    host: str | None = None
    project: str | None = None


def load_posthog(
    environ: Mapping[str, str] | None = None, *, home: Path | None = None, keyless: bool = False, **given: Any
) -> PostHogSettings:
    """Return the settings, by precedence: the command line, `POSTHOG_*`, `posthog-cli`'s variables, then a login: in
    the keyring, or in the file of posthog-cli.

    A key that comes from `posthog-cli` or from a login is only ever sent to the host that came with it.

    Args:
        home: the user's home folder, if not the one of the environment.
        keyless: for a server whose callers bring their own keys: it must not hold a key, and does not look for one.
        given: options, by field.

    Raises:
        ConfigError: a value is wrong.
    """
    environ = os.environ if environ is None else environ
    if keyless and (name := key_variable(environ)):
        raise ConfigError(f"{name} is set, but with callers' own keys this server must hold none: unset it.")
    values = collect_values(PostHogSettings, given, environ)
    if keyless:
        return _complete({"journal": "off"} | values | {"source": "each caller"})
    found = _find(values.get("key"), environ, home)
    if found is None:
        return _complete(values)
    host = values.get("host")
    if found.host is not None and host is not None and found.host != host:
        name = "--host" if given.get("host") else "POSTHOG_HOST"
        raise ConfigError(
            f"{name} is {host}, but the only key found ({found.source}) is for {found.host}: "
            f"set POSTHOG_PERSONAL_API_KEY to a key of {host}, or leave {name} out."
        )
    if found.host is not None:
        values["host"] = found.host
    if found.project is not None and "project" not in values:
        values["project"] = read_value(read_project, found.project, f"The project in {found.source}")
    return _complete(values | {"key": found.key, "source": found.source})


def load_address(environ: Mapping[str, str] | None = None, **given: Any) -> tuple[PostHogSettings, bool]:
    """Return the settings without a key, for a login; and True if an option or a variable names the host.

    Raises:
        ConfigError: a value is wrong.
    """
    values = collect_values(PostHogSettings, given, os.environ if environ is None else environ)
    return _complete({**values, "key": None}), "host" in values


def key_variable(environ: Mapping[str, str] | None = None) -> str | None:
    """Return the name of the variable that gives a key and so wins over a login; None if none does."""
    environ = os.environ if environ is None else environ
    names = ("POSTHOG_PERSONAL_API_KEY", "POSTHOG_CLI_API_KEY", "POSTHOG_CLI_TOKEN")
    return next((name for name in names if value(environ, name)), None)


def for_sandbox(
    url: str, key: str | None, project: int, *, journal: Path | Literal["off"] | None = None
) -> PostHogSettings:
    """Return the settings for a sandbox that was started for this run; `key` is None if callers bring their own."""
    source = "the sandbox" if key else "each caller"
    return PostHogSettings(url, Secret(key) if key else None, str(project), source, journal=journal or "off")


def _complete(values: dict[str, Any]) -> PostHogSettings:
    """Return the settings with the forward proxy for their host; warn if the key would travel unencrypted."""
    settings = PostHogSettings(**values)
    parts = urlsplit(settings.host)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK and settings.key is not None:
        logger.warning("%s is plain http: the API key travels unencrypted", settings.host)
    return replace(settings, http_proxy=http_proxy_for(settings.host))


def _find(key: Secret | None, environ: Mapping[str, str], home: Path | None) -> _Credentials | None:
    if key is not None:
        return _Credentials("environment variable POSTHOG_PERSONAL_API_KEY", key)
    if text := value(environ, "POSTHOG_CLI_API_KEY", "POSTHOG_CLI_TOKEN"):
        host = value(environ, "POSTHOG_CLI_HOST") or DEFAULT_HOST
        project = value(environ, "POSTHOG_CLI_PROJECT_ID", "POSTHOG_CLI_ENV_ID")
        return _read_credentials("the environment variables of posthog-cli", text, host, project)
    login = Logins(environ, home).find()
    if login is None:
        return None
    return _read_credentials(login.source, login.key.get_secret_value(), login.host or DEFAULT_HOST, login.project)


def _read_credentials(source: str, key: str, host: str, project: str | None) -> _Credentials:
    """Read the credentials of a login, or of `posthog-cli`."""
    checked_key = read_value(read_key, key, f"The key in {source}")
    return _Credentials(source, checked_key, read_value(read_host, host, f"The host in {source}"), project)


def http_proxy_for(url: str) -> str | None:
    """Return the forward proxy that the system names for an address, by variables such as `HTTPS_PROXY` and `NO_PROXY`.

    Raises:
        ConfigError: it is not an HTTP proxy.
    """
    from urllib.request import getproxies, proxy_bypass

    host = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(host.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(host.netloc):
        return None
    if urlsplit(proxy).scheme not in ("http", "https"):
        raise ConfigError(
            f"The proxy in {host.scheme.upper()}_PROXY or ALL_PROXY is not an HTTP proxy, the only kind supported: set "
            f"one that begins with http://, or add {host.hostname} to NO_PROXY."
        )
    return proxy
