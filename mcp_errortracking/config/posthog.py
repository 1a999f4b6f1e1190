"""Where PostHog is, with which key, and which project."""

import json
import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import SplitResult, urlsplit

from mcp_errortracking.config.values import (
    ConfigError,
    from_variables,
    secret,
    switch,
    value,
)
from mcp_errortracking.posthog_keys import UNUSABLE, looks_like_key

if TYPE_CHECKING:
    from pydantic import SecretStr

logger = logging.getLogger(__name__)

DEFAULT_HOST = "https://us.posthog.com"
DEFAULT_PROJECT = "@current"

_WHERE_TO_GET_A_KEY = "create a personal API key (phx_...) in PostHog's Settings, Personal API keys"
_MOVED = {
    "us.i.posthog.com": DEFAULT_HOST,
    "eu.i.posthog.com": "https://eu.posthog.com",
    "app.i.posthog.com": DEFAULT_HOST,
    "app.posthog.com": DEFAULT_HOST,
    "posthog.com": DEFAULT_HOST,
}
_PLACEHOLDER = re.compile(r"(phx_)?([xX.*_-]*|(your|my|insert)[a-z_-]*)|.*(\.\.\.|<|>).*")
_QUOTES = tuple("\"'`\u2018\u2019\u201c\u201d")
_BROKEN_SCHEME = re.compile(r"(https?)(?::/?|//?)([^/:].*)", re.IGNORECASE)
LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""What this machine calls itself."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where and as whom PostHog is called. `source` says where the key was found."""

    host: str
    key: "SecretStr | None"
    project: str
    source: str
    http_proxy: str | None = field(default=None, repr=False)
    """Its address may hold a user name and password."""
    paced: bool | None = None
    """Whether PostHog limits requests (contract 1.6); None: as is known of the host, or as its answers tell."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What one source holds. `host` is where its key may be sent, as far as the source says."""

    source: str
    key: str = field(repr=False)
    host: str | None
    project: str | None


def load(
    *,
    host: str | None = None,
    project: str | None = None,
    environ: Mapping[str, str] | None = None,
    home: Path | None = None,
    keyless: bool = False,
) -> Settings:
    """The settings, by precedence: the command line, `POSTHOG_*`, what `posthog-cli` left in its variables or its file.

    A key that comes from `posthog-cli` is only ever sent to the host that came with it.

    Args:
        host: of the command line.
        project: of the command line.
        home: the user's home folder, if not the one of the environment.
        keyless: for a server whose callers bring their own keys: it must hold none, and looks for none.

    Raises:
        ConfigError: a value is wrong.
    """
    environ = os.environ if environ is None else environ
    if keyless:
        return _load_keyless(host, project, environ)
    chosen_host = host or value(environ, "POSTHOG_HOST")
    name = "--host" if host else "POSTHOG_HOST"
    chosen = _origin(chosen_host, name) if chosen_host else None
    found = _find(environ, home)
    if found is None:
        return _settings(chosen or DEFAULT_HOST, None, project, environ, "nowhere: none is configured")
    own = _origin(found.host, f"the host of {found.source}") if found.host else None
    if own is not None and chosen is not None and own != chosen:
        raise ConfigError(
            f"{name} is {chosen}, but the only key found ({found.source}) is for {own}: "
            f"set POSTHOG_PERSONAL_API_KEY to a key of {chosen}, or leave {name} out."
        )
    return _settings(chosen or own or DEFAULT_HOST, found, project, environ, found.source)


def for_sandbox(url: str, key: str | None, project: int) -> Settings:
    """The settings to use a sandbox that was started for this run; `key` is None where callers bring their own."""
    return Settings(url, secret(key) if key else None, str(project), "the sandbox" if key else "each caller")


def _load_keyless(host: str | None, project: str | None, environ: Mapping[str, str]) -> Settings:
    for name in ("POSTHOG_PERSONAL_API_KEY", "POSTHOG_CLI_API_KEY", "POSTHOG_CLI_TOKEN"):
        if value(environ, name):
            raise ConfigError(f"{name} is set, but with callers' own keys this server must hold none: unset it.")
    chosen = host or value(environ, "POSTHOG_HOST")
    origin = _origin(chosen, "--host" if host else "POSTHOG_HOST") if chosen else DEFAULT_HOST
    return _settings(origin, None, project, environ, "each caller")


def _settings(
    host: str, found: _Found | None, project: str | None, environ: Mapping[str, str], source: str
) -> Settings:
    own_project = found.project if found else None
    chosen = project or value(environ, "POSTHOG_PROJECT_ID") or own_project or DEFAULT_PROJECT
    key = secret(_checked_key(found.key, found.source)) if found else None
    parts = urlsplit(host)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK and key is not None:
        logger.warning("%s is plain http: the API key travels unencrypted", host)
    paced = from_variables({"paced": ("POSTHOG_RATE_LIMITS", switch)}, {}, environ).get("paced")
    return Settings(host, key, _checked_project(chosen), source, _http_proxy(parts), paced)


