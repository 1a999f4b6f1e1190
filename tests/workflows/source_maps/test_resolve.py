"""Results of source-maps-resolve for frames of issues and of texts.

Where frames name no chunk, PostHog notes the script's URL for them, which is no chunk id.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from mcp_errortracking.proxy import Proxy
from mcp_errortracking.server.calls import Reply
from mcp_errortracking.workflows.base import Environment
from tests.calls import call_tool
from tests.proxy.fault_server import Reply as Answer
from tests.proxy.fault_server import http
from tests.sandbox_process import FULL, SandboxProcess
from tests.workflows.source_maps.builds import BUILT, prepared
from tests.workflows.source_maps.relay import Relay, xml

pytestmark = pytest.mark.anyio

INDEX = "assets/index-Cn0TbpnG.js"
URL = f"https://shop.example/{INDEX}"
GOOD = f"https://old.example/{INDEX}"
NOTED, FETCHED, READABLE, FEW, MANY = (f"01936f2e-7a51-7000-8000-00000000010{number}" for number in "12345")
ABSENT, OLD = (f"01936f2e-7a51-7000-8000-00000000030{number}" for number in "12")
OWN_CHUNK = "dc03c4a9-38a7-53fb-a2b0-81d2798a4812"
"""Of the Vite build's bundle, made of its content."""
ABSENT_CHUNK, OLD_CHUNK = "0e9b3c7a-5d1f-52a8-b6c4-e2d0f8a17593", "0198c1de-5c1e-7000-8000-9a4be1d7c3e0"
UNREAD, UNREAD_CHUNK = "01936f2e-7a51-7000-8000-000000000303", "01936f2e-7a51-7000-8000-000000000300"
CHUNKS = [f"01936f2e-7a51-7000-8000-0000000002{number:02}" for number in range(22)]
SCRIPTS = [f"function o(){{throw {number}}}\n//# chunkId={chunk}\n" for number, chunk in enumerate(CHUNKS)]
MAPS: list[dict[str, Any]] = [
    {"version": 3, "sources": [f"src/c{number}.ts"], "sourcesContent": ["fail();"], "names": [], "mappings": "AAAA"}
    for number in range(len(CHUNKS))
]


def issue(number: str, *urls: str, readable: int = 0) -> dict[str, Any]:
    return {
        "id": number,
        "name": "RangeError",
        "fingerprints": [number],
        "events": {
            "count": 1,
            "since": 1,
            "frames": [
                {
                    "source": url,
                    "line": 1,
                    "column": 300,
                    "function": "o",
                    "failure": f"Could not find sourcemap for source url: {url}",
                    "symbol_set": url,
                }
                for url in urls
            ]
            + [{"source": "src/a.ts", "line": 1}] * readable,
        },
    }


def issue_of_chunks(number: str, count: int) -> dict[str, Any]:
    """An issue whose innermost frame is of the first chunk."""
    return issue_of(number, CHUNKS[:count])


def issue_of(number: str, chunks: list[str]) -> dict[str, Any]:
    frames = [
        {
            "source": f"https://shop.example/c{index}.js",
            "line": 1,
            "column": 14,
            "function": "o",
            "failure": f"No sourcemap uploaded for chunk id: {chunk}",
            "symbol_set": chunk,
        }
        for index, chunk in enumerate(chunks)
    ]
    return {"id": number, "name": "E", "fingerprints": [number], "events": {"count": 1, "since": 1, "frames": frames}}


def issue_of_build(number: str, chunk: str) -> dict[str, Any]:
    """An issue with a frame of the Vite build's bundle, under a chunk id of which PostHog has no map."""
    frame = {
        "source": f"/{INDEX}",
        "line": 2,
        "column": 301,
        "function": "o",
        "failure": f"No sourcemap uploaded for chunk id: {chunk}",
    }
    return {"id": number, "name": "E", "fingerprints": [number], "events": {"count": 1, "since": 1, "frames": [frame]}}


