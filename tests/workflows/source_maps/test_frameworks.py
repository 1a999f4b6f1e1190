"""Builds of frameworks as `python -m tools.frameworks` recorded them.

The upload gives a bundle the id that the SDK sent when it ran, and the event resolves to what was written.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from mcp_errortracking.proxy import Proxy
from mcp_errortracking.server.calls import Reply
from mcp_errortracking.workflows.base import Environment
from tests.calls import call_tool
from tests.sandbox_process import FULL, SandboxProcess
from tools.frameworks.apps import APPS, DRIVER, FOLDER, copy_sources
from tools.frameworks.events import issue_id, seed
from tools.frameworks.records import OUTPUT, PAGE, ROOT, Record, records, with_table

pytestmark = pytest.mark.anyio

KEPT = [(app, folder, record) for app, folder, record in records() if record["kept"]]
SEED = {**seed([record["event"] for *_, record in KEPT]), "keys": [{"value": FULL}]}


async def ask(sandbox: SandboxProcess, root: Path, tool: str, **arguments: Any) -> Reply:
    async with Proxy(host=sandbox.url, key=SecretStr(FULL), project="1") as proxy:
        return await call_tool(proxy, tool, arguments, time_limit=30, environment=Environment((root,), sandbox.url))


@pytest.mark.parametrize("number", range(len(KEPT)), ids=[folder.name for _, folder, _ in KEPT])
async def test_the_event_of_a_build_resolves_to_what_was_written(
    sandbox: SandboxProcess, tmp_path: Path, number: int
) -> None:
    app, folder, record = KEPT[number]
    shutil.copytree(folder / OUTPUT, tmp_path / OUTPUT)
    copy_sources(app, tmp_path)  # some maps do not hold them
    uploaded = await ask(sandbox, tmp_path, "source-maps-upload", folder=OUTPUT)
    reply = await ask(sandbox, tmp_path, "source-maps-resolve", issue=issue_id(number))

    assert uploaded.structured["uploaded"] == 1, uploaded.text
    assert [row["chunk_id"] for row in uploaded.structured["chunks"]] == [innermost(record)["chunk_id"]]
    resolved = [frame for frame in reply.structured["frames"] if frame["resolved"]]
    shown = [
        {"source": frame["source"].removeprefix(f"{ROOT}/"), "line": frame["line"], "function": frame["function"]}
        for frame in resolved
    ]
    assert shown[0] == record["resolved"][0]
    assert [place for place in record["resolved"] if place in shown] == record["resolved"]


def innermost(record: Record) -> dict[str, Any]:
    return record["event"]["$exception_list"][0]["stacktrace"]["frames"][-1]


@pytest.mark.parametrize("folder", sorted({app.source for app in APPS} | {DRIVER.name}))
def test_the_packages_of_each_app_are_locked(folder: str) -> None:
    manifest = json.loads((FOLDER / folder / "package.json").read_text("utf-8"))
    text = (FOLDER / folder / "package-lock.json").read_text("utf-8")
    packages = json.loads(text)["packages"]
    own = packages.pop("")

    for kind in ("dependencies", "devDependencies"):
        assert own.get(kind, {}) == manifest.get(kind, {})
        for name, version in manifest.get(kind, {}).items():
            assert packages[f"node_modules/{name}"]["version"] == version
    assert all(one["integrity"].startswith("sha512-") for one in packages.values() if not one.get("inBundle"))
    assert '"resolved"' not in text


def test_every_app_was_run() -> None:
    assert {app.name for app, _, _ in records()} == {app.name for app in APPS}
    assert len(KEPT) >= 12


def test_the_table_is_that_of_the_records() -> None:
    page = PAGE.read_text("utf-8")

    assert page == with_table(page), "run: python -m tools.frameworks"
