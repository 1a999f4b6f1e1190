"""Connections of test servers: read a request, or break the connection."""

import socket
import struct
from dataclasses import dataclass


@dataclass
class Received:
    """A request that was read."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


def read_request(connection: socket.socket) -> Received | None:
    """Return the next request, or None if the client hangs up before its end."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (piece := connection.recv(65536)):
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        if not (piece := connection.recv(65536)):
            return None
        body += piece
    method, target, _ = first.split(" ")
    return Received(method, target, headers, body)


def reset(connection: socket.socket) -> None:
    """Close a connection with a reset, so that it breaks rather than ends."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
