"""The facts that a token states about its caller, from the claims of a JWT or from the answer of introspection."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from mcp_errortracking.oauth.errors import TokenRefusedError

LEEWAY = 60
"""Seconds by which the clocks of two servers may differ."""
WRONG_AUDIENCE = "The token was issued for another audience."

_CLIENT_CLAIMS = ("client_id", "azp", "cid", "appid")
"""Names of the claim with the client: RFC 9068, OpenID Connect, Okta, Entra ID 1.0."""
_SCOPE_CLAIMS = ("scope", "scp")
_MOST_SCOPES = 1000
_LONGEST_NAME = 500


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """The facts of an accepted token. `expires_at`: seconds since 1970, with the leeway; None: it does not say."""

    issuer: str
    client: str
    subject: str
    scopes: frozenset[str]
    expires_at: int | None


def facts_of(claims: Mapping[str, Any], issuer: str, expires_at: int | None) -> TokenFacts:
    """Return the facts in the claims of a token that is genuine and was issued for this server.

    Raises:
        TokenRefusedError: the token is not an access token, names nobody, or needs a proof that is not checked here.
    """
    if "cnf" in claims:
        raise TokenRefusedError("The token is bound to a key of its client, and this server takes bearer tokens only.")
    if claims.get("token_use") == "id" or claims.get("typ") in ("ID", "Refresh", "Offline", "Logout"):
        raise TokenRefusedError("The token is not an access token.")
    client = next((name for claim in _CLIENT_CLAIMS if (name := _name(claims.get(claim)))), "")
    subject = _name(claims.get("sub")) or client
    if not subject:
        raise TokenRefusedError("The token names neither a subject nor a client.")
    return TokenFacts(issuer, client or subject, subject, _scopes(claims), expires_at)


def is_for(audience: object, accepted: Sequence[str]) -> bool:
    """True if the `aud` of a token, a name or a list of names, has one that is accepted."""
    names = cast("list[object]", audience) if isinstance(audience, list) else [audience]
    return any(name in accepted for name in names if isinstance(name, str))


def _scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    """Return the scopes: of a person's token its `scope` or `scp`, of a program's in Entra ID its `roles`."""
    named = [claims[claim] for claim in _SCOPE_CLAIMS if claim in claims] or [claims.get("roles")]
    found = set[str]()
    for value in named:
        names = (
            value.split(" ") if isinstance(value, str) else cast("list[Any]", value) if isinstance(value, list) else []
        )
        found |= {name for name in names[:_MOST_SCOPES] if isinstance(name, str) and name}
    return frozenset(found)


def _name(value: object) -> str:
    """Return a name as it is: two names that begin alike are of two callers.

    Raises:
        TokenRefusedError: it is too long, or has half of a character.
    """
    name = value if isinstance(value, str) else ""
    if len(name) > _LONGEST_NAME or any("\ud800" <= one <= "\udfff" for one in name):
        raise TokenRefusedError(
            f"The token has a subject or client that is no text of at most {_LONGEST_NAME} characters."
        )
    return name