def _find(environ: Mapping[str, str], home: Path | None) -> _Found | None:
    if key := value(environ, "POSTHOG_PERSONAL_API_KEY"):
        return _Found("environment variable POSTHOG_PERSONAL_API_KEY", key, None, None)
    if key := value(environ, "POSTHOG_CLI_API_KEY", "POSTHOG_CLI_TOKEN"):
        host = value(environ, "POSTHOG_CLI_HOST") or DEFAULT_HOST
        project = value(environ, "POSTHOG_CLI_PROJECT_ID", "POSTHOG_CLI_ENV_ID")
        return _Found("the environment variables of posthog-cli", key, host, project)
    return _find_in_file((home or Path(environ.get("HOME") or Path.home())) / ".posthog" / "credentials.json")


def _find_in_file(path: Path) -> _Found | None:
    """What `posthog-cli login` left: `{"host": ..., "token": ..., "env_id": ...}`."""
    try:
        content = path.read_text("utf-8")
        readable_by_others = path.stat().st_mode & 0o077
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        logger.warning("the credentials of posthog-cli in %s cannot be read (%s)", path, type(error).__name__)
        return None
    try:
        data: Any = json.loads(content)
    except ValueError:
        data = None
    fields = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
    token = fields.get("token")
    if not isinstance(token, str) or not token.strip():
        logger.warning("%s holds no credentials of posthog-cli; log in again with: posthog-cli login", path)
        return None
    if readable_by_others and os.name == "posix":
        logger.warning("%s can be read by others on this machine; mend it with: chmod 600 %s", path, path)
    project = fields.get("env_id") or fields.get("project_id")
    host = fields.get("host")
    return _Found(
        f"posthog-cli login ({path})",
        token.strip(),
        host if isinstance(host, str) and host else DEFAULT_HOST,
        str(project) if isinstance(project, str | int) else None,
    )


def _origin(text: str, name: str) -> str:
    """A host as an origin: scheme, name and port, nothing else."""
    text = text.strip()
    if looks_like_key(text):
        raise ConfigError(f"{name} holds a key where an address belongs: give one like {DEFAULT_HOST}")
    if _is_quoted(text):
        raise ConfigError(f"{name} has quotes around its value: leave them out.")
    if "://" not in text:
        if broken := _BROKEN_SCHEME.fullmatch(text):
            raise ConfigError(f"{name} is mistyped: write {broken[1].lower()}://{broken[2][:200]}")
        raise ConfigError(f"{name} lacks its scheme: write https://{text[:200]}")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ConfigError(f"{name} is not a valid address: give one like {DEFAULT_HOST}") from None
    if parts.scheme not in ("https", "http"):
        raise ConfigError(f"{name} must begin with https://, like {DEFAULT_HOST}")
    hostname = parts.hostname or ""
    if not re.fullmatch(r"[A-Za-z0-9._:%-]+", hostname):
        raise ConfigError(f"{name} names no host: give an address like {DEFAULT_HOST}")
    if parts.username is not None or parts.password is not None:
        raise ConfigError(f"{name} holds a user name or password: give the address alone, like {DEFAULT_HOST}")
    if moved := _MOVED.get(hostname):
        raise ConfigError(f"{name} is {hostname}, where this API is not served: use {moved}")
    shown = f"[{hostname}]" if ":" in hostname else hostname
    origin = f"{parts.scheme}://{shown}{f':{port}' if port else ''}"
    if parts.path.strip("/") or parts.query or parts.fragment:
        project = re.match(r"/(?:project|environment)/(\d+)", parts.path)
        also = f", and POSTHOG_PROJECT_ID={project[1]}" if project else ""
        raise ConfigError(f"{name} is more than an address: use {origin}{also}")
    return origin


def _is_quoted(text: str) -> bool:
    """Whether the quotes of an `.env` or of a shell became a part of the value."""
    return text[:1] in _QUOTES or text[-1:] in _QUOTES


def _checked_key(key: str, source: str) -> str:
    if _is_quoted(key):
        raise ConfigError(f"The key in {source} has quotes around it: leave them out.")
    for prefix, kind in UNUSABLE.items():
        if key.startswith(prefix):
            raise ConfigError(f"The key in {source} ({prefix}...) is {kind}: {_WHERE_TO_GET_A_KEY}.")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError(f"The key in {source} holds characters that no key has: copy it again.")
    if _PLACEHOLDER.fullmatch(key):
        raise ConfigError(f"The key in {source} is a placeholder: {_WHERE_TO_GET_A_KEY}.")
    return key


def _checked_project(project: str) -> str:
    project = project.strip()
    if project == DEFAULT_PROJECT or re.fullmatch(r"[1-9]\d{0,17}", project):
        return project
    if looks_like_key(project):
        raise ConfigError("The project holds a key where a number belongs: it is the 123 in /project/123, or @current.")
    raise ConfigError(
        f"The project {project[:60]!r} is no number: it is the 123 in https://us.posthog.com/project/123, or @current."
    )


def _http_proxy(host: SplitResult) -> str | None:
    """The forward proxy that the system names for a host, by the usual variables (`HTTPS_PROXY`, `NO_PROXY`, ...).

    Raises:
        ConfigError: it is no HTTP proxy.
    """
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    proxy = proxies.get(host.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(host.netloc):
        return None
    if urlsplit(proxy).scheme not in ("http", "https"):
        raise ConfigError(
            f"The proxy in {host.scheme.upper()}_PROXY or ALL_PROXY is no HTTP proxy, the only kind supported: set one "
            f"that begins with http://, or add {host.hostname} to NO_PROXY."
        )
    return proxy
