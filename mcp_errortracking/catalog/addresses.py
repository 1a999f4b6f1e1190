"""The addresses of pages in PostHog: that of an issue, and that of a fingerprint (contract 4.4)."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

_PAGE = re.compile(
    r"https?://[^\s?#/]+(?:/[^\s?#/]+){0,8}?/error_tracking/"
    r"(?:fingerprint/(?P<fingerprint>[^\s?#/]+)|(?P<issue>[0-9a-fA-F-]{32,36}))(?:[/?#]\S*)?"
)
_PROJECT = re.compile(r"https?://[^\s?#/]+/(?:[^\s?#/]+/){0,4}?project/(\d{1,12})/")
_MAX_URL = 4000


@dataclass(frozen=True, slots=True)
class Address:
    """A page of one issue: its id, or a fingerprint of it; and the project that the address names, if it names one."""

    issue: str | None
    fingerprint: str | None
    project: str | None


def read_address(value: Any) -> Address | None:
    """Return the page of an address; None for any other value."""
    if not isinstance(value, str) or len(value) > _MAX_URL or not value.strip().isprintable():
        return None
    page = _PAGE.fullmatch(value.strip())
    if page is None:
        return None
    project = _PROJECT.match(value.strip())
    fingerprint = page["fingerprint"]
    return Address(page["issue"], unquote(fingerprint) if fingerprint else None, project[1] if project else None)
