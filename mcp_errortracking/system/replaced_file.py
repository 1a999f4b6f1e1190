"""The replacement of a small file in one step: a reader sees the old content or the new one, never a part."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from mcp_errortracking.system.regular_file import check_regular
from mcp_errortracking.system.replacement import delete, replace


def replace_file(path: Path, content: bytes, *, mode: int) -> None:
    """Write the content into a new file with these permissions and put it in the place of the old one.

    A symbolic link stays: the file that it leads to is replaced. The folder must exist.

    Raises:
        OSError: nothing was replaced; also if there is something else than a regular file.
    """
    target = Path(os.path.realpath(path))
    with suppress(FileNotFoundError):
        check_regular(target)
    part = target.with_name(f".{target.name}.{secrets.token_hex(6)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(mode)  # the umask may have narrowed it
        replace(part, target)
    except BaseException:
        with suppress(OSError):
            delete(part)
        raise


def is_writable(folder: Path) -> bool:
    """True if a file can be made in a folder. The folder is created if only it is missing."""
    probe = folder / f".probe-{secrets.token_hex(6)}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        probe.unlink()
    except OSError:
        return False
    return True
