"""Text of strangers in a build, in its maps, in its history and in what PostHog has of it: never taken for ours."""

import asyncio
import json
import re
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from mcp_errortracking.proxy import Proxy
from mcp_errortracking.server.calls import Reply
from mcp_errortracking.workflows.base import Environment
from tests.calls import call_tool
from tests.injection.payloads import BARE, PAYLOADS, SHOUT, looks_like_ours, unfit
from tests.required import program
from tests.sandbox_process import FULL, SandboxProcess

QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
RUNNER = asyncio.Runner()
NAMES = list(PAYLOADS)


def issue_id(payload: str) -> str:
    return f"01936f2e-7a51-7000-8000-{NAMES.index(payload) + 0x100:012x}"


def release_id(payload: str) -> str:
    return f"01936f2e-7a51-7000-8000-{NAMES.index(payload) + 0x200:012x}"


def a_map(hostile: str) -> dict[str, Any]:
    """Each of its three lines is of another source: one that has a text, one that needs a path, one on this disk."""
    return {
        "version": 3,
        "file": hostile,
        "sources": [f"{hostile}.ts", f"webpack://{hostile}/./{hostile}.ts?{hostile}", "src/a.ts"],
        "sourcesContent": [f"{hostile}\n{hostile}", f"{hostile}", None],
        "names": [hostile],
        "mappings": "AAAAA;ACAAA;ACAAA",
    }


def seeded(payload: str) -> dict[str, list[dict[str, Any]]]:
    """Return the seed of a PostHog in which every text from outside is this payload."""
    hostile, ref = PAYLOADS[payload], f"{PAYLOADS[payload]}-set"
    frame = {"source": f"https://shop.example/{hostile}.js", "function": hostile, "failure": hostile, "column": 1}
    lost = "No sourcemap uploaded for chunk id: "
    frames = [frame | {"line": line, "symbol_set": ref, "failure": f"{lost}{ref}"} for line in (1, 2, 3, 9)]
    missing = {"symbol_set": f"{ref}-missing", "failure": f"{lost}{ref}-missing", "source": f"{hostile}/b.js"}
    frames.append(frame | {"line": 1} | missing)
    source = f"{hostile}\n{hostile}\n{hostile}\n//# chunkId={hostile.strip()}"
    held = {"release": release_id(payload), "failure_reason": hostile, "content_hash": "other"}
    return {
        "releases": [{"id": release_id(payload), "version": hostile, "product": hostile}],
        "issues": [
            {
                "id": issue_id(payload),
                "name": hostile,
                "fingerprints": [payload],
                "events": {"count": 1, "since": 1, "frames": frames},
            }
        ],
        "symbol_sets": [
            held | {"ref": ref, "content": {"source": source, "map": a_map(hostile)}},
            held | {"ref": f"{ref}-broken", "content": {"source": source, "map": hostile}},
            held | {"ref": f"{ref}-unfinished", "state": "pending", "content_hash": None},
            held | {"ref": f"{ref}-other", "content": hostile},
        ],
    }


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    seed: dict[str, Any] = {"projects": [{"id": 1}], "keys": [{"value": FULL}]}
    for payload in PAYLOADS:
        for name, rows in seeded(payload).items():
            seed[name] = seed.get(name, []) + rows
    with SandboxProcess(seed) as running:
        yield running


class Agent:
    """Calls tools, and looks at every text and every progress that it gets."""

    def __init__(self, sandbox: SandboxProcess, root: Path, payload: str) -> None:
        self.progress = list[str]()
        self._sandbox, self._root, self._payload = sandbox, root, payload

    def ask(self, tool: str, **arguments: Any) -> Reply:
        reply = RUNNER.run(self._call(tool, arguments))
        self.check(reply.text, tool)
        error = reply.structured.get("error") or {}
        assert error.get("code") != "internal_error", reply.text
        if error and error["code"] != "invalid_arguments":
            assert "\n" not in reply.text
        return reply

    async def _call(self, tool: str, arguments: dict[str, Any]) -> Reply:
        environment = Environment((self._root,), self._sandbox.url)
        async with Proxy(host=self._sandbox.url, key=SecretStr(FULL), project="1") as proxy:
            return await call_tool(proxy, tool, arguments, time_limit=30, environment=environment, progress=self._note)

    async def _note(self, _done: float, _total: float | None, doing: str) -> None:
        self.progress.append(doing)

    def check(self, text: str, tool: str) -> None:
        context = f"{tool}, {self._payload}"
        assert not unfit(text), f"{context}: {unfit(text)!r}"
        assert not BARE.search(text), f"{context}: {BARE.search(text)}"
        for line in text.split("\n"):
            if line.startswith("Note: "):
                assert SHOUT not in QUOTED.sub("", line), f"{context}: {line!r}"
                continue
            for cell in line.split("\t"):
                assert SHOUT not in cell or not looks_like_ours(cell), f"{context}: {cell!r}"


