"""Compressed copies beside the files of a build, which servers send in their place: `.gz`, `.br`, `.zst`."""

import gzip
import shlex
import zlib

ENDINGS = (".gz", ".zst", ".br")
_BEST = 9
_GZIP = zlib.MAX_WBITS | 16  # zlib's name for the format


def is_copy(ending: str, compressed: bytes, content: bytes) -> bool:
    """True if a compressed copy certainly has this content. Brotli cannot be read here."""
    if ending == ".gz":
        try:
            return zlib.decompressobj(_GZIP).decompress(compressed, len(content) + 1) == content
        except zlib.error:
            return False
    if ending == ".zst":
        import zstandard

        try:
            with zstandard.ZstdDecompressor().stream_reader(compressed) as reader:
                return reader.read(len(content) + 1) == content
        except zstandard.ZstdError:
            return False
    return False


def compress(ending: str, content: bytes) -> bytes:
    """Return a compressed copy, the same for the same content."""
    if ending == ".gz":
        return gzip.compress(content, _BEST, mtime=0)
    import zstandard

    return zstandard.compress(content, level=_BEST)


def command_for(ending: str, name: str) -> str:
    """Return the shell command that compresses a file again."""
    program = {".gz": "gzip -9 -k -f", ".zst": "zstd -f", ".br": "brotli -f"}[ending]
    return f"{program} -- {shlex.quote(name)}"