SEED: dict[str, Any] = {
    "projects": [{"id": 1}],
    "keys": [{"value": FULL}],
    "issues": [
        issue(NOTED, URL, "https://shop.example/gone.js"),
        issue(FETCHED, GOOD),
        issue(READABLE, "node:events", readable=1),
        issue_of_chunks(FEW, 3),
        issue_of_chunks(MANY, 22),
        issue_of(UNREAD, [UNREAD_CHUNK]),
        issue_of_build(ABSENT, ABSENT_CHUNK),
        issue_of_build(OLD, OLD_CHUNK),
    ],
    "symbol_sets": [
        {"ref": URL, "state": "missing", "failure_reason": "no map"},
        {
            "ref": GOOD,
            "content": {
                "source": (BUILT / "vite" / INDEX).read_text("utf-8"),
                "map": (BUILT / "vite" / f"{INDEX}.map").read_text("utf-8"),
            },
        },
        {"ref": UNREAD_CHUNK, "content": {"source": SCRIPTS[0], "map": {**MAPS[0], "mappings": "AAAA;ACAA"}}},
        *(
            {"ref": chunk, "content": {"source": script, "map": source_map}, "content_hash": chunk[-2:]}
            for chunk, script, source_map in zip(CHUNKS, SCRIPTS, MAPS, strict=True)
        ),
    ],
}


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    shutil.copytree(BUILT / "vite", tmp_path / "dist")
    return tmp_path / "dist"


async def ask(sandbox: SandboxProcess, root: Path, *, relay: Relay | None = None, **arguments: Any) -> Reply:
    url = relay.url if relay else sandbox.url
    async with Proxy(host=url, key=SecretStr(FULL), project="1") as proxy:
        environment = Environment((root,), url)
        return await call_tool(proxy, "source-maps-resolve", arguments, time_limit=30, environment=environment)


async def test_the_local_build_resolves_them_by_name(sandbox: SandboxProcess, dist: Path) -> None:
    reply = await ask(sandbox, dist, issue=NOTED, folder=".")

    first, second = reply.structured["frames"]
    assert (first["source"], first["line"], first["chunk_id"]) == ("shop/src/cart.ts", 9, None)
    assert (second["resolved"], second["verdict"], second["chunk_id"]) == (False, "no_chunk_id", None)
    assert "The event names no chunk" in second["reason"]
    assert "is named gone.js." in second["reason"]
    assert "The local build has chunk ids" not in reply.text


async def test_that_a_chunk_id_moves_the_lines_is_said(sandbox: SandboxProcess, dist: Path) -> None:
    prepared(dist)
    reply = await ask(sandbox, dist, issue=NOTED, folder=".")

    assert reply.structured["frames"][0]["verdict"] == "map_does_not_cover"
    assert "The local build has chunk ids, though the event names none." in reply.text


async def test_a_column_that_the_line_does_not_have_is_of_another_build(sandbox: SandboxProcess, dist: Path) -> None:
    reply = await ask(sandbox, dist, stack=f"{URL}:1:48213", folder=".")

    assert [frame["verdict"] for frame in reply.structured["frames"]] == ["map_does_not_cover"]
    assert "The line of the bundle ends before this column, so the frame is of another build." in reply.text


async def test_without_one_the_verdict_is_that_there_is_no_chunk_id(sandbox: SandboxProcess, dist: Path) -> None:
    reply = await ask(sandbox, dist, issue=NOTED)

    assert reply.is_error
    verdicts = [(frame["verdict"], frame["chunk_id"]) for frame in reply.structured["frames"]]
    assert verdicts == [("no_chunk_id", None)] * 2
    assert "The event names no chunk" in reply.text


async def test_what_posthog_fetched_from_the_site_itself_resolves_them(sandbox: SandboxProcess, dist: Path) -> None:
    prepared(dist)
    alone = await ask(sandbox, dist, issue=FETCHED)
    (dist / INDEX).unlink()
    beside = await ask(sandbox, dist, issue=FETCHED, folder=".")

    for reply in (alone, beside):
        (frame,) = reply.structured["frames"]
        assert (frame["source"], frame["line"], frame["chunk_id"]) == ("shop/src/cart.ts", 9, None)


async def test_a_function_is_named_by_its_source_whatever_the_engine_calls_it(
    sandbox: SandboxProcess, dist: Path
) -> None:
    stack = f"at {URL}:1:300\nat zz ({URL}:1:300)\nat Object.<anonymous> [as b] ({URL}:1:300)\nat t ({URL}:1:300)"
    reply = await ask(sandbox, dist, stack=stack, folder=".", context=0)

    frames = reply.structured["frames"]
    assert [frame["function"] for frame in frames] == ["total"] * 4


