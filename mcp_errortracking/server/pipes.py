"""Pipes in place of files and terminals, which an event loop cannot read or write: a thread copies each."""

import os
import stat
import threading

_PIECE = 64 * 1024


def is_pipe(descriptor: int) -> bool:
    """True if an event loop can use the descriptor itself."""
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


class CopiedPipe:
    """One end of a pipe, and the thread that copies between its other end and a descriptor."""

    def __init__(self, descriptor: int, *, reads: bool) -> None:
        """
        Args:
            reads: the event loop reads what comes from the descriptor; False: it writes what goes to it.
        """
        readable, writable = os.pipe()
        self.end = readable if reads else writable
        source, target = (descriptor, writable) if reads else (readable, descriptor)
        # A daemon: a read from a terminal can only be ended by the end of the process.
        self._thread = threading.Thread(target=_copy, args=(source, target), daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait until everything is copied; the pipe must have been closed."""
        self._thread.join()


def _copy(source: int, target: int) -> None:
    try:
        while data := os.read(source, _PIECE):
            while data:
                data = data[os.write(target, data) :]
    except OSError:
        pass  # the other side is gone, which closing the pipe reports
    finally:
        os.close(source)
        os.close(target)
