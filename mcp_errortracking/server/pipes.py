"""Sockets in place of descriptors that an event loop cannot read or write: a thread copies each.

Those are files and terminals, and on Windows pipes too.
"""

import os
import socket
import stat
import sys
import threading

_PIECE = 64 * 1024


def is_pipe(descriptor: int) -> bool:
    """True if an event loop can use the descriptor itself."""
    if sys.platform == "win32":
        return False
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


class CopiedPipe:
    """One end of a pair of sockets, and the thread that copies between its other end and a descriptor."""

    def __init__(self, descriptor: int, *, reads: bool) -> None:
        """
        Args:
            reads: the event loop reads what comes from the descriptor; False: it writes what goes to it.
        """
        if sys.platform == "win32":
            import msvcrt

            msvcrt.setmode(descriptor, os.O_BINARY)
        self.end, other = socket.socketpair()
        self.end.setblocking(False)
        # A daemon: a read from a terminal can only be ended by the end of the process.
        self._thread = threading.Thread(target=_copy_in if reads else _copy_out, args=(descriptor, other), daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait until everything is copied; the socket must have been closed."""
        self._thread.join()


def _copy_in(source: int, target: socket.socket) -> None:
    try:
        while data := os.read(source, _PIECE):
            target.sendall(data)
    except OSError:
        pass  # the other side is gone, which closing the socket reports
    finally:
        os.close(source)
        target.close()


def _copy_out(target: int, source: socket.socket) -> None:
    try:
        while data := source.recv(_PIECE):
            while data:
                data = data[os.write(target, data) :]
    except OSError:
        pass
    finally:
        os.close(target)
        source.close()