def _take_out_sources(dist: Path) -> None:
    for file in dist.rglob("*.map"):
        fields = json.loads(file.read_text("utf-8"))
        file.write_text(json.dumps({**fields, "sourcesContent": [None] * len(fields["sources"])}), "utf-8")


async def test_without_its_source_a_function_is_called_by_no_name_that_is_not_its_own(
    sandbox: SandboxProcess, dist: Path
) -> None:
    _take_out_sources(dist)
    stack = f"at {URL}:1:300\nat zz ({URL}:1:300)\nat Object.<anonymous> [as b] ({URL}:1:300)\nat t ({URL}:1:300)"
    reply = await ask(sandbox, dist, stack=stack, folder=".", context=0)

    frames = reply.structured["frames"]
    assert [frame["function"] for frame in frames] == [None, None, None, "total"]
    assert len({frame["name"] for frame in frames}) == 1
    shown = [line.strip().partition(" (")[0] for line in reply.text.splitlines() if " from https" in line]
    assert shown == ["<anonymous>", "minified zz", "<anonymous>", "total"]


async def test_what_posthogs_pages_copy_has_no_columns(sandbox: SandboxProcess, dist: Path) -> None:
    """That matters where the line is minified; in what a compiler wrote, a line comes from a line."""
    (dist / "plain.js").write_text("function a() {\n  fail();\n}\n//# sourceMappingURL=plain.js.map\n", "utf-8")
    sources = '"sources": ["a.ts"], "sourcesContent": ["// of a\\nfunction a() {\\n\\n  fail();\\n}"]'
    mappings = "AACA,SAAS;EAEP,IAAI;"
    (dist / "plain.js.map").write_text(f'{{"version": 3, {sources}, "mappings": "{mappings}"}}', "utf-8")
    stack = f'Error: x\n  File "https://shop.example/plain.js", line: 2, in: a\n  File "{URL}", line: 1, in: t'
    reply = await ask(sandbox, dist, stack=stack, folder=".")

    plain, minified = reply.structured["frames"]
    assert (plain["source"], plain["line"], plain["function"]) == ("a.ts", 4, "a")
    assert plain["minified"] == "https://shop.example/plain.js:2"
    assert (minified["verdict"], minified["minified"]) == ("no_column", f"{URL}:1")
    assert "give the issue, or the stack from the event or a console." in minified["next_step"]


@pytest.mark.parametrize("line", [1, 4, 9])
async def test_without_a_column_no_line_is_guessed(sandbox: SandboxProcess, dist: Path, line: int) -> None:
    """The first has two originals, the others none."""
    (dist / "plain.js").write_text("a();b();\n\n\n//# sourceMappingURL=plain.js.map\n", "utf-8")
    (dist / "plain.js.map").write_text('{"version": 3, "sources": ["a.ts"], "mappings": "AAAA,IACA"}', "utf-8")
    reply = await ask(sandbox, dist, stack=f"plain.js:{line}", folder=".")

    (frame,) = reply.structured["frames"]
    assert frame["verdict"] == {1: "no_column"}.get(line, "map_does_not_cover")


NODES = "at a (node:internal/modules/cjs/loader:1521:14)\nat b (node:events:495:28)\nat internal/process/c.js:1:2"
EXTENSION = "at e (chrome-extension://abc/inject.js:1:2)"


async def test_frames_that_are_not_of_the_app_are_left_out_with_a_word(sandbox: SandboxProcess, dist: Path) -> None:
    stack = f"at t ({URL}:1:300)\n{NODES}\n{EXTENSION}\nat eval (<anonymous>:1:1)"
    reply = await ask(sandbox, dist, stack=stack, folder=".")

    assert [frame["minified"] for frame in reply.structured["frames"]] == [f"{URL}:1:300"]
    assert "resolved: 1 of 1 frames" in reply.text
    said = "3 frames of Node itself, 1 frame of the user's browser extensions, 1 frame of the engine itself."
    assert f"Left out: {said}" in reply.text


@pytest.mark.parametrize(
    ("stack", "said"),
    [
        (NODES, "No frame of this stack is of the app: 3 frames of Node itself."),
        (EXTENSION, "No frame of this stack is of the app: 1 frame of the user's browser extensions."),
    ],
)
async def test_a_stack_without_the_app_is_said_to_be_that(
    sandbox: SandboxProcess, dist: Path, stack: str, said: str
) -> None:
    reply = await ask(sandbox, dist, stack=stack, folder=".")

    assert reply.structured == {"error": {"code": "no_app_frames"}}
    assert said in reply.text


