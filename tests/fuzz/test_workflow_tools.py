"""The tools that work on files, under arguments of every kind: nothing escapes, nothing beyond the roots is touched."""

import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_errortracking.workflows.base import Environment
from mcp_errortracking.workflows.registry import WORKFLOWS
from tests.calls import call_tool
from tests.fuzz.arguments import SCHEMAS, hostile, near, valid
from tests.fuzz.effort import effort
from tests.fuzz.test_tools import RUNNER, UNFIT, Recorder
from tests.workflows.source_maps.builds import BUILT, contents

NAMES = [tool.tool for tool in WORKFLOWS]
FOLDERS = ("dist", ".", "..", "../outside", "/", "/etc", "dist/../../outside", "link", "~", "dist\x00")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """A root with a build in it, and beside it a folder that must stay as it is."""
    base = tmp_path_factory.mktemp("fuzz")
    shutil.copytree(BUILT / "vite", base / "root" / "dist")
    shutil.copytree(BUILT / "vite", base / "outside")
    (base / "root" / "link").symlink_to(base / "outside")
    before = contents(base / "outside")
    yield base / "root"
    assert contents(base / "outside") == before


@effort(60)
@given(data=st.data())
def test_nothing_escapes_and_nothing_outside_is_touched(place: Path, data: st.DataObject) -> None:
    tool = data.draw(st.sampled_from(NAMES))
    schema = SCHEMAS[tool]
    arguments: dict[str, Any] = data.draw(st.one_of(valid(schema), near(schema), hostile(schema)))
    for name in ("folder", "write_to"):
        if name in arguments:
            arguments[name] = data.draw(st.one_of(st.just(arguments[name]), st.sampled_from(FOLDERS)))
    arguments.pop("deployed", None)  # asks the network for the script of a frame
    environment = Environment((place,), "http://127.0.0.1:9")

    reply = RUNNER.run(call_tool(Recorder(), tool, arguments, time_limit=6, environment=environment))

    assert reply.text
    assert not UNFIT.search(reply.text.replace("\t", " "))
    error = reply.structured.get("error")
    assert not error or error["code"] != "internal_error", (arguments, reply.text)
