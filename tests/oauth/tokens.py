"""Keys of an issuer and tokens signed with them."""

import base64
import json
import time
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER = "https://login.example/realms/acme"
AUDIENCE = "https://mcp.example/mcp"


def private_key(name: str) -> Any:
    """Return the private key of that name: `rsa...`, `ec...` or `ed...`. Most names share one, as making it is slow."""
    return _make(name if name in ("rsa-weak", "rsa-other") else name[:3])


@cache
def _make(name: str) -> Any:
    if name.startswith("rsa"):
        return rsa.generate_private_key(65537, 1024 if name == "rsa-weak" else 2048)
    return ec.generate_private_key(ec.SECP256R1()) if name.startswith("ec") else ed25519.Ed25519PrivateKey.generate()


def jwk(name: str, **more: Any) -> dict[str, Any]:
    """Return the public key as a JWK, with its name as its id; None leaves a member out."""
    public = private_key(name).public_key()
    algorithm = {"r": RSAAlgorithm, "c": ECAlgorithm, "d": OKPAlgorithm}[name[0] if name[0] == "r" else name[1]]
    data = json.loads(algorithm.to_jwk(public)) | {"kid": name, "use": "sig"} | more
    return {member: value for member, value in data.items() if value is not None}


def jwks(*names: str) -> dict[str, Any]:
    return {"keys": [jwk(name) for name in names]}


def claims(**more: Any) -> dict[str, Any]:
    """Return the claims of a good token, changed by `more`; None leaves a claim out."""
    now = int(time.time())
    usual = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "client_id": "agent", "iat": now, "exp": now + 86_400}
    return {name: value for name, value in (usual | more).items() if value is not None}


def sign(name: str = "rsa", algorithm: str = "", header: dict[str, Any] | None = None, **more: Any) -> str:
    """Return a token that the key of that name signed."""
    fitting = algorithm or {"r": "RS256", "c": "ES256", "d": "EdDSA"}[name[0] if name[0] == "r" else name[1]]
    named = {member: value for member, value in ({"kid": name} | (header or {})).items() if value is not None}
    return jwt.encode(claims(**more), private_key(name), fitting, named)


def forge(header: dict[str, Any] | bytes, payload: dict[str, Any], signature: bytes = b"") -> str:
    """Return a token with any header and any signature."""
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    parts = (head, json.dumps(payload).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