async def test_what_webpack_runs_in_eval_is_to_be_built_otherwise(sandbox: SandboxProcess, dist: Path) -> None:
    reply = await ask(sandbox, dist, stack="at eval (webpack-internal:///./src/x.js:3:4)", folder=".")

    assert [frame["verdict"] for frame in reply.structured["frames"]] == ["eval_devtool"]
    assert "devtool source-map or hidden-source-map" in reply.text


async def test_a_source_file_of_a_server_needs_no_map(sandbox: SandboxProcess, dist: Path) -> None:
    """Under react-router-serve, Node names source files; Vite's server sends browsers changed code under such names."""
    stack = "at total (app/cart.ts:15:13)\nat pay (/srv/app/pay.vue:3:1)\nat go (http://localhost:5173/src/a.ts:9:2)"
    reply = await ask(sandbox, dist, stack=stack, folder=".")
    alone = await ask(sandbox, dist, stack=stack)

    for one in (reply, alone):
        verdicts = [frame["verdict"] for frame in one.structured["frames"]]
        assert verdicts == ["source_file", "source_file", "no_chunk_id"]
    assert "app/cart.ts is a source file, so this is the original position." in reply.text


async def test_an_issue_whose_own_frames_are_readable_is_said_to_be_that(sandbox: SandboxProcess, dist: Path) -> None:
    reply = await ask(sandbox, dist, issue=READABLE)

    assert reply.structured == {"error": {"code": "all_resolved"}}
    assert "The newest event of this issue has 1 frames, and none of them is minified." in reply.text


DOWNLOAD = "GET .*/download/"
REFUSED = http(400, {"type": "invalid_request", "code": "odd", "detail": "This one is odd.", "attr": None})
UNAUTHORIZED = http(
    401, {"type": "authentication_error", "code": "authentication_failed", "detail": "No.", "attr": None}
)


def sources(reply: Reply) -> list[str | None]:
    return [frame.get("source") for frame in reply.structured["frames"]]


@pytest.fixture
def first_chunk(tmp_path: Path) -> Path:
    """A local build that has the first chunk."""
    (tmp_path / "c0.js").write_text(SCRIPTS[0].replace("//#", "//# sourceMappingURL=c0.js.map\n//#"), "utf-8")
    (tmp_path / "c0.js.map").write_text(json.dumps(MAPS[0]), "utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("requests", "fault", "said"),
    [(DOWNLOAD, REFUSED, "This one is odd."), ("GET /_storage", xml(403, "AccessDenied"), "AccessDenied")],
)
async def test_a_set_that_cannot_be_had_costs_its_own_frames(
    sandbox: SandboxProcess, tmp_path: Path, requests: str, fault: Answer, said: str
) -> None:
    with Relay(sandbox.url) as relay:
        relay.on(requests, fault)
        reply = await ask(sandbox, tmp_path, relay=relay, issue=FEW)

    assert sources(reply) == [None, "src/c1.ts", "src/c2.ts"]
    assert reply.structured["frames"][0]["verdict"] == "unknown"
    assert said in reply.structured["frames"][0]["reason"]
    assert not reply.is_error


async def test_what_the_local_build_resolves_needs_no_posthog(sandbox: SandboxProcess, first_chunk: Path) -> None:
    """If the key is refused, PostHog is asked only once."""
    with Relay(sandbox.url) as relay:
        relay.on(DOWNLOAD, *[UNAUTHORIZED] * 3)
        reply = await ask(sandbox, first_chunk, relay=relay, issue=FEW, folder=".")

        assert relay.count(DOWNLOAD) == 1
    assert sources(reply) == ["src/c0.ts", None, None]
    reasons = {frame["reason"] for frame in reply.structured["frames"][1:]}
    assert len(reasons) == 1
    assert "key" in reasons.pop()


async def test_what_concerns_all_sets_is_refused_as_a_whole(sandbox: SandboxProcess, tmp_path: Path) -> None:
    with Relay(sandbox.url) as relay:
        relay.on(DOWNLOAD, UNAUTHORIZED)
        reply = await ask(sandbox, tmp_path, relay=relay, issue=FEW)

    assert reply.is_error
    assert "frames" not in reply.structured


