"""The pages as documents: `frame.html`, with the shared style and script, and with the script of the page."""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

from mcp_errortracking.server.apps.pages import PAGES, TITLES, uri_of

_FOLDER = Path(__file__).parent
_MARK = re.compile(r"/\* (title|shared\.css|shared\.js|page\.js) \*/")
_INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)


@cache
def document(page: str) -> str:
    """Return a page as one HTML document that loads nothing."""
    files = {"title": TITLES[page], "page.js": read(f"{page}.js")}
    return _MARK.sub(lambda mark: files.get(mark[1]) or read(mark[1]), read("frame.html"))


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
