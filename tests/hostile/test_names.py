"""Files with names of any bytes are named in answers that can be sent."""

import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.tree import build
from tests.sandbox_process import FULL, SandboxProcess
from tests.server.stdio_process import StdioProcess, served

pytestmark = pytest.mark.skipif(os.name != "posix", reason="names are bytes")
SEED: dict[str, Any] = {"projects": [{"id": 1}], "keys": [{"value": FULL}]}


@pytest.fixture
def server(tmp_path: Path) -> Generator[StdioProcess]:
    build(tmp_path)
    with (
        SandboxProcess(SEED) as sandbox,
        served("--root", str(tmp_path / "inside"), upstream=sandbox.url, key=FULL) as server,
    ):
        server.open()
        yield server


def ask(server: StdioProcess, tool: str, **arguments: Any) -> dict[str, Any]:
    call = {"name": tool, "arguments": arguments}
    server.send({"jsonrpc": "2.0", "id": tool, "method": "tools/call", "params": call})
    while (answer := server.receive()).get("id") != tool:
        pass
    return answer


def test_a_checkout_of_tricks_is_checked_and_uploaded(server: StdioProcess) -> None:
    checked = ask(server, "source-maps-check", folder=".")
    planned = ask(server, "source-maps-upload", folder=".", dry_run=True)
    uploaded = ask(server, "source-maps-upload", folder=".")
    again = ask(server, "source-maps-check", folder=".")

    for answer in (checked, planned, uploaded, again):
        assert "error" not in answer
        assert "\\\\udcff\\\\udcfe.js" in json.dumps(answer)
        assert "secret-of-outside" not in json.dumps(answer)
    out, err, code = server.finish()
    assert (out, code) == (b"", 0)
    assert b"Traceback" not in err