async def test_after_three_failures_no_more_sets_are_asked_for(sandbox: SandboxProcess, tmp_path: Path) -> None:
    with Relay(sandbox.url) as relay:
        relay.on(DOWNLOAD, *[REFUSED] * 22)
        reply = await ask(sandbox, tmp_path, relay=relay, issue=MANY)

        assert relay.count(DOWNLOAD) == 3
    assert sources(reply) == [None] * 22
    assert {frame["verdict"] for frame in reply.structured["frames"]} == {"unknown"}


async def test_that_only_so_many_sets_are_fetched_is_said(sandbox: SandboxProcess, first_chunk: Path) -> None:
    alone = await ask(sandbox, first_chunk, issue=MANY)
    beside = await ask(sandbox, first_chunk, issue=MANY, folder=".")

    assert sources(alone) == [*(f"src/c{number}.ts" for number in range(20)), None, None]
    assert sources(beside) == [*(f"src/c{number}.ts" for number in range(21)), None]
    last = alone.structured["frames"][-1]
    assert last["reason"].startswith("Its symbol set was not fetched, since one call fetches 20")
    assert last["next_step"] == (
        "Give folder, a local build, or resolve this frame alone: its line as stack, "
        "with chunk_id 01936f2e-7a51-7000-8000-000000000221."
    )


@pytest.mark.parametrize(
    "stack",
    [
        "RangeError: x\no index-Cn0TbpnG.js@1:300",
        "Fatal Exception: RangeError\n0  ???   0x0 o + 2 (index-Cn0TbpnG.js:1:300)\n1  ???   0x0 apply ((native):0:0)",
        "RangeError: x\n    at o @ https://shop.example/assets/index-Cn0TbpnG.js:1:300",
    ],
)
async def test_stacks_of_error_trackers_are_resolved(sandbox: SandboxProcess, tmp_path: Path, stack: str) -> None:
    shutil.copytree(BUILT / "vite", tmp_path / "dist")
    async with Proxy(host=sandbox.url, key=SecretStr(FULL), project="1") as proxy:
        given = {"stack": stack, "folder": "dist"}
        environment = Environment((tmp_path,), sandbox.url)
        reply = await call_tool(proxy, "source-maps-resolve", given, time_limit=30, environment=environment)

    [frame] = reply.structured["frames"]
    assert (frame["source"], frame["line"], frame["minified_function"]) == ("shop/src/cart.ts", 9, "o")


async def test_a_made_up_position_is_named_and_left_out(sandbox: SandboxProcess, tmp_path: Path) -> None:
    shutil.copytree(BUILT / "vite", tmp_path / "dist")
    stack = (
        "at o (index-Cn0TbpnG.js:1:300)\n    at r (index-Cn0TbpnG.js:0:0)\n    at java.lang.Thread.run(Thread.java:764)"
    )
    environment = Environment((tmp_path,), sandbox.url)
    async with Proxy(host=sandbox.url, key=SecretStr(FULL), project="1") as proxy:
        given = {"stack": stack, "folder": "dist"}
        reply = await call_tool(proxy, "source-maps-resolve", given, time_limit=30, environment=environment)
        given = {"stack": "at r (index-Cn0TbpnG.js:0:0)", "folder": "dist"}
        alone = await call_tool(proxy, "source-maps-resolve", given, time_limit=30, environment=environment)

    assert len(reply.structured["frames"]) == 1
    assert "Left out: 1 frame with a made-up position: line 0, 1 frame of Java or Kotlin." in reply.text
    assert "No frame of this stack is of the app: 1 frame with a made-up position: line 0." in alone.text


def build_with(folder: Path, chunk_id: str) -> None:
    """Make a build whose bundle has this chunk id instead of that of its content."""
    shutil.copytree(BUILT / "vite", folder)
    prepared(folder)
    for path in (folder / INDEX, folder / f"{INDEX}.map"):
        path.write_text(path.read_text("utf-8").replace(OWN_CHUNK, chunk_id), "utf-8")


async def test_a_map_that_came_after_the_event_is_named(sandbox: SandboxProcess, tmp_path: Path) -> None:
    reply = await ask(sandbox, tmp_path, issue=FEW)
    pasted = await ask(sandbox, tmp_path, stack="at o (c0.js:1:14)", chunk_id=CHUNKS[0])

    said = "The maps of 3 chunks are in PostHog, but came after this event. PostHog resolves a frame only once"
    assert sources(reply) == ["src/c0.ts", "src/c1.ts", "src/c2.ts"]
    assert said in reply.text
    assert sources(pasted) == ["src/c0.ts"]
    assert "PostHog resolves a frame only once" not in pasted.text


