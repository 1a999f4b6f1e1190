"""Words for the errors of sockets, by the numbers of Windows too."""

import errno
import os
import socket

import pytest

from mcp_errortracking.system.network_errors import words_for


def test_the_words_are_those_of_this_system() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with socket.socket() as client, pytest.raises(ConnectionRefusedError) as refused:
            client.connect(closed.getsockname())

    assert words_for(refused.value) == "Connection refused"
    assert words_for(OSError(errno.EPIPE, "x")) == os.strerror(errno.EPIPE)
    assert words_for(OSError("no number")) == ""
    assert words_for(OSError(99_999, "x")) == ""


def test_the_numbers_of_windows_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(errno.errorcode, 10061, "WSAECONNREFUSED")
    monkeypatch.setattr(os, "strerror", lambda _: "Unknown error")

    assert words_for(OSError(10061, "[WinError 1225] ...")) == "Connection refused"
