"""Files proper. A pipe can keep a reader waiting for ever, and a device must be neither read nor replaced."""

import errno
import os
import stat
from pathlib import Path


def check_regular(path: Path) -> None:
    """Check a file, or the one that a symbolic link leads to.

    Raises:
        OSError: it does not exist, or is a folder, a pipe, a socket or a device.
    """
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "Not a regular file", str(path))


def read_regular(path: Path, most: int) -> bytes:
    """Return the beginning of a file.

    Args:
        most: the number of bytes.

    Raises:
        OSError: it cannot be read, or is not a regular file.
    """
    check_regular(path)
    with path.open("rb") as file:
        return file.read(most)
