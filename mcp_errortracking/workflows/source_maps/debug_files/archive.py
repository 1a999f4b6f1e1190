"""The ZIP that PostHog takes of a debug file: the entry `dwarf` (contract 5.1).

The entry is not compressed in the ZIP: the container is, and so the content hash does not depend on the version of
zlib.
"""

import io
import zipfile

MAX_IMAGE = 256 * 1024 * 1024
"""Bytes of one debug file or architecture, which are held in memory. Compressed they must fit PostHog's limit."""
_TIME = (1980, 1, 1, 0, 0, 0)  # the same bytes for the same content
_MODE = 0o100644 << 16


def zipped(content: bytes) -> bytes:
    """Return the ZIP with a debug file of one architecture."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as packed:
        entry = zipfile.ZipInfo("dwarf", _TIME)
        entry.create_system, entry.external_attr = 3, _MODE  # as on every system
        packed.writestr(entry, content)
    return target.getvalue()