def write_build(root: Path, hostile: str) -> Path:
    """A build whose files, map and history bear the text: a good bundle, a broken one, and one without its map."""
    name = hostile.replace("/", "_")
    folder = root / name
    (folder / "src").mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps({"name": hostile}), "utf-8")
    (folder / "src" / "a.ts").write_text(f"{hostile}\n", "utf-8", newline="")
    for bundle, content in {f"{name}.js": json.dumps(a_map(hostile)), f"{name}-broken.js": hostile}.items():
        (folder / bundle).write_text(f"f()\ng()\n//# sourceMappingURL={quote(bundle)}.map\n", "utf-8")
        (folder / f"{bundle}.map").write_text(content, "utf-8")
    (folder / f"{name}-alone.js").write_text("f()\n//# sourceMappingURL=/x/{quote(name)}.map\n", "utf-8")
    return folder


def commit(folder: Path, hostile: str) -> None:
    git = program("git")
    person = ("-c", f"user.name={hostile.strip()}", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false")
    for words in (("init", "-q"), ("add", "src"), (*person, "commit", "-q", "-m", hostile)):
        subprocess.run([git, "-C", folder, *words], check=True, capture_output=True)
    subprocess.run([git, "-C", folder, "config", "remote.origin.url", f"https://{hostile}:x@["], check=True)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_text_in_a_build_passes_for_ours(payload: str, sandbox: SandboxProcess, tmp_path: Path) -> None:
    hostile = PAYLOADS[payload]
    folder = write_build(tmp_path, hostile)
    commit(folder, hostile)
    agent = Agent(sandbox, tmp_path, payload)

    plan = agent.ask("source-maps-upload", folder=folder.name, dry_run=True)
    missing = agent.ask("source-maps-check", folder=folder.name, version=f"{hostile}-new", project=hostile)
    uploaded = agent.ask("source-maps-upload", folder=folder.name, version=hostile, release_mode="symbol-set")
    bundle = folder / f"{folder.name}.js"
    bundle.write_bytes(bundle.read_bytes().replace(b"g()", b"h()"))
    conflict = agent.ask("source-maps-upload", folder=folder.name, version=f"{hostile}-new", release_mode="symbol-set")
    checked = agent.ask("source-maps-check", folder=folder.name, version=hostile)
    (chunk,) = uploaded.structured["chunks"]
    stack = "\n".join(f"at {SHOUT} (a.js:{line}:1)" for line in (1, 2, 3, 4, 99))
    resolved = agent.ask(
        "source-maps-resolve", stack=stack, chunk_id=chunk["chunk_id"], folder=folder.name, commits=True
    )

    assert (plan.is_error, missing.is_error, uploaded.is_error) == (False, False, False)
    assert len(uploaded.structured["problems"]) == 2
    assert conflict.structured["failures"][0]["code"] == "content_hash_mismatch"
    assert [row["state"] for row in checked.structured["results"]] == ["different"]
    assert [frame["resolved"] for frame in resolved.structured["frames"]] == [False, True, True, True, False]
    assert resolved.structured["frames"][3]["commit"] or "\u2028" in hostile, "a break of lines for us, not for git"
    for reply in (plan, missing, uploaded, conflict, checked, resolved):
        assert SHOUT in reply.text
    assert any(SHOUT in one for one in agent.progress)
    for one in agent.progress:
        assert "\n" not in one
        agent.check(one, "progress")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_text_in_a_symbol_set_passes_for_ours(payload: str, sandbox: SandboxProcess, tmp_path: Path) -> None:
    hostile, ref = PAYLOADS[payload], f"{PAYLOADS[payload]}-set"
    agent = Agent(sandbox, tmp_path, payload)

    resolved = agent.ask("source-maps-resolve", issue=issue_id(payload))
    inspected = agent.ask("symbol-set-inspect", ref=ref, source=f"{hostile}.ts", write_to="out")
    for ending in ("-broken", "-unfinished", "-other", "-that-is-not-there"):
        assert agent.ask("symbol-set-inspect", ref=f"{ref}{ending}").is_error
    assert agent.ask("symbol-set-inspect", ref=ref, source=f"{hostile}.none").is_error

    assert [frame["resolved"] for frame in resolved.structured["frames"]] == [True, True, True, False, False]
    assert len(inspected.structured["written"]) == 2
    assert SHOUT in resolved.text
    assert SHOUT in inspected.text
    for one in agent.progress:
        assert "\n" not in one
        agent.check(one, "progress")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_argument_passes_for_ours_where_it_is_refused(payload: str, sandbox: SandboxProcess, tmp_path: Path) -> None:
    hostile = PAYLOADS[payload]
    (tmp_path / hostile.replace("/", "_")).mkdir()
    (tmp_path / "file").write_text("mine", "utf-8")
    (tmp_path / "loop").symlink_to("loop")
    agent = Agent(sandbox, tmp_path, payload)

    for folder in (hostile, hostile.replace("/", "_"), f"../{hostile}", f"{hostile}\0", f"file/{hostile}", "loop"):
        for tool in ("source-maps-upload", "source-maps-check"):
            assert agent.ask(tool, folder=folder).is_error
        assert agent.ask("source-maps-resolve", stack=f"{hostile}.js:1:1", folder=folder).is_error
    ref = f"{hostile}-set"
    for folder in (f"../{hostile}", f"{hostile}\0", f"file/{hostile}"):
        assert agent.ask("symbol-set-inspect", ref=ref, write_to=folder).is_error
    assert agent.ask("source-maps-resolve", stack=hostile).is_error
    assert agent.ask("source-maps-resolve", issue=hostile).is_error
    assert agent.ask("source-maps-upload", folder=".", exclude=[hostile], include=[f"{hostile}["]).is_error
