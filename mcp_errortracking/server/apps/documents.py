"""The pages as documents: one file a page, into which the shared style and script are put."""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

from mcp_errortracking.server.apps.pages import PAGES, uri_of

_FOLDER = Path(__file__).parent
_MARKS = {"/* shared.css */": "shared.css", "/* shared.js */": "shared.js"}
_INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)


@cache
def document(page: str) -> str:
    """Return a page as one HTML document that loads nothing."""
    text = read(f"{page}.html")
    for mark, file in _MARKS.items():
        text = text.replace(mark, read(file))
    return text


def document_at(uri: str) -> str | None:
    """Return the page of a resource's URI; None if it is not the URI of a page."""
    page = next((page for page in PAGES if uri_of(page) == uri), None)
    return None if page is None else document(page)


@cache
def read(file: str) -> str:
    """Return the content of a file beside the pages."""
    return (_FOLDER / file).read_text("utf-8")


def hashes(*documents: str) -> dict[str, list[str]]:
    """Return the sources of a Content-Security-Policy that allow what stands in these documents, by directive."""
    found: dict[str, list[str]] = {"script": [], "style": []}
    for text in documents:
        for kind, content in _INLINE.findall(text):
            source = f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
            if source not in found[kind]:
                found[kind].append(source)
    return found