async def test_a_map_that_posthogs_reader_refuses_is_named_with_the_place(
    sandbox: SandboxProcess, tmp_path: Path
) -> None:
    """Assert the note on a stored and a local map that are read here, and the verdict on a segment that is not."""
    build_with(tmp_path / "dist", ABSENT_CHUNK)
    path = tmp_path / "dist" / f"{INDEX}.map"
    fields = json.loads(path.read_bytes())
    path.write_text(json.dumps(fields | {"mappings": fields["mappings"] + ";;AAAAA,AAAAggggD"}), "utf-8")
    stored = await ask(sandbox, tmp_path, issue=UNREAD)
    local = await ask(sandbox, tmp_path, issue=ABSENT, folder="dist")
    outside = await ask(sandbox, tmp_path, stack="at o (c0.js:2:1)", chunk_id=UNREAD_CHUNK)

    said = f"PostHog cannot use the map of chunk {UNREAD_CHUNK}, so its frames stay minified. PostHog's reader refuses"
    assert sources(stored) == ["src/c0.ts"]
    assert f"{said} it: line 2 of its mappings, segment 1, names source 1 of 1." in stored.text
    assert "Upload with force, and deploy that build." in stored.text
    assert "came after this event" not in stored.text
    assert sources(local) == ["shop/src/cart.ts"]
    assert f"PostHog cannot use the map of chunk {ABSENT_CHUNK}" in local.text
    assert "upload the build with source-maps-upload" not in local.text
    (frame,) = outside.structured["frames"]
    assert frame["verdict"] == "refused_map"
    assert frame["reason"].startswith("PostHog has the map, but cannot use it. PostHog's reader refuses it: line 2")


async def test_a_map_that_only_the_local_build_has_is_to_be_uploaded(sandbox: SandboxProcess, tmp_path: Path) -> None:
    build_with(tmp_path / "dist", ABSENT_CHUNK)
    reply = await ask(sandbox, tmp_path, issue=ABSENT, folder="dist")

    assert sources(reply) == ["shop/src/cart.ts"]
    assert "The map of 1 chunk is not in PostHog: upload the build with source-maps-upload." in reply.text
    assert "came after this event" not in reply.text


async def test_maps_of_another_build_than_the_deployed_one_are_named(sandbox: SandboxProcess, tmp_path: Path) -> None:
    """A job uploads its build, and the host builds again."""
    build_with(tmp_path / "uploaded", CHUNKS[5])
    build_with(tmp_path / "elsewhere", "0e9b3c7a-5d1f-52a8-b6c4-000000000000")
    uploaded = await ask(sandbox, tmp_path, issue=ABSENT, folder="uploaded")
    elsewhere = await ask(sandbox, tmp_path, issue=ABSENT, folder="elsewhere")

    verdicts = [one.structured["frames"][0]["verdict"] for one in (uploaded, elsewhere)]
    assert verdicts == ["other_build_uploaded", "unknown_build"]
    assert "Let one job build, upload and deploy the same files." in uploaded.text
    assert "the same sources give the same chunk ids" in elsewhere.text


async def test_a_map_that_may_have_expired_is_named(sandbox: SandboxProcess, tmp_path: Path) -> None:
    """One chunk id has the time of its build, another build has an old file; no map here can be read."""
    for folder, chunk_id in (("timed", OLD_CHUNK), ("written", ABSENT_CHUNK), ("fresh", ABSENT_CHUNK)):
        build_with(tmp_path / folder, chunk_id)
        (tmp_path / folder / f"{INDEX}.map").write_text("{", "utf-8")
    os.utime(tmp_path / "written" / INDEX, (1_700_000_000, 1_700_000_000))
    replies = [
        await ask(sandbox, tmp_path, issue=issue, folder=folder)
        for issue, folder in ((OLD, "timed"), (ABSENT, "written"), (ABSENT, "fresh"))
    ]

    assert [one.structured["frames"][0]["verdict"] for one in replies] == ["expired", "expired", "refused_map"]
    assert "PostHog deletes a map 30 days after its last use." in replies[0].text
