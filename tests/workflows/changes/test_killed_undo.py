"""An undo whose process is killed, before PostHog gets its request and after PostHog answered."""

import signal
import sys
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from tests import forked
from tests.sandbox_process import SandboxProcess
from tests.server.cases import case as known
from tests.workflows.changes.test_undo import LIST, RESOLVE, UNDO, UPDATE, Person, status

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(sys.platform != "linux", reason="needs SIGKILL and /proc")]

_KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from types import SimpleNamespace
from tests.workflows.changes.test_undo import Person

async def main():
    person = Person(SimpleNamespace(url=sys.argv[1]), Path(sys.argv[2]))
    send = person.proxy.send

    async def killing(method, path, **options):
        if method == "PATCH" and sys.argv[3] == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = await send(method, path, **options)
        if method == "PATCH":
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    person.proxy.send = killing
    await person.undo(id=1)

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess(known.SEED) as running:
        yield running


@pytest.fixture
async def person(sandbox: SandboxProcess, tmp_path: Path) -> AsyncGenerator[Person]:
    sandbox.reset()
    person = Person(sandbox, tmp_path / "changes.db")
    yield person
    await person.close()


async def killed_undo(person: Person, sandbox: SandboxProcess, when: str) -> None:
    await person.call(UPDATE, RESOLVE)
    file = person.recorder.journal.path
    code, _, err = forked.run("-c", _KILLED, sandbox.url, str(file), when)
    assert code == -signal.SIGKILL, err
    rows = (await person.call(LIST)).structured["results"]
    assert [(row["id"], row["state"], row.get("undoes")) for row in rows] == [(2, "unknown", 1), (1, "done", None)]


async def test_one_that_was_not_sent_is_repeated_at_once(sandbox: SandboxProcess, person: Person) -> None:
    await killed_undo(person, sandbox, "before")
    assert status(sandbox) == "resolved"

    undone = await person.undo(id=1)

    assert not undone.is_error, undone.text
    assert status(sandbox) == "active"
    assert [row["state"] for row in (await person.call(LIST)).structured["results"]] == [
        "done",
        "unknown",
        "undone by 3",
    ]


async def test_one_that_was_applied_is_found_and_not_sent_again(sandbox: SandboxProcess, person: Person) -> None:
    await killed_undo(person, sandbox, "after")
    assert status(sandbox) == "active"
    sandbox.http.delete(f"{sandbox.url}/_journal")

    refused = await person.undo(id=1)
    of_undo = await person.call(UNDO, {"id": 2, "dry_run": False})

    assert refused.structured["error"]["code"] == "changed_since"
    assert 'status was set to "resolved" and is "active"' in refused.text
    assert of_undo.structured["error"]["code"] == "unknown_end"
    assert {one["method"] for one in sandbox.journal()} == {"GET"}
