"""Compressed copies beside the files of a build, which servers send in their place: `.gz`, `.br`, `.zst`."""

import gzip
import shlex
import zlib
from contextlib import suppress
from typing import Any

ENDINGS = (".gz", ".zst", ".br")
_BEST = 9
_BEST_BROTLI = 11
_LARGE = 4 * 1024 * 1024
"""Bytes up to which the best quality of Brotli is used, which takes about two seconds for a megabyte."""
_GZIP = zlib.MAX_WBITS | 16  # zlib's name for the format


def is_supported(ending: str) -> bool:
    """True if copies of this kind can be read and made: Brotli needs an extra."""
    return ending != ".br" or _brotli() is not None


def is_copy(ending: str, compressed: bytes, content: bytes) -> bool:
    """True if a compressed copy certainly has this content. No more is decompressed than the content's size."""
    if ending == ".gz":
        with suppress(zlib.error):
            return zlib.decompressobj(_GZIP).decompress(compressed, len(content) + 1) == content
    elif ending == ".zst":
        import zstandard

        with suppress(zstandard.ZstdError), zstandard.ZstdDecompressor().stream_reader(compressed) as reader:
            return reader.read(len(content) + 1) == content
    elif brotli := _brotli():
        decompressor = brotli.Decompressor()
        with suppress(brotli.error):
            pieces = [decompressor.process(compressed, output_buffer_limit=len(content) + 1)]
            while pieces[-1] and sum(map(len, pieces)) <= len(content):
                pieces.append(decompressor.process(b"", output_buffer_limit=len(content) + 1))
            return bool(decompressor.is_finished()) and b"".join(pieces) == content
    return False


def compress(ending: str, content: bytes) -> bytes:
    """Return a compressed copy of a supported kind, the same for the same content."""
    if ending == ".gz":
        return gzip.compress(content, _BEST, mtime=0)
    if ending == ".zst":
        import zstandard

        return zstandard.compress(content, level=_BEST)
    return _brotli().compress(content, quality=_BEST_BROTLI if len(content) <= _LARGE else _BEST)


def hint(ending: str) -> str:
    """Return a sentence, after a space, on the extra that copies of a kind need; an empty text if it is installed."""
    if is_supported(ending):
        return ""
    return f' To have {ending} copies made here, install the extra: pip install "mcp_errortracking[brotli]".'


def command_for(ending: str, name: str) -> str:
    """Return the shell command that compresses a file again."""
    program = {".gz": "gzip -9 -k -f", ".zst": "zstd -f", ".br": "brotli -f"}[ending]
    return f"{program} -- {shlex.quote(name)}"


def _brotli() -> Any:
    """Return the library of the extra `brotli`; None without it."""
    try:
        import brotli  # pyright: ignore[reportMissingTypeStubs]
    except ImportError:
        return None
    return brotli
