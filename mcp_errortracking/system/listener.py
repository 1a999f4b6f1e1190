"""Sockets that listen for connections."""

import socket
import sys


def bind(address: str, port: int, backlog: int | None = None) -> socket.socket:
    """Return a socket that is bound to a port which no other program shares.

    Args:
        backlog: listen, with this many connections waiting; None: only bind.

    Raises:
        OSError, OverflowError: the port cannot be used.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # With the protocol named, asyncio turns off Nagle's algorithm, which would delay each answer by some 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # On Windows, SO_REUSEADDR would let another program take the port too, and so would leaving it out.
        option = socket.SO_EXCLUSIVEADDRUSE if sys.platform == "win32" else socket.SO_REUSEADDR
        listener.setsockopt(socket.SOL_SOCKET, option, 1)
        listener.bind((address, port))
        if backlog is not None:
            listener.listen(backlog)
    except BaseException:
        listener.close()
        raise
    return listener
