"""The command `sandbox`, run in this process."""

import argparse
import socket
import sys
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from mcp_errortracking.sandbox import command
from mcp_errortracking.sandbox.seed import Seed
from mcp_errortracking.sandbox.store import Store


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


@pytest.mark.parametrize(("platform", "line"), [("linux", "export {}={}"), ("win32", '$env:{} = "{}"')])
def test_the_variables_are_printed_for_the_shell_of_the_system(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], platform: str, line: str
) -> None:
    seed = Seed.model_validate({"projects": [{"id": 7, "name": "Web"}]})
    with closing(Store()) as store:
        store.add("user", None, {"id": 12})
        sandbox = SimpleNamespace(store=store)
        monkeypatch.setattr(sys, "platform", platform)
        command._announce(sandbox, seed, "http://127.0.0.1:1", as_json=False)  # pyright: ignore[reportArgumentType]

    assert f"\n  {line.format('POSTHOG_PROJECT_ID', 7)}\n" in capsys.readouterr().out
