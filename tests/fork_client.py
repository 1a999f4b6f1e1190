"""A command that is run by the fork server, with the streams of this process: `fork_client.py SOCKET WORD...`.

For clients that start a command of their own, as the SDK's does over stdio. It imports little, or it would cost as much
as what it saves.
"""

import json
import os
import socket
import sys
from collections.abc import Mapping, Sequence


def request(
    server: str, words: Sequence[str], environment: Mapping[str, str], folder: str, streams: Sequence[int]
) -> socket.socket:
    """Ask for a process. Return a connection, on which its id comes, and at its end its exit code, a line each."""
    content = json.dumps({"words": list(words), "environment": dict(environment), "folder": folder}).encode()
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(server)
    socket.send_fds(connection, [len(content).to_bytes(4, "big")], streams)
    connection.sendall(content)
    return connection


if __name__ == "__main__":
    with (
        request(sys.argv[1], sys.argv[2:], os.environ, os.getcwd(), (0, 1, 2)) as asked,
        asked.makefile("rb") as report,
    ):
        report.readline()
        code = int(report.readline())
    sys.exit(code if code >= 0 else 128 - code)
