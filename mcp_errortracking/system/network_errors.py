"""Words for the errors of sockets, the same on every system."""

import errno
import os

_WORDS = {
    "ECONNREFUSED": "Connection refused",
    "ECONNRESET": "Connection reset by peer",
    "ECONNABORTED": "Connection aborted",
    "ETIMEDOUT": "Connection timed out",
    "EHOSTUNREACH": "No route to host",
    "ENETUNREACH": "Network is unreachable",
    "ENETDOWN": "Network is down",
    "EADDRNOTAVAIL": "Cannot assign requested address",
    "ENOBUFS": "No buffer space available",
}


def words_for(error: OSError) -> str:
    """Return the words for the number of an error; "" if it has none that the system knows.

    The text that the error brings may name addresses. On Windows, `os.strerror` does not know the numbers of sockets.
    """
    name = errno.errorcode.get(error.errno or 0)
    if name is None:
        return ""
    return _WORDS.get(name.removeprefix("WSA")) or os.strerror(error.errno or 0)
