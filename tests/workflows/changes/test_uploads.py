"""Uploads of source maps in the journal: one entry each, and the new symbol sets can be deleted again."""

import signal
import sys
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from mcp_errortracking.journal.store import Journal
from mcp_errortracking.proxy import Proxy
from mcp_errortracking.server.calls import Reply
from mcp_errortracking.server.recording import Recorder
from mcp_errortracking.workflows.base import Environment
from tests import forked
from tests.calls import call_tool
from tests.command import run_here
from tests.sandbox_process import FULL, SandboxProcess
from tests.workflows.source_maps.written_builds import write_build, write_bundle

pytestmark = pytest.mark.anyio

UPLOAD, LIST, UNDO = "source-maps-upload", "error-tracking-changes-list", "error-tracking-changes-undo"
START = "error-tracking-symbol-sets-bulk-start-upload"
SEED: dict[str, Any] = {"projects": [{"id": 1}], "keys": [{"value": FULL}]}


@pytest.fixture(scope="module")
def shared() -> Generator[SandboxProcess]:
    with SandboxProcess(SEED) as running:
        yield running


@pytest.fixture
def sandbox(shared: SandboxProcess) -> SandboxProcess:
    shared.reset()
    return shared


@pytest.fixture
def build(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    folder.mkdir()
    write_build(folder, 3, size=200)
    return folder


class Person:
    """Calls tools on a build, with a journal."""

    def __init__(self, sandbox: SandboxProcess, folder: Path) -> None:
        self.proxy = Proxy(host=sandbox.url, key=SecretStr(FULL), project="1")
        self.recorder = Recorder(Journal(folder / "changes.db"), sandbox.url)
        self.environment = Environment((folder,), sandbox.url)
        self.folder = folder

    async def call(self, tool: str, **arguments: Any) -> Reply:
        how: dict[str, Any] = {"environment": self.environment, "recorder": self.recorder}
        return await call_tool(self.proxy, tool, arguments, time_limit=60, **how)

    async def upload(self, **arguments: Any) -> Reply:
        return await self.call(UPLOAD, folder=str(self.folder / "dist"), **arguments)

    async def changes(self) -> list[dict[str, Any]]:
        return (await self.call(LIST)).structured["results"]


@pytest.fixture
async def person(sandbox: SandboxProcess, tmp_path: Path) -> AsyncGenerator[Person]:
    person = Person(sandbox, tmp_path)
    yield person
    person.recorder.journal.close()
    await person.proxy.aclose()


def sets(sandbox: SandboxProcess) -> dict[str, str]:
    rows = sandbox.api("GET", "symbol_sets/?limit=100").json()["results"]
    return {row["ref"]: row["id"] for row in rows}


def releases(sandbox: SandboxProcess) -> list[dict[str, Any]]:
    return sandbox.api("GET", "releases/").json()["results"]


async def test_an_upload_is_one_change_and_is_undone_with_its_release(
    sandbox: SandboxProcess, person: Person, build: Path
) -> None:
    before = sets(sandbox)
    assert not (await person.upload(version="1.0", project="shop")).is_error
    uploaded = sets(sandbox)
    upload, release = await person.changes()

    assert len(uploaded) == len(before) + 3
    assert (upload["called"], upload["state"], upload["undo"]) == (UPLOAD, "done", "exact")
    assert upload["arguments"] == {"folder": str(build), "version": "1.0", "project": "shop"}
    assert (release["called"], release["undo"]) == ("error-tracking-releases-create", "approximate")
    plan = await person.call(UNDO)
    assert plan.structured["undo_by"] == {
        "call": "error-tracking-symbol-sets-bulk-delete",
        "arguments": {"ids": sorted(uploaded.values())},
    }
    undone = await person.call(UNDO, dry_run=False)
    assert not undone.is_error, undone.text
    assert sets(sandbox) == before

    without = await person.call(UNDO, id=release["id"], dry_run=False)
    assert "Symbol sets that were bound to the release since are deleted with it." in without.text
    assert releases(sandbox) == []


async def test_only_new_sets_are_deleted_and_the_replaced_ones_are_named(
    sandbox: SandboxProcess, person: Person, build: Path
) -> None:
    await person.upload(release_mode="symbol-set")
    old = sets(sandbox)
    write_bundle(build, "chunk-9", size=200)
    await person.upload(step="inject")
    for name in ("chunk-0", "chunk-1"):
        source_map = build / f"{name}.js.map"
        source_map.write_text(source_map.read_text("utf-8").replace('AAAA"', 'AAAA;AAAA"'), "utf-8")

    assert not (await person.upload(force=True, step="upload", release_mode="symbol-set")).is_error

    [upload, *_] = await person.changes()
    assert upload["undo"] == "approximate"
    plan = await person.call(UNDO)
    assert "The old content of 2 symbol sets that were there before." in plan.structured["restores"]
    assert not (await person.call(UNDO, dry_run=False)).is_error
    assert sets(sandbox) == old


async def test_an_upload_of_what_is_there_has_no_undo(sandbox: SandboxProcess, person: Person, build: Path) -> None:
    await person.upload()
    held = sets(sandbox)
    await person.upload()

    [again, first] = await person.changes()
    assert (again["undo"], first["undo"]) == ("none", "exact")
    refused = await person.call(UNDO, id=again["id"], dry_run=False)
    assert refused.structured["error"]["code"] == "no_undo"
    assert sets(sandbox) == held


async def test_hundreds_of_files_are_one_change(sandbox: SandboxProcess, person: Person, build: Path) -> None:
    write_build(build, 147, size=60, first=3)
    sandbox.http.delete(f"{sandbox.url}/_journal")

    assert not (await person.upload()).is_error

    [upload] = await person.changes()
    lists = [one for one in sandbox.journal() if one["method"] == "GET"]
    assert len(lists) == 3  # before the upload, and two pages after it
    assert not (await person.call(UNDO, dry_run=False)).is_error
    assert (upload["undo"], sets(sandbox)) == ("exact", {})


@pytest.mark.parametrize("arguments", [{"dry_run": True}, {"step": "inject"}])
async def test_what_sends_nothing_is_no_change(person: Person, build: Path, arguments: dict[str, Any]) -> None:
    assert not (await person.upload(**arguments)).is_error
    assert await person.changes() == []


_KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from types import SimpleNamespace
from tests.workflows.changes.test_uploads import Person

async def main():
    person = Person(SimpleNamespace(url=sys.argv[1]), Path(sys.argv[2]))
    send = person.proxy.send

    async def killing(method, path, **options):
        if method != "GET" and path.endswith(sys.argv[3]):
            os.kill(os.getpid(), signal.SIGKILL)
        return await send(method, path, **options)

    person.proxy.send = killing
    await person.upload(version="1.0", project="shop")

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
@pytest.mark.parametrize(
    ("request_", "listed"),
    [
        ("/bulk_start_upload/", [(UPLOAD, "unknown"), ("error-tracking-releases-create", "done")]),
        ("/bulk_finish_upload/", [(UPLOAD, "unknown"), ("error-tracking-releases-create", "done")]),
        ("/releases/", [("error-tracking-releases-create", "unknown")]),
    ],
)
async def test_a_killed_upload_is_listed_as_unknown(
    sandbox: SandboxProcess, person: Person, build: Path, request_: str, listed: list[tuple[str, str]]
) -> None:
    code, _, err = forked.run("-c", _KILLED, sandbox.url, str(build.parent), request_)

    assert code == -signal.SIGKILL, err
    assert [(row["called"], row["state"]) for row in await person.changes()] == listed
    newest = (await person.changes())[0]
    refused = await person.call(UNDO, id=newest["id"], dry_run=False)
    assert refused.structured["error"]["code"] == "unknown_end"

    assert not (await person.upload(version="1.0", project="shop")).is_error
    assert (await person.changes())[0]["state"] == "done"


async def test_a_journal_that_cannot_be_written_fails_no_upload(
    sandbox: SandboxProcess, person: Person, build: Path
) -> None:
    (build.parent / "changes.db").write_bytes(b"no database")

    reply = await person.upload()

    assert not reply.is_error
    assert "Note: This job is not in the journal: the file is not a journal" in reply.text
    assert len(sets(sandbox)) == 3


async def test_started_sets_are_deleted_again_if_they_are_new(sandbox: SandboxProcess, person: Person) -> None:
    new = {"chunk_id": "fresh", "content_hash": "cf83"}
    await person.call(START, symbol_sets=[new])
    assert set(sets(sandbox)) == {"fresh"}
    content = b"".join(file.read_bytes() for file in person.folder.iterdir())
    assert b"X-Amz" not in content
    assert b"/_storage/" not in content

    assert not (await person.call(UNDO, dry_run=False)).is_error
    assert sets(sandbox) == {}


async def test_started_sets_that_were_there_stay(sandbox: SandboxProcess, person: Person) -> None:
    await person.call(START, symbol_sets=[{"chunk_id": "fresh", "content_hash": "cf83"}])
    await person.call(START, symbol_sets=[{"chunk_id": "fresh", "content_hash": "cf83"}, {"chunk_id": "b"}])

    assert [row["undo"] for row in await person.changes()] == ["none", "exact"]


def test_a_shell_records_its_upload(sandbox: SandboxProcess, build: Path) -> None:
    shared = {"POSTHOG_PERSONAL_API_KEY": FULL, "MCP_JOURNAL": str(build.parent / "changes.db")}
    where = ("--host", sandbox.url, "--project", "1")
    code, _, err = run_here("source-maps", "upload", str(build), *where, **shared)
    assert (code, err) == (0, "")

    _, listed, _ = run_here("changes", "list", *where, **shared)
    assert UPLOAD in listed
    assert "exact" in listed
