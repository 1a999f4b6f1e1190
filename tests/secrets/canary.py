"""A key that sings: not in the shape of PostHog's, so that nothing hides it which would not hide every key."""

import base64
from urllib.parse import quote

from tests.proxy.fault_server import Reply, http

KEY = "kanarie7Q4xR9tLmZ2vB8nWc"
TOKEN = "vogel5Jk3Hs8Yd1Pf6GaXe0Uq"
SEED = {
    "projects": [{"id": 1, "name": "Web"}],
    "users": [{"id": 12, "email": "ada@shop.example", "current_project": 1, "projects": [1]}],
    "keys": [{"value": KEY, "label": "everything", "user": 12, "scopes": ["*"]}],
    "assignment_rules": [{"filters": {"type": "AND", "values": []}, "assignee": {"type": "user", "id": 12}}],
}
"""A sandbox that knows the key."""


def forms(secret: str) -> dict[str, bytes]:
    """The forms in which a secret can be found: halves stand for the whole."""
    raw = secret.encode()
    half = len(secret) // 2
    found = {
        "the first half": raw[:half],
        "the second half": raw[half:],
        "reversed": raw[::-1],
        "hexadecimal": raw.hex().encode(),
        "percent-encoded": "".join(f"%{byte:02X}" for byte in raw).encode(),
        "JSON escapes": "".join(f"\\u{byte:04x}" for byte in raw).encode(),
    }
    for lead in range(3):  # what stands before it shifts the letters of base 64
        encoded = base64.b64encode(b"x" * lead + raw)
        found[f"base 64, shifted by {lead}"] = encoded[4:-4]
    return found


def leaks(output: bytes, *secrets: str) -> list[str]:
    """Return the places where an output holds a secret, with its form and the text around it; empty if nowhere."""
    lowered = output.lower()
    return [
        f"{name}: ...{output[max(0, at - 60) : at + 60]!r}..."
        for secret in secrets
        for name, form in forms(secret).items()
        if (at := lowered.find(form.lower())) >= 0
    ]


def hostile_answers() -> list[Reply]:
    """Answers of gateways that repeat the request's key."""
    told = {"type": "x", "code": KEY, "detail": f"bad token Bearer {KEY}", "attr": KEY}
    page = f"<html>Authorization: Bearer {KEY}</html>".encode()
    return [
        http(200, {"results": [{"id": "a", "name": KEY, KEY: 1}], "count": 1}),
        *(http(status, told) for status in (400, 401, 403, 404, 409, 500)),
        http(404, page, kind="text/html"),
        http(200, page, kind=f"text/{KEY}"),
        http(200, b'{"broken": "' + KEY.encode()),
        http(302, Location=f"https://{KEY}.example/?key={quote(KEY)}"),
    ]
