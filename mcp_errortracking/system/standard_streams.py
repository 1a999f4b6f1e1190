"""The standard streams of a command: UTF-8 on every system.

Python takes the encoding of the system's settings: on Windows a code page of a few hundred characters, in which the
names of people and files cannot be written.
"""

import codecs
import errno
import io
import sys


def use_utf8() -> None:
    """Write stdout and stderr in UTF-8, and escaped what has no encoding."""
    for stream in (sys.stdout, sys.stderr):  # None if one is closed
        if isinstance(stream, io.TextIOWrapper) and codecs.lookup(stream.encoding).name != "utf-8":
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def is_broken_pipe(error: OSError) -> bool:
    """True if the reader of our output has left; Windows calls that an invalid argument."""
    return isinstance(error, BrokenPipeError) or (
        sys.platform == "win32" and error.errno == errno.EINVAL and error.filename is None
    )


def read_stdin() -> str:
    """Return the text on stdin, which is UTF-8; or UTF-16 if it begins with a mark, as PowerShell may write it.

    Raises:
        UnicodeDecodeError: it is in another encoding.
    """
    content = sys.stdin.buffer.read()
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return io.TextIOWrapper(io.BytesIO(content), "utf-16" if utf16 else "utf-8-sig").read()
