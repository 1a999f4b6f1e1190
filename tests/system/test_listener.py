"""Sockets that listen: exclusive on every system. That of Windows is asked for on a fake socket."""

import socket
import sys

import pytest

from mcp_errortracking.system import listener


def test_a_second_program_cannot_have_the_port() -> None:
    with listener.bind("127.0.0.1", 0, 5) as first, pytest.raises(OSError, match=r"in use|one usage|forbidden"):
        listener.bind("127.0.0.1", first.getsockname()[1], 5)


@pytest.mark.skipif(sys.platform == "win32", reason="an exclusive port may wait for its old connections there")
def test_a_port_is_free_again_at_once() -> None:
    with listener.bind("127.0.0.1", 0, 5) as first:
        port = first.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            first.accept()[0].close()
    with listener.bind("127.0.0.1", port, 5) as second:
        assert second.getsockname() == ("127.0.0.1", port)


def test_windows_is_asked_for_an_exclusive_port(monkeypatch: pytest.MonkeyPatch) -> None:
    options = list[tuple[int, int, object]]()

    class Noted(socket.socket):
        def setsockopt(self, *words: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
            options.append(words)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(socket, "socket", Noted)
    monkeypatch.setattr(socket, "SO_EXCLUSIVEADDRUSE", -5, raising=False)
    monkeypatch.setattr(sys, "platform", "win32")

    listener.bind("127.0.0.1", 0).close()

    assert options == [(socket.SOL_SOCKET, -5, 1)]


def test_a_port_that_is_refused_leaves_no_socket_open(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = list[socket.socket]()

    class Noted(socket.socket):
        def __init__(self, *words: int) -> None:
            super().__init__(*words)
            opened.append(self)

    monkeypatch.setattr(socket, "socket", Noted)
    with pytest.raises(OverflowError):
        listener.bind("127.0.0.1", 70_000)

    assert [one.fileno() for one in opened] == [-1]
