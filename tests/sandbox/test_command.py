"""The command `sandbox`, run in this process."""

import argparse
import socket
from pathlib import Path

import pytest

from mcp_errortracking.sandbox import command


def test_a_seed_that_is_refused_leaves_no_socket_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened, listen = list[socket.socket](), command._listen

    def noted(host: str, port: int) -> socket.socket:
        opened.append(listen(host, port))
        return opened[-1]

    monkeypatch.setattr(command, "_listen", noted)
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    (tmp_path / "broken.json").write_text("{")
    for seed in ("broken.json", "missing.json"):
        assert command.run(parser.parse_args(["--port", "0", "--seed", str(tmp_path / seed)])) == 2
    assert command.run(parser.parse_args(["--port", "0", "--rate-limit", "nonsense"])) == 2

    assert [one.fileno() for one in opened] == [-1, -1, -1]
    assert capsys.readouterr().err.count("mcp-errortracking sandbox: ") == 3
