"""The list of public files in a server: their sizes and ETags.

Nitro (Nuxt, SolidStart, Analog, TanStack Start) writes an object of entries by path. SvelteKit's adapter for Node
writes pairs of a path and an entry, as JSON in a string. Both servers send the recorded size as
`Content-Length`: a file that has grown arrives cut off.
"""

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

_QUOTE = rb"""(\\?["'])"""
_QUOTE_OR_NONE = rb"""(\\?["']|)"""
_ENTRY = re.compile(_QUOTE + rb"""(?P<key>/[^"'\\\n{}]{1,1000})\1\s{0,20}[:,]\s{0,20}\{(?P<body>[^{}]{1,2000})\}""")
_SIZE = re.compile(rb"(?<![\w$])" + _QUOTE_OR_NONE + rb"size\1\s{0,20}:\s{0,20}(?P<size>\d{1,12})(?![\w.])")
_COPY_SIZE = re.compile(
    rb"(?<![\w$])" + _QUOTE_OR_NONE + rb"(?P<kind>gz|br|zst)\1\s{0,20}:\s{0,20}(?P<size>\d{1,12})(?![\w.])"
)
_PATH = re.compile(
    rb"(?<![\w$])"
    + _QUOTE_OR_NONE
    + rb"(?:path|file)\1\s{0,20}:\s{0,20}"
    + rb"""(\\?["'])(?P<path>[^"'\\\n]{1,1000})\2"""
)
_ETAG = re.compile(rb"(?<![\w$])" + _QUOTE_OR_NONE + rb"etag\1\s{0,20}:")
_LINE_REST = re.compile(rb"[\s,;})\]\"']*")


@dataclass(frozen=True, slots=True)
class RecordedSize:
    """A file's size in a manifest. `name`: the path that the entry gives the file; `start`, `end`: of the number."""

    name: PurePosixPath
    size: int
    start: int
    end: int
    ends_its_line: bool
    """True if no code follows in its line, so that a longer number moves no code that a source map maps."""

    def is_of(self, path: PurePosixPath) -> bool:
        """True if an entry may be of a file: its path ends with that of the entry."""
        return path.parts[-len(self.name.parts) :] == self.name.parts


def find_sizes(text: bytes) -> Iterator[RecordedSize]:
    """Yield the recorded sizes of a server's public files."""
    if b"etag" not in text or b"size" not in text:
        return
    for entry in _ENTRY.finditer(text):
        body, at = entry["body"], entry.start("body")
        size, path = _SIZE.search(body), _PATH.search(body)
        if not size or not _ETAG.search(body):
            continue
        name = _below(path["path"] if path else entry["key"])
        yield _recorded(text, name, size, at)
        for copy in _COPY_SIZE.finditer(body):
            yield _recorded(text, name.with_name(f"{name.name}.{copy['kind'].decode()}"), copy, at)


def _recorded(text: bytes, name: PurePosixPath, size: re.Match[bytes], at: int) -> RecordedSize:
    """Return a size that was matched in the entry that begins at an offset of the text."""
    line_end = text.find(b"\n", at + size.end())
    return RecordedSize(
        name,
        int(size["size"]),
        at + size.start("size"),
        at + size.end("size"),
        _LINE_REST.fullmatch(text, at + size.end(), line_end if line_end >= 0 else len(text)) is not None,
    )


def with_size(text: bytes, path: PurePosixPath, old: bytes, new: bytes) -> bytes:
    """Return a manifest with the size of a changed file, and with its ETag if that has the usual form."""
    pieces, at = list[bytes](), 0
    for recorded in find_sizes(text):
        if recorded.size == len(old) != len(new) and recorded.is_of(path):
            pieces += [text[at : recorded.start], str(len(new)).encode()]
            at = recorded.end
    return b"".join((*pieces, text[at:])).replace(_etag(old), _etag(new))


def _below(name: bytes) -> PurePosixPath:
    """Return a name without the parts that lead to its folder."""
    parts = PurePosixPath(name.decode("utf-8", "replace")).parts
    return PurePosixPath(*(part for part in parts if part not in ("/", "..")))


def _etag(content: bytes) -> bytes:
    """Return the tag as the package `etag` makes it: the size in hex, and a SHA-1."""
    digest = hashlib.sha1(content, usedforsecurity=False).digest()
    return b"%x-%s" % (len(content), base64.b64encode(digest).rstrip(b"="))
