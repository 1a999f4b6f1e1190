"""Signed access tokens: JWTs, checked with the public keys of their issuer (RFC 9068, RFC 8725)."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import jwt

from mcp_errortracking.oauth.errors import TokenRefusedError
from mcp_errortracking.oauth.facts import LEEWAY, WRONG_AUDIENCE, TokenFacts, facts_of
from mcp_errortracking.oauth.signing_keys import ALGORITHMS, SigningKeys
from mcp_errortracking.verdicts import Verdicts

LONGEST = 16 * 1024
"""Characters of a token."""
ACCEPTED_SECONDS = 60.0
_TYPES = ("jwt", "at+jwt", "application/at+jwt", "application/jwt")
_MALFORMED = "The token is not a valid JWT."
_REASONS: list[tuple[type[Exception], str]] = [
    (jwt.ExpiredSignatureError, "The token has expired."),
    (jwt.ImmatureSignatureError, "The token is not valid yet."),
    (jwt.InvalidAudienceError, WRONG_AUDIENCE),
    (jwt.InvalidIssuerError, "The token is of another issuer."),
    (jwt.InvalidSignatureError, "The signature of the token is wrong."),
    (jwt.InvalidKeyError, "The signature of the token is wrong."),
]
_REQUIRED = {"exp": "The token has no expiry (exp).", "aud": WRONG_AUDIENCE, "iss": "The token names no issuer."}


class SignedTokens:
    """Checks JWTs of one issuer for one of these audiences.

    An accepted token is known by its digest for a minute, because checking a signature takes hundreds of microseconds.

    Args:
        clock: seconds that never go back. `now`: seconds since 1970.
    """

    def __init__(
        self,
        keys: SigningKeys,
        issuer: str,
        audience: Sequence[str],
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = tuple(audience)
        self._now = now
        self._accepted = Verdicts[TokenFacts](clock)

    async def verify(self, token: str) -> TokenFacts:
        """Return the facts of a token.

        Raises:
            TokenRefusedError: it is not a valid token for this server.
            IssuerError: it cannot be checked now.
        """
        if len(token) > LONGEST:
            raise TokenRefusedError(f"The token is longer than {LONGEST} characters.")
        digest = self._accepted.digest(token)
        known = self._accepted.get(digest)
        if known is not None and known.expires_at is not None and self._now() < known.expires_at:
            return known
        facts = await self._check(token)
        self._accepted.add(digest, facts, ACCEPTED_SECONDS, is_good=True)
        return facts

    async def _check(self, token: str) -> TokenFacts:
        header = _header_of(token)
        algorithm, key_id = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
            raise TokenRefusedError("The token is not signed with an algorithm that this server accepts.")
        if str(header.get("typ", "JWT")).lower() not in _TYPES:
            raise TokenRefusedError("The token is not an access token.")
        key = await self._keys.find(key_id, algorithm)
        if key is None:
            raise TokenRefusedError("The token is signed with a key that its issuer does not publish.")
        claims = self._decode(token, key.key, algorithm)
        return facts_of(claims, self._issuer, int(claims["exp"]) + LEEWAY)

    async def warm_up(self) -> None:
        """Read the keys, so that a wrong setting is logged at the start."""
        await self._keys.refresh()

    async def examine(self) -> str:
        """Return what the issuer answers, for a check of the settings.

        Raises:
            IssuerError: its keys cannot be read.
        """
        count = await self._keys.count()
        return f"{self._issuer} publishes {count} signing key{'' if count == 1 else 's'}"

    def _decode(self, token: str, key: Any, algorithm: str) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY,
                options={"require": ["exp", "aud", "iss"]},
            )
        except jwt.MissingRequiredClaimError as error:
            raise TokenRefusedError(_REQUIRED[error.claim]) from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            reasons = (text for kind, text in _REASONS if isinstance(error, kind))
            raise TokenRefusedError(next(reasons, _MALFORMED)) from None


def _header_of(token: str) -> dict[str, Any]:
    """Return the header of a JWT, which nothing vouches for yet."""
    try:
        return jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise TokenRefusedError(_MALFORMED) from None
