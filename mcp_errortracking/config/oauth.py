"""The settings of OAuth: the authorization server whose tokens callers present, and the rights that its scopes give."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mcp_errortracking.config.posthog import LOOPBACK
from mcp_errortracking.config.settings import collect_values, setting, settings_of
from mcp_errortracking.config.values import ConfigError, read_names, secret
from mcp_errortracking.posthog_keys import looks_like_key

if TYPE_CHECKING:
    from pydantic import SecretStr

_SCOPE = re.compile(r"[!#-\[\]-~]{1,200}")
"""RFC 6749, 3.3."""
_GRANT = re.compile(r"[a-z0-9_-]+(:read)?")
_EXAMPLE = "https://login.example"
READ, WRITE = "read", "write"
"""The grants that are not the name of a toolset."""


def read_https(text: str) -> str:
    """Read the address of a server that must use TLS, unless it is on this machine. The text is kept as it is."""
    text = text.strip()
    if looks_like_key(text):
        raise ValueError(f"holds a key where an address belongs: give one like {_EXAMPLE}")
    try:
        parts = urlsplit(text)
        is_whole = parts.scheme in ("https", "http") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_whole = False
        parts = urlsplit("")
    if not is_whole or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(f"is not a valid address: give one like {_EXAMPLE}")
    if parts.username is not None or parts.password is not None:
        raise ValueError("holds a user name or password: give only the address")
    if parts.query or parts.fragment:
        raise ValueError(f"has a query or a fragment: give an address like {_EXAMPLE}")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError("must begin with https://: without TLS, others on the network could change its answers")
    return text


def _read_audiences(text: str) -> tuple[str, ...]:
    names = read_names(text)
    if any(looks_like_key(name) for name in names):
        raise ValueError("holds a key where the name of an audience belongs")
    return names


def _read_client_id(text: str) -> str:
    if looks_like_key(text):
        raise ValueError("holds a key where the id of a client belongs")
    return text.strip()


@dataclass(frozen=True, slots=True)
class ScopeGrant:
    """A scope of a token and the tools that it gives: `read`, `write`, a toolset, or the reads of a toolset."""

    scope: str
    grant: str


def _read_scopes(text: str) -> tuple[ScopeGrant, ...]:
    """Read scopes with their grants, like `errors:read=read,errors:write=write`."""
    found = list[ScopeGrant]()
    for name in read_names(text):
        scope, _, grant = name.rpartition("=") if "=" in name else (name, "", WRITE)
        if looks_like_key(name) or not _SCOPE.fullmatch(scope) or not _GRANT.fullmatch(grant):
            raise ValueError(
                "must hold SCOPE=GRANT, separated by commas, with the grant read, write, a toolset like alerts, or "
                "alerts:read"
            )
        found.append(ScopeGrant(scope, grant))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class OAuthSettings:
    """Callers present tokens of an authorization server. Without an issuer, there is no OAuth.

    `audience`: the values of `aud` of which a token must have one. `resource`: the URL of this server that clients use.
    """

    issuer: str | None = setting(
        None,
        option="--oauth-issuer",
        variable="MCP_OAUTH_ISSUER",
        metavar="URL",
        read=read_https,
        help="accept access tokens of this authorization server; write it exactly as in the iss of its tokens",
    )
    audience: tuple[str, ...] = setting(
        (),
        option="--oauth-audience",
        variable="MCP_OAUTH_AUDIENCE",
        metavar="NAMES",
        read=_read_audiences,
        help="the aud that a token must have; the address of this server's /mcp, if the authorization server allows it",
    )
    scopes: tuple[ScopeGrant, ...] = setting(
        (),
        option="--oauth-scopes",
        variable="MCP_OAUTH_SCOPES",
        metavar="SCOPE=GRANT",
        read=_read_scopes,
        default_text="every token gives every tool on offer",
        help="the tools that each scope gives: read, write, or a toolset; like errors:read=read,errors:write=write",
    )
    resource: str | None = setting(
        None,
        option="--oauth-resource",
        variable="MCP_OAUTH_RESOURCE",
        metavar="URL",
        read=read_https,
        default_text="the audience, if it is an address",
        help="the address of this server that clients use, like https://mcp.example/mcp",
    )
    jwks: str | None = setting(
        None,
        option="--oauth-jwks",
        variable="MCP_OAUTH_JWKS",
        metavar="URL",
        read=read_https,
        default_text="the jwks_uri of the issuer's metadata",
        help="the signing keys of the issuer",
    )
    introspection: str | None = setting(
        None,
        option="--oauth-introspection",
        variable="MCP_OAUTH_INTROSPECTION",
        metavar="URL",
        read=read_https,
        help="ask this address about each token (RFC 7662), for tokens that are not signed JWTs",
    )
    client_id: str | None = setting(
        None,
        option="--oauth-client-id",
        variable="MCP_OAUTH_CLIENT_ID",
        metavar="ID",
        read=_read_client_id,
        help="this server's own client at the authorization server, for introspection",
    )
    client_secret: "SecretStr | None" = setting(
        None,
        variable="MCP_OAUTH_CLIENT_SECRET",
        read=secret,
        help="the secret of that client",
    )

    @property
    def is_on(self) -> bool:
        """True if callers may present tokens of an authorization server."""
        return self.issuer is not None

    @property
    def resource_url(self) -> str | None:
        """The address of this server that clients use; None without OAuth, or if it is not known."""
        addresses = (name for name in self.audience if name.startswith(("https://", "http://")))
        return None if self.issuer is None else self.resource or next(addresses, None)

    @property
    def resource_host(self) -> str | None:
        """The name of this server that clients use."""
        return urlsplit(self.resource_url).hostname if self.resource_url else None

    def check(self) -> None:
        """Check that the settings fit together.

        Raises:
            ConfigError: one is missing, or two contradict each other.
        """
        if self.issuer is None:
            if others := [one.variable for one in settings_of(OAuthSettings) if getattr(self, one.field)]:
                raise ConfigError(f"{others[0]} is set without an issuer: set MCP_OAUTH_ISSUER, or unset {others[0]}.")
            return
        if not self.audience:
            raise ConfigError(
                "MCP_OAUTH_ISSUER is set without an audience, and tokens for other services must not be accepted: set "
                "MCP_OAUTH_AUDIENCE to the aud of tokens for this server."
            )
        if self.resource_url is None:
            raise ConfigError(
                "MCP_OAUTH_AUDIENCE is not an address, so clients cannot find this server's metadata: set "
                "MCP_OAUTH_RESOURCE to the address that they use, like https://mcp.example/mcp."
            )
        if self.jwks and self.introspection:
            raise ConfigError(
                "MCP_OAUTH_JWKS and MCP_OAUTH_INTROSPECTION are both set: keep the first for tokens that are signed "
                "JWTs, the second for others."
            )
        if len({bool(one) for one in (self.introspection, self.client_id, self.client_secret)}) > 1:
            raise ConfigError(
                "MCP_OAUTH_INTROSPECTION, MCP_OAUTH_CLIENT_ID and MCP_OAUTH_CLIENT_SECRET belong together: set all "
                "three, or none."
            )


def load_oauth(environ: Mapping[str, str] | None = None, **given: Any) -> OAuthSettings:
    """Return the settings that options (`given`, by field) and variables make.

    Raises:
        ConfigError: a value is wrong.
    """
    return OAuthSettings(**collect_values(OAuthSettings, given, os.environ if environ is None else environ))
