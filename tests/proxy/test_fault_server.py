"""The test server itself: it must not hang when a client does."""

import socket

import pytest

from tests.proxy.fault_server import FaultServer, http


@pytest.mark.parametrize("sent", [b"", b"POST / HT", b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf"])
def test_a_client_that_hangs_up_within_a_request_ends_its_connection(sent: bytes) -> None:
    with FaultServer([http(200)]) as server:
        address = server.url.removeprefix("http://").split(":")
        with socket.create_connection((address[0], int(address[1]))) as client:
            client.sendall(sent)

        assert server.hung_up.acquire(timeout=10)
        assert server.received == []
