"""A change of a client's configuration file: with a backup, in one step, and never over somebody else's change."""

import os
import stat
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from mcp_errortracking.system.regular_file import read_regular
from mcp_errortracking.system.replaced_file import replace_file

_MOST_BYTES = 5 * 1024 * 1024
_TRIES = 3
_LOCK_TRIES, _LOCK_PAUSE = 300, 0.1
"""Tries to lock a folder, and the seconds between two."""


class ConfigFileError(Exception):
    """The file was not changed; the text says why, as a whole sentence with the next step."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A change that was made. `backup`: None if there was no file before."""

    path: Path
    backup: Path | None


def change_file(path: Path, edit: Callable[[str], str], *, secret: bool = False) -> Changed | None:
    """Change a file, and return the change; None if it is as wanted. A symbolic link stays one.

    Args:
        edit: returns the new text; it may be called again if another program changed the file meanwhile.
        secret: the new text holds a key: only the user may read the file.

    Raises:
        ConfigFileError: nothing was changed.
    """
    target = Path(os.path.realpath(path))
    if path.is_symlink() and not target.exists():
        raise ConfigFileError(f"{path} is a link to {target}, which does not exist. Nothing was changed.")
    try:
        with _locked(target.parent):
            for _ in range(_TRIES):
                before = _read(target)
                text = edit(_decoded(before or b"", path))
                after = text.encode()
                if after == (before or b""):
                    return None
                _check_writable(target)
                mode = 0o600 if secret or before is None else stat.S_IMODE(target.stat().st_mode)
                backup = None if before is None else _back_up(target, before)
                if _read(target) == before:
                    replace_file(target, after, mode=mode)
                    return Changed(path, backup)
                if backup is not None:
                    backup.unlink()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        advice = "Close the client and repeat, or make the file writable." if isinstance(error, PermissionError) else ""
        raise ConfigFileError(f"{path} cannot be changed: {reason}. Nothing was changed. {advice}".rstrip()) from None
    raise ConfigFileError(f"{path} is being changed by another program. Close the client and repeat.")


def read_text(path: Path) -> str:
    """Return the text of a file, "" if it does not exist.

    Raises:
        ConfigFileError: it cannot be read.
    """
    try:
        return _decoded(_read(path) or b"", path)
    except OSError as error:
        raise ConfigFileError(f"{path} cannot be read: {error.strerror}.") from None


def _read(path: Path) -> bytes | None:
    try:
        content = read_regular(path, _MOST_BYTES + 1)
    except FileNotFoundError:
        return None
    if len(content) > _MOST_BYTES:
        raise ConfigFileError(f"{path} is larger than 5 MB: it is not a configuration file. Nothing was changed.")
    return content


def _decoded(content: bytes, path: Path) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigFileError(f"{path} is not UTF-8. Nothing was changed. Save it as UTF-8, and repeat.") from None


def _check_writable(path: Path) -> None:
    """
    Raises:
        ConfigFileError: the file is read-only. It could be replaced, but its owner does not want it changed.
    """
    if path.exists() and not path.stat().st_mode & stat.S_IWUSR:
        raise ConfigFileError(f"{path} is read-only. Nothing was changed. Make it writable, and repeat.")


def _back_up(path: Path, content: bytes) -> Path:
    """Write a copy beside the file, as readable as the file itself, and return its path."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    for number in range(1000):
        backup = path.with_name(f"{path.name}.{stamp}{f'-{number}' if number else ''}.bak")
        try:
            descriptor = os.open(backup, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IMODE(path.stat().st_mode))
        except FileExistsError:
            continue
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        return backup
    raise ConfigFileError(f"There are too many backups beside {path}. Remove some, and repeat.")


@contextmanager
def _locked(folder: Path) -> Generator[None]:
    """Wait until no other installation works in the folder; on Windows a folder cannot be locked.

    Raises:
        ConfigFileError: another one did not end.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        for _ in range(_LOCK_TRIES):
            with suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            time.sleep(_LOCK_PAUSE)
        else:
            raise ConfigFileError(f"Another program has locked {folder}. Nothing was changed. End it, and repeat.")
        yield
    finally:
        os.close(descriptor)
