"""The choice of the connection that makes room for a new one."""

import pytest

from mcp_errortracking.server.http.connections import Connections, accept_batch, connection_limit


class Peer:
    def __init__(self) -> None:
        self.serving = False
        self.is_open = True

    def serves_caller(self) -> bool:
        return self.serving

    def cut_off(self) -> None:
        self.is_open = False


def test_room_is_made_by_the_connection_that_is_worth_least() -> None:
    table = Connections(4)
    called, serving, asked, silent = peers = [Peer() for _ in range(4)]
    for peer in peers:
        assert table.add(peer)
    table.mark_idle(called, authenticated=True)
    table.mark_idle(asked, authenticated=False)
    serving.serving = True

    closed = list[Peer]()
    for _ in range(3):
        newcomer = Peer()
        newcomer.serving = True
        assert table.add(newcomer)
        closed += [peer for peer in peers if not peer.is_open and peer not in closed]
    refused = Peer()

    assert closed == [silent, asked, called]
    assert not table.add(refused)
    assert (serving.is_open, refused.is_open) == (True, True)
    assert len(table) == 5


def test_a_connection_that_was_answered_can_be_closed_again() -> None:
    table = Connections(1)
    first, second = Peer(), Peer()
    first.serving = True
    table.add(first)
    assert not table.add(second)
    table.remove(second)
    first.serving = False
    table.mark_idle(first, authenticated=True)

    assert table.add(Peer())
    assert not first.is_open


@pytest.mark.parametrize("files", [20, 64, 256, 1024, 20_000])
def test_descriptors_are_left_for_the_rest(files: int) -> None:
    spare = files - connection_limit(files)
    assert spare >= min(files // 2, 192)
    assert 1 <= 4 * accept_batch(files) <= spare
