"""The parts of a chunk that change with each release, although its code does not: left out of the content hash.

PostHog's build plugins write the release id into a bundle before the bundler names it by its content. So every bundle
gets a new name in every release, and the names stand in other bundles, in `sourceMappingURL` and in the map's `file`.
Frames are resolved without them. PostHog's command line leaves them out since September 2026 (contract 5.2).
"""

import re

_RELEASE = re.compile(
    rb"(_posthogReleaseId[\"'`]?\]?\s{0,9}"
    rb"(?:=\s{0,9}[\w$.\[\]\"'`]{1,80}\s{0,9})?(?:\|\||\?\?)=?\s{0,9})([\"'`])[\w-]{1,128}\2"
)
_HEAD = 64 * 1024
_SCRIPT = re.compile(rb"\.[mc]?js(?![\w$\x80-\xff])")
_OF_PATHS = bytes(one for one in range(256) if one >= 0x80 or chr(one).isalnum() or one in b"_$-./~@+")
_LONGEST_PATH = 512
_FILE = re.compile(rb'(?<!\\)("file"\s{0,9}:\s{0,9}")([^"\\]{1,1024})"')
_TOKEN = b"\x01file-path\x01"


def names_release(head: bytes) -> bool:
    """True if a script, by its beginning, sets the release id that PostHog's SDK sends."""
    return b"_posthogReleaseId" in head[:_HEAD] and _RELEASE.search(head, 0, _HEAD) is not None


def source_without_release(source: bytes) -> bytes:
    """Return a script without its release id and without the paths of scripts."""
    return _without_paths(_RELEASE.sub(rb"\1", source, count=1))


def map_without_release(source_map: bytes) -> bytes:
    """Return a map without the paths of scripts in its `file`; its sources keep theirs."""
    return _FILE.sub(lambda found: found[1] + _without_paths(found[2]) + b'"', source_map)


def _without_paths(text: bytes) -> bytes:
    pieces, copied = list[bytes](), 0
    for found in _SCRIPT.finditer(text):
        first = max(copied, found.start() - _LONGEST_PATH)
        start = first + len(text[first : found.start()].rstrip(_OF_PATHS))
        if start < found.start():
            pieces += [text[copied:start], _TOKEN]
            copied = found.end()
    return b"".join([*pieces, text[copied:]])
