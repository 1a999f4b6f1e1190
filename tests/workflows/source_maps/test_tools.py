"""The tools over a build, from the folder to a readable frame, with a real PostHog stand-in at the other end."""

import shutil
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from pydantic import SecretStr

from mcp_errortracking.proxy import Proxy
from mcp_errortracking.proxy.rate_limit.limiter import RateLimiter
from mcp_errortracking.proxy.rate_limit.window import Rate
from mcp_errortracking.server.calls import Reply
from mcp_errortracking.workflows.base import Environment
from tests.calls import call_tool
from tests.forked import command
from tests.proxy.connections import Received
from tests.required import program
from tests.sandbox_process import FULL, READ_ONLY, SandboxProcess
from tests.server.http.http_process import environment_for
from tests.server.mcp_client import text_of
from tests.workflows.source_maps.builds import BUILT, contents, copied
from tests.workflows.source_maps.relay import Relay
from tests.workflows.source_maps.written_builds import write_build

pytestmark = pytest.mark.anyio

CHUNKS = {
    "assets/index-Cn0TbpnG.js": "dc03c4a9-38a7-53fb-a2b0-81d2798a4812",
    "assets/report-zkVsIlir.js": "9146fd63-966c-5cf0-959b-354e4520e385",
}
"""Of the vite build: made of the content of each bundle and its map, so always the same."""
SETS = "symbol-set"
INDEX = "assets/index-Cn0TbpnG.js"
REPORT = "assets/report-zkVsIlir.js"
ISSUE = "01936f2e-7a51-7000-8000-000000000101"
SEED: dict[str, Any] = {
    "projects": [{"id": 1}],
    "keys": [{"value": FULL}, {"value": READ_ONLY, "scopes": ["error_tracking:read"]}],
    "issues": [
        {
            "id": ISSUE,
            "name": "RangeError",
            "fingerprints": ["f"],
            "events": {
                "count": 3,
                "since": 1,
                "frames": [
                    {
                        "source": f"https://shop.example/{INDEX}",
                        "line": 2,
                        "column": 300,
                        "function": "o",
                        "failure": f"No sourcemap uploaded for chunk id: {CHUNKS[INDEX]}",
                        "symbol_set": CHUNKS[INDEX],
                    },
                    {
                        "source": f"https://shop.example/{REPORT}",
                        "line": 2,
                        "column": 92,
                        "function": "t",
                        "failure": f"No sourcemap uploaded for chunk id: {CHUNKS[REPORT]}",
                        "symbol_set": CHUNKS[REPORT],
                    },
                    {"source": "src/boot.ts", "line": 3, "function": "boot"},
                ],
            },
        }
    ],
}


@pytest.fixture(scope="module")
def sandbox() -> Any:
    with SandboxProcess(SEED) as running:
        yield running


@pytest.fixture(autouse=True)
def as_seeded(sandbox: SandboxProcess) -> None:
    sandbox.reset()


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    shutil.copytree(BUILT / "vite", tmp_path / "shop" / "dist")
    (tmp_path / "shop" / "package.json").write_text('{"name": "shop-web"}', "utf-8")
    return tmp_path / "shop"


async def ask(sandbox: SandboxProcess, root: Path | None, tool: str, *, key: str = FULL, **arguments: Any) -> Reply:
    async with Proxy(host=sandbox.url, key=SecretStr(key), project="1") as proxy:
        environment = Environment((root,), sandbox.url) if root else None
        return await call_tool(proxy, tool, arguments, time_limit=30, environment=environment)


def change(dist: Path) -> None:
    """Another content under the same chunk id."""
    bundle = dist / "dist" / INDEX
    bundle.write_bytes(bundle.read_bytes().replace(b"//# chunkId", b"0;\n//# chunkId"))


def make_checkout(folder: Path, remote: str) -> None:
    for words in (("init", "--quiet"), ("config", "remote.origin.url", remote)):
        subprocess.run([program("git"), "-C", folder, *words], check=True)


@asynccontextmanager
async def over_stdio(sandbox: SandboxProcess, root: Path) -> AsyncGenerator[Client]:
    started, *arguments = command("--root", str(root))
    server = StdioServerParameters(command=started, args=arguments, env=environment_for(sandbox.url))
    async with Client(stdio_client(server)) as client:
        yield client


async def test_from_the_build_to_a_readable_frame_over_mcp(sandbox: SandboxProcess, dist: Path) -> None:
    seen = list[tuple[float, float | None]]()

    async def progress(progress: float, total: float | None, message: str | None) -> None:
        seen.append((progress, total))

    async with over_stdio(sandbox, dist) as client:
        minified = await client.call_tool("source-maps-resolve", {"issue": ISSUE})
        uploaded = await client.call_tool(
            "source-maps-upload", {"folder": "dist", "version": "1.4.2"}, progress_callback=progress
        )
        readable = await client.call_tool("source-maps-resolve", {"issue": ISSUE})

    assert minified.is_error
    assert "PostHog has no map for this chunk." in text_of(minified)
    data = uploaded.structured_content
    assert data is not None
    assert (data["uploaded"], data["failed"], data["failures"], data["problems"]) == (2, 0, [], [])
    assert (data["release"]["version"], data["release"]["project"]) == ("1.4.2", "shop-web")
    assert {one["path"]: one["chunk_id"] for one in data["chunks"]} == CHUNKS
    assert {total for _, total in seen} == {2}
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert seen[-1][0] == 2
    frames = (readable.structured_content or {})["frames"]
    assert [(frame["source"], frame["line"], frame["chunk_id"]) for frame in frames] == [
        ("shop/src/cart.ts", 9, CHUNKS[INDEX]),
        ("shop/src/report.ts", 7, CHUNKS[REPORT]),
    ]
    assert "> 9|   if (items.length === 0) {" in text_of(readable)
    assert "> 7|     lines.push(checkout(order));" in text_of(readable)
    assert "1 other frames of the event are readable already." in text_of(readable)


async def test_a_second_upload_sends_nothing(sandbox: SandboxProcess, dist: Path) -> None:
    await ask(sandbox, dist, "source-maps-upload", folder="dist")
    before = contents(dist)

    again = await ask(sandbox, dist, "source-maps-upload", folder="dist")

    assert (again.structured["uploaded"], again.structured["unchanged"], again.structured["bytes_sent"]) == (0, 2, 0)
    assert contents(dist) == before


async def test_a_dry_run_writes_and_sends_nothing(sandbox: SandboxProcess, dist: Path) -> None:
    before = contents(dist)
    sandbox.empty_journal()

    plan = await ask(sandbox, dist, "source-maps-upload", folder="dist", dry_run=True)

    assert len(plan.structured["would_write"]) == 4
    assert {one["path"]: one["chunk_id"] for one in plan.structured["chunks"]} == CHUNKS
    assert contents(dist) == before
    assert sandbox.journal() == []


async def test_check_before_and_after(sandbox: SandboxProcess, dist: Path) -> None:
    before = contents(dist)
    missing = await ask(sandbox, dist, "source-maps-check", folder="dist", version="1.4.2", project="shop")
    assert contents(dist) == before
    assert [row["state"] for row in missing.structured["results"]] == ["missing", "missing"]
    assert 'PostHog has no release "1.4.2" of "shop"' in missing.text
    assert "4 files hold no chunk id yet" in missing.text

    await ask(sandbox, dist, "source-maps-upload", folder="dist", version="1.4.2", project="shop")
    there = await ask(sandbox, dist, "source-maps-check", folder="dist", version="1.4.2", project="shop")
    assert [row["state"] for row in there.structured["results"]] == ["uploaded", "uploaded"]
    assert not any(row["wrong_release"] for row in there.structured["results"])
    (dist / "dist" / INDEX).write_bytes(
        (dist / "dist" / INDEX).read_bytes().replace(b"//# chunkId", b"0;\n//# chunkId")
    )
    changed = await ask(sandbox, dist, "source-maps-check", folder="dist")
    assert {row["path"]: row["state"] for row in changed.structured["results"]}[INDEX] == "different"


async def test_bundles_whose_maps_were_deleted_are_checked_by_their_chunk_ids(
    sandbox: SandboxProcess, dist: Path
) -> None:
    await ask(sandbox, dist, "source-maps-upload", folder="dist", version="1.4.2", release_mode="event")
    for source_map in (dist / "dist").rglob("*.map"):
        source_map.unlink()
    before = contents(dist)
    told = await ask(sandbox, dist, "source-maps-check", folder="dist", version="1.4.2")
    uploaded = await ask(sandbox, dist, "source-maps-upload", folder="dist", delete_after=True)
    sandbox.reset()
    missing = await ask(sandbox, dist, "source-maps-check", folder="dist")

    assert {row["path"]: row["chunk_id"] for row in told.structured["results"]} == CHUNKS
    states = [(row["state"], row["compared"], row["wrong_release"]) for row in told.structured["results"]]
    assert states == [("uploaded", False, False)] * 2
    assert told.structured["problems"] == []
    assert [row["state"] for row in missing.structured["results"]] == ["missing", "missing"]
    assert (uploaded.is_error, uploaded.structured["uploaded"]) == (False, 0), "a job that is simply run again"
    what = "Without their maps, so that only source-maps-check can compare them with PostHog:"
    assert f'{what} "{INDEX}" and 1 more.' in uploaded.text
    assert contents(dist) == before


async def test_maps_are_deleted_once_posthog_has_them(sandbox: SandboxProcess, dist: Path) -> None:
    twin = dist / "dist" / "twin"
    shutil.copytree(dist / "dist" / "assets", twin)
    (dist / "dist" / "broken.js").write_text("f()\n//# sourceMappingURL=broken.js.map\n", "utf-8")
    (dist / "dist" / "broken.js.map").write_text("{", "utf-8")
    before = contents(dist)
    maps = sorted(name for name in before if name.endswith(".map") and "broken" not in name)
    plan = await ask(sandbox, dist, "source-maps-upload", folder="dist", delete_after=True, dry_run=True)
    assert contents(dist) == before
    assert "the maps of the chunks in PostHog would be deleted, and the comments that name them." in plan.text
    refused = await ask(sandbox, dist, "source-maps-upload", key=READ_ONLY, folder="dist", delete_after=True)
    assert (refused.is_error, sorted(contents(dist))) == (True, sorted(before))

    reply = await ask(sandbox, dist, "source-maps-upload", folder="dist", delete_after=True)
    again = await ask(sandbox, dist, "source-maps-upload", folder="dist", delete_after=True)

    assert (reply.structured["uploaded"], reply.structured["duplicates"]) == (2, len(maps) - 2)
    assert reply.structured["maps_deleted"] == len(maps) == 4
    assert "maps_deleted: 4" in reply.text
    assert sorted(contents(dist)) == sorted(set(before) - set(maps)), "the broken one is kept, and every bundle"
    assert [problem["path"] for problem in again.structured["problems"]] == ["broken.js"]


async def test_maps_that_changed_or_that_others_need_are_kept(sandbox: SandboxProcess, dist: Path) -> None:
    elsewhere = dist / "maps" / "a.map"
    elsewhere.parent.mkdir()
    elsewhere.write_text('{"version": 3, "sources": ["a"], "mappings": "AAAA"}', "utf-8")
    (dist / "dist" / "linked.js").write_text("linked()", "utf-8")
    (dist / "dist" / "linked.js.map").symlink_to(elsewhere)
    shutil.copy(dist / "dist" / INDEX, dist / "dist" / "assets" / "copy.js")
    before = contents(dist)
    with Relay(sandbox.url) as relay:

        def build_again(request: Received, at: str) -> None:
            if request.target.endswith("/bulk_finish_upload/") and at == "before":
                source_map = dist / "dist" / f"{REPORT}.map"
                source_map.write_bytes(source_map.read_bytes().replace(b'"version"', b' "version"'))

        relay.watch = build_again
        async with Proxy(host=relay.url, key=SecretStr(FULL), project="1") as proxy:
            arguments = {"folder": "dist", "delete_after": True}
            environment = Environment((dist,), relay.url)
            reply = await call_tool(proxy, "source-maps-upload", arguments, time_limit=30, environment=environment)

    assert (reply.structured["uploaded"], reply.structured["maps_deleted"]) == (3, 0)
    assert f'or other bundles use them: "{INDEX}" and 2 more.' in reply.text
    assert sorted(contents(dist)) == sorted(before)
    assert (dist / "dist" / "linked.js.map").is_symlink()


async def test_unchanged_chunks_get_the_release_beside_one_that_keeps_its_own(
    sandbox: SandboxProcess, tmp_path: Path
) -> None:
    write_build(tmp_path, 4)
    await ask(
        sandbox, tmp_path, "source-maps-upload", folder=".", include=["chunk-0.js"], version="1.0", release_mode=SETS
    )
    await ask(sandbox, tmp_path, "source-maps-upload", folder=".", exclude=["chunk-0.js"])

    second = await ask(sandbox, tmp_path, "source-maps-upload", folder=".", version="2.0", release_mode=SETS)

    held = {row["ref"]: row["release"]["version"] for row in sandbox.api("GET", "symbol_sets/").json()["results"]}
    versions = {row["path"]: held[row["chunk_id"]] for row in second.structured["chunks"]}
    assert versions == {"chunk-0.js": "1.0", "chunk-1.js": "2.0", "chunk-2.js": "2.0", "chunk-3.js": "2.0"}
    assert "1 unchanged chunks keep the release that they were first uploaded for" in second.text


async def test_bundles_that_tell_another_release_than_their_sets_are_found(sandbox: SandboxProcess, dist: Path) -> None:
    await ask(sandbox, dist, "source-maps-upload", folder="dist", version="1.0", release_mode="event")
    second = await ask(sandbox, dist, "source-maps-upload", folder="dist", version="2.0", release_mode=SETS)
    checked = await ask(sandbox, dist, "source-maps-check", folder="dist", version="2.0")

    assert (
        f'Bundles with another release, injected earlier with release_mode event: "{INDEX}" and 1 more.' in second.text
    )
    assert [row["wrong_release"] for row in checked.structured["results"]] == [True, True]


async def test_bytecode_names_no_release_and_the_check_says_what_to_do(sandbox: SandboxProcess, tmp_path: Path) -> None:
    copied(tmp_path, "hermes")
    of_release = {"folder": "hermes", "version": "1.0", "project": "app"}
    await ask(sandbox, tmp_path, "source-maps-upload", **of_release, release_mode="event")
    unbound = await ask(sandbox, tmp_path, "source-maps-check", **of_release)
    await ask(sandbox, tmp_path, "source-maps-upload", **of_release, release_mode=SETS)
    bound = await ask(sandbox, tmp_path, "source-maps-check", **of_release)

    assert 'Events of "main.jsbundle.map" get theirs from the app\'s version, or from their map after' in unbound.text
    assert "Upload with release_mode event" not in unbound.text
    assert "get theirs" not in bound.text


async def test_many_failures_for_one_reason_are_told_once(sandbox: SandboxProcess, tmp_path: Path) -> None:
    write_build(tmp_path, 101)
    await ask(sandbox, tmp_path, "source-maps-upload", folder=".")
    for number in range(101):
        bundle = tmp_path / f"chunk-{number}.js"
        bundle.write_bytes(bundle.read_bytes().replace(b"//# chunkId", b"0;\n//# chunkId"))

    reply = await ask(sandbox, tmp_path, "source-maps-upload", folder=".")
    checked = await ask(sandbox, tmp_path, "source-maps-check", folder=".")

    assert (len(reply.structured["failures"]), reply.structured["failed"]) == (101, 101)
    assert reply.text.count("Upload with force to overwrite it") == 1
    assert len(reply.text) < 1000
    assert (len(checked.structured["results"]), checked.text.count("chunk-")) == (101, 100)
    assert "1 more that need action are left out too" in checked.text


async def test_a_refused_map_that_has_its_id_is_neither_sent_nor_called_uploaded(
    sandbox: SandboxProcess, dist: Path
) -> None:
    """Another tool wrote the id into both files, so that the map is not read before it is compared."""
    bundle, refused = dist / "dist" / "bad.js", dist / "dist" / "bad.js.map"
    bundle.write_bytes(b"run()\n//# sourceMappingURL=bad.js.map\n//# chunkId=bad-map\n")
    refused.write_bytes(b'{"chunk_id":"bad-map","version":3,"sources":["a"],"names":[],"mappings":"AAAAAAA"}')

    reply = await ask(sandbox, dist, "source-maps-upload", folder="dist")
    checked = await ask(sandbox, dist, "source-maps-check", folder="dist")

    (failure,) = reply.structured["failures"]
    assert (failure["path"], failure["code"], reply.structured["uploaded"]) == ("bad.js", "refused_map", 2)
    assert "has 7 numbers" in str(failure)
    assert reply.is_error
    assert checked.structured["symbolication"] == {"covered": 2, "bundles": 3}
    assert [problem["code"] for problem in checked.structured["problems"]] == ["refused_map"]


async def test_a_map_that_posthog_does_not_have_is_kept(sandbox: SandboxProcess, dist: Path) -> None:
    await ask(sandbox, dist, "source-maps-upload", folder="dist")
    change(dist)
    before = contents(dist)
    failed = await ask(sandbox, dist, "source-maps-upload", folder="dist", delete_after=True)
    kept = await ask(sandbox, dist, "source-maps-upload", folder="dist", delete_after=True, skip_on_conflict=True)

    assert (failed.structured["failed"], failed.structured["maps_deleted"]) == (1, 1)
    assert (kept.structured["kept_other_content"], kept.structured["maps_deleted"]) == (1, 0)
    assert sorted(set(before) - set(contents(dist))) == [f"dist/{REPORT}.map"]


async def test_what_has_no_map_or_no_bundle_does_not_fail_the_rest(sandbox: SandboxProcess, dist: Path) -> None:
    """Next.js, for one, leaves some of both in every build."""
    for name in ("polyfills.js", "sw.js"):
        (dist / "dist" / name).write_text("g()", "utf-8")
    (dist / "dist" / "route.js").touch()  # React Router's, for a route that only the server has
    (dist / "dist" / "nomodule.js.map").write_text('{"version": 3, "sources": ["a"], "mappings": "AAAA"}', "utf-8")
    (dist / "dist" / REPORT).write_bytes((dist / "dist" / REPORT).read_bytes() + b"\n//# chunkId=0\n")
    (dist / "dist" / f"{REPORT}.map").unlink()
    planned = await ask(sandbox, dist, "source-maps-upload", folder="dist", dry_run=True)
    uploaded = await ask(sandbox, dist, "source-maps-upload", folder="dist")
    checked = await ask(sandbox, dist, "source-maps-check", folder="dist")

    for reply in (planned, uploaded, checked):
        assert not reply.is_error
        assert reply.structured["problems"] == []
        assert reply.structured["without_map"] == ["polyfills.js", "sw.js"]
        assert 'Without a source map, so that their frames stay minified: "polyfills.js" and 1 more.' in reply.text
        assert reply.structured["without_bundle"] == ["nomodule.js.map"]
        assert 'older build, to a script inside a page, or are unused: "nomodule.js.map".' in reply.text
        assert 'Empty, and without a map: "route.js". If they should not be empty, build again.' in reply.text
    assert uploaded.structured["uploaded"] == 1
    assert [(row["path"], row["state"]) for row in checked.structured["results"]] == [
        (INDEX, "uploaded"),
        (REPORT, "missing"),
    ]
    assert contents(dist)["dist/sw.js"] == b"g()"


async def test_a_conflict_offers_its_choices(sandbox: SandboxProcess, dist: Path) -> None:
    await ask(sandbox, dist, "source-maps-upload", folder="dist")
    change(dist)

    refused = await ask(sandbox, dist, "source-maps-upload", folder="dist")
    kept = await ask(sandbox, dist, "source-maps-upload", folder="dist", skip_on_conflict=True)
    forced = await ask(sandbox, dist, "source-maps-upload", folder="dist", force=True)

    assert refused.is_error
    assert refused.structured["failures"][0]["code"] == "content_hash_mismatch"
    assert refused.structured["failures"][0]["choices"] == ["force", "skip_on_conflict"]
    assert (kept.is_error, kept.structured["kept_other_content"], kept.structured["unchanged"]) == (False, 1, 1)
    assert (forced.is_error, forced.structured["uploaded"], forced.structured["unchanged"]) == (False, 1, 1)


async def test_look_inside_and_write_the_sources(sandbox: SandboxProcess, dist: Path) -> None:
    await ask(sandbox, dist, "source-maps-upload", folder="dist")

    inside = await ask(sandbox, dist, "symbol-set-inspect", ref=CHUNKS[INDEX], write_to="sources")
    one = await ask(sandbox, dist, "symbol-set-inspect", ref=CHUNKS[INDEX], source="../../../shop/src/cart.ts")
    same = await ask(sandbox, dist, "symbol-set-inspect", ref=CHUNKS[INDEX], source="shop/src/cart.ts")

    assert inside.structured["kind"] == "source_and_map"
    assert inside.structured["chunk_id_in_bundle"] == CHUNKS[INDEX]
    names = [row["source"].rpartition("/")[2] for row in inside.structured["sources"]]
    assert names == ["price.ts", "cart.ts", "main.ts"]
    written = [Path(path) for path in inside.structured["written"]]
    assert {path.name for path in written} == set(names)
    assert all(path.is_relative_to(dist / "sources") for path in written)
    assert next(path for path in written if path.name == "cart.ts").read_text("utf-8") == one.structured["text"]
    assert same.structured["text"] == one.structured["text"]
    assert "    export function total(items: Item[]): Price {" not in inside.text
    assert "export function total(items: Item[]): Price {" in one.text


async def test_resolve_from_a_local_build_and_name_the_chunk_that_is_not_there(
    sandbox: SandboxProcess, dist: Path
) -> None:
    sandbox.empty_journal()
    stack = f"Error: x\n    at o (https://shop.example/{INDEX}:1:300)\n    at https://shop.example/other.js:1:5"

    local = await ask(sandbox, dist, "source-maps-resolve", stack=stack, folder="dist")
    nowhere = await ask(sandbox, dist, "source-maps-resolve", stack="main.js:1:5", chunk_id="no-such-chunk")
    await ask(sandbox, dist, "source-maps-upload", folder="dist")
    renamed = await ask(
        sandbox, dist, "source-maps-resolve", stack="at o (live.js:2:300)", folder="dist", chunk_id=CHUNKS[INDEX]
    )

    assert [frame["source"] for frame in renamed.structured["frames"]] == ["shop/src/cart.ts"]
    frames = local.structured["frames"]
    assert [frame["resolved"] for frame in frames] == [True, False]
    assert (frames[0]["source"], frames[0]["line"]) == ("shop/src/cart.ts", 9)
    assert not local.is_error
    assert nowhere.structured["frames"][0]["verdict"] == "not_uploaded"
    assert nowhere.is_error


@pytest.mark.parametrize(
    ("tool", "arguments", "code", "said"),
    [
        ("source-maps-upload", {"folder": "../elsewhere"}, "outside_roots", "may not be used"),
        ("source-maps-upload", {"folder": "nothing"}, "no_folder", "is not a folder"),
        ("source-maps-upload", {"folder": "empty"}, "nothing_found", "Turn on source maps in the bundler"),
        (
            "source-maps-upload",
            {"folder": "dist", "include": ["*.ts"]},
            "nothing_found",
            "that include and exclude select",
        ),
        (
            "source-maps-upload",
            {"folder": "hollow"},
            "nothing_found",
            'Skipped, because their maps map nothing: "a.js".',
        ),
        ("source-maps-resolve", {"stack": "hello"}, "no_frames", "No frame was found in stack."),
        ("symbol-set-inspect", {"ref": "no-such-set"}, "no_symbol_set", "There is no symbol set for no-such-set."),
        ("symbol-set-inspect", {"ref": "x", "id": ISSUE}, "invalid_arguments", "give id or ref, one of them"),
        ("source-maps-resolve", {}, "invalid_arguments", "give stack or issue, one of them"),
        ("source-maps-upload", {"folder": "dist", "project": "x"}, "invalid_arguments", "version: needed with project"),
        (
            "source-maps-upload",
            {"folder": "dist", "release_mode": "event"},
            "invalid_arguments",
            "version: needed with release_mode event",
        ),
    ],
)
async def test_what_cannot_be_done_is_said(
    sandbox: SandboxProcess, dist: Path, tool: str, arguments: dict[str, Any], code: str, said: str
) -> None:
    (dist / "empty").mkdir()
    (dist / "hollow").mkdir()
    (dist / "hollow" / "a.js").write_text("f()\n//# sourceMappingURL=a.js.map\n", "utf-8")
    (dist / "hollow" / "a.js.map").write_text('{"version": 3, "sources": [], "mappings": ""}', "utf-8")
    before = contents(dist)

    reply = await ask(sandbox, dist, tool, **arguments)

    assert reply.is_error
    assert reply.structured == {"error": {"code": code}}
    assert said in reply.text
    assert contents(dist) == before


async def test_bundles_that_tell_their_release_are_uploaded_once_for_all_releases(
    sandbox: SandboxProcess, dist: Path
) -> None:
    async def upload(version: str, **more: Any) -> dict[str, Any]:
        reply = await ask(
            sandbox, dist, "source-maps-upload", folder="dist", version=version, release_mode="event", **more
        )
        assert not reply.is_error, reply.text
        return reply.structured

    first = await upload("1.4.2")
    assert (first["uploaded"], first["release"]["version"], first["release"]["is_new"]) == (2, "1.4.2", True)
    bundle = dist / "dist" / INDEX
    assert f'g._posthogReleaseId||"{first["release"]["id"]}";'.encode() in bundle.read_bytes()
    before = contents(dist)

    planned = await upload("1.5.0", dry_run=True)
    assert planned["would_write"] == list(CHUNKS)
    assert contents(dist) == before
    assert [one["version"] for one in sandbox.api("GET", "releases/").json()["results"]] == ["1.4.2"]

    second = await upload("1.5.0")
    assert (second["uploaded"], second["unchanged"], second["bytes_sent"]) == (0, 2, 0)
    assert second["files_written"] == list(CHUNKS)
    assert bundle.read_bytes() == before[f"dist/{INDEX}"].replace(
        first["release"]["id"].encode(), second["release"]["id"].encode()
    )
    rows = sandbox.api("GET", "symbol_sets/").json()["results"]
    assert {row["ref"]: row["release"] for row in rows} == dict.fromkeys(CHUNKS.values())

    checked = await ask(sandbox, dist, "source-maps-check", folder="dist", version="1.5.0")
    assert [(one["state"], one["wrong_release"]) for one in checked.structured["results"]] == [("uploaded", False)] * 2
    older = await ask(sandbox, dist, "source-maps-check", folder="dist", version="1.4.2")
    assert [one["wrong_release"] for one in older.structured["results"]] == [True, True]


async def test_with_told_releases_a_newer_map_replaces_the_older(sandbox: SandboxProcess, dist: Path) -> None:
    """A comment that was changed: the same code, so the same chunk id."""
    await ask(sandbox, dist, "source-maps-upload", folder="dist", version="1.4.2", release_mode="event")
    source_map = dist / "dist" / f"{INDEX}.map"
    source_map.write_bytes(source_map.read_bytes().replace(b"the cart is empty", b"the cart is EMPTY"))
    given: dict[str, Any] = {"folder": "dist", "version": "1.4.2", "release_mode": "event"}

    kept = await ask(sandbox, dist, "source-maps-upload", skip_on_conflict=True, **given)
    assert (kept.structured["uploaded"], kept.structured["kept_other_content"]) == (0, 1)
    replaced = await ask(sandbox, dist, "source-maps-upload", **given)
    assert (replaced.structured["uploaded"], replaced.structured["unchanged"]) == (1, 1)


async def test_a_release_is_not_put_into_what_another_tool_prepared(sandbox: SandboxProcess, dist: Path) -> None:
    bundle = dist / "dist" / INDEX
    bundle.write_bytes(
        b'!function(){g._posthogChunkIds[s]="theirs"}();' + bundle.read_bytes() + b"\n//# chunkId=theirs\n"
    )
    before = bundle.read_bytes()
    reply = await ask(sandbox, dist, "source-maps-upload", folder="dist", version="1.4.2", release_mode="event")

    assert not reply.is_error
    assert bundle.read_bytes() == before
    assert f'Without the release id, because another tool put in their chunk id: "{INDEX}".' in reply.text


async def test_a_map_that_maps_nothing_is_passed_over(sandbox: SandboxProcess, dist: Path) -> None:
    """Bundlers write one for a bundle that only loads others: nothing is wrong with it."""
    for name in ("loader.js", "other.js"):
        (dist / "dist" / name).write_text(f"import('./x.js');\n//# sourceMappingURL={name}.map\n", "utf-8")
        (dist / "dist" / f"{name}.map").write_text('{"version":3,"sources":[],"names":[],"mappings":";"}', "utf-8")
    before = contents(dist)
    reply = await ask(sandbox, dist, "source-maps-upload", folder="dist")

    assert (reply.structured["uploaded"], reply.structured["problems"]) == (2, [])
    assert reply.structured["notes"] == ['Skipped, because their maps map nothing: "loader.js" and 1 more.']
    after = contents(dist)
    assert {name for name in after if after[name] == before[name]} > {
        f"dist/{name}" for name in ("loader.js", "loader.js.map", "other.js", "other.js.map")
    }


async def test_without_a_root_nothing_is_touched(sandbox: SandboxProcess, dist: Path) -> None:
    reply = await ask(sandbox, None, "source-maps-upload", folder=str(dist))

    assert reply.structured == {"error": {"code": "no_roots"}}
    assert "start it with --root" in reply.text


@pytest.mark.parametrize("version", [None, "1.4.2"])
async def test_without_a_posthog_that_knows_the_key_no_file_is_written(
    sandbox: SandboxProcess, dist: Path, version: str | None
) -> None:
    before = contents(dist)
    named = {} if version is None else {"version": version}

    refused = await ask(sandbox, dist, "source-maps-upload", key="phx_of_nobody", folder="dist", **named)
    planned = await ask(sandbox, dist, "source-maps-upload", key="phx_of_nobody", folder="dist", dry_run=True, **named)

    assert refused.structured["error"]["status"] == 401
    assert not planned.is_error
    assert contents(dist) == before


async def test_a_key_that_may_only_read_cannot_upload(sandbox: SandboxProcess, dist: Path) -> None:
    reply = await ask(sandbox, dist, "source-maps-upload", key=READ_ONLY, folder="dist")

    assert reply.is_error
    assert reply.structured["error"]["code"] == "missing_scope"
    assert "The API key lacks the scope error_tracking:write." in reply.text
    assert "4 local files already have their chunk ids." in reply.text
    assert sandbox.api("GET", "symbol_sets/").json()["count"] == 0


async def test_a_refused_key_is_not_tried_again_for_each_batch(sandbox: SandboxProcess, tmp_path: Path) -> None:
    write_build(tmp_path, 260)
    sandbox.empty_journal()

    reply = await ask(sandbox, tmp_path, "source-maps-upload", key=READ_ONLY, folder=".")

    assert reply.structured["error"]["code"] == "missing_scope"
    assert len(reply.text) < 500
    starts = [one for one in sandbox.journal() if "bulk_start_upload" in one["path"]]
    assert 1 <= len(starts) <= 3  # the batches that were on their way at once


async def test_where_nothing_can_be_uploaded_every_file_is_named(sandbox: SandboxProcess, tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("f()\n//# sourceMappingURL=a.js.map\n", "utf-8")
    (tmp_path / "a.js.map").write_text("{", "utf-8")
    (tmp_path / "b.js").write_text("g()", "utf-8")
    sandbox.empty_journal()

    for tool, mode in (("source-maps-upload", {"release_mode": SETS}), ("source-maps-check", {})):
        reply = await ask(sandbox, tmp_path, tool, folder=".", version="1", **mode)
        assert reply.is_error
        assert {one["path"]: one["code"] for one in reply.structured["problems"]} == {"a.js": "broken_map"}
        assert reply.structured["without_map"] == ["b.js"]
        assert all(one["next_step"] in reply.text for one in reply.structured["problems"])

    assert [one["path"] for one in sandbox.journal() if one["method"] != "GET"] == []


async def test_of_a_large_build_only_what_needs_something_is_shown(sandbox: SandboxProcess, tmp_path: Path) -> None:
    write_build(tmp_path, 101)
    planned = await ask(sandbox, tmp_path, "source-maps-upload", folder=".", dry_run=True)
    await ask(sandbox, tmp_path, "source-maps-upload", folder=".")
    checked = await ask(sandbox, tmp_path, "source-maps-check", folder=".")
    bundle = tmp_path / "chunk-7.js"
    bundle.write_bytes(bundle.read_bytes().replace(b"//# chunkId", b"0;\n//# chunkId"))
    changed = await ask(sandbox, tmp_path, "source-maps-check", folder=".")

    assert (len(planned.structured["chunks"]), len(planned.structured["would_write"])) == (101, 202)
    assert planned.text.splitlines()[:2] == ["chunks: 101", "would_write: 202"]
    assert (len(checked.structured["results"]), len(checked.text) < 200) == (101, True)
    assert "101 chunks that need no action are left out." in checked.text
    assert "chunk-7.js" in changed.text
    assert "chunk-8.js" not in changed.text


async def test_of_bundles_with_one_chunk_id_a_check_takes_the_one_that_an_upload_takes(
    sandbox: SandboxProcess, tmp_path: Path
) -> None:
    for name, source in (("a", "src/one.ts"), ("b", "../src/one.ts")):
        (tmp_path / name).mkdir()
        script = "f();\n//# sourceMappingURL=one.js.map\n//# chunkId=mine\n"
        (tmp_path / name / "one.js").write_text(script, "utf-8")
        text = f'{{"version": 3, "sources": ["{source}"], "names": [], "mappings": "AAAA"}}'
        (tmp_path / name / "one.js.map").write_text(text, "utf-8")

    uploaded = await ask(sandbox, tmp_path, "source-maps-upload", folder=".")
    checked = await ask(sandbox, tmp_path, "source-maps-check", folder=".")

    assert (uploaded.structured["uploaded"], uploaded.structured["duplicates"]) == (1, 1)
    assert 'another bundle has the same chunk id and another map: "b/one.js".' in uploaded.text
    assert uploaded.is_error, "frames of the second would be resolved by the first one's map"
    assert [(one["path"], one["state"]) for one in checked.structured["results"]] == [("a/one.js", "uploaded")]


@pytest.mark.parametrize("mode", ["symbol-set", "event"])
async def test_a_changed_comment_is_no_conflict_with_the_release_before(
    sandbox: SandboxProcess, dist: Path, mode: str
) -> None:
    """The code stays what it was, and the map that holds its sources does not."""
    pristine = contents(dist)
    first = await ask(sandbox, dist, "source-maps-upload", folder="dist", version="1.4.2", release_mode=mode)
    for name, content in pristine.items():
        (dist / name).write_bytes(content.replace(b"export", b"/* new */ export") if ".map" in name else content)
    second = await ask(sandbox, dist, "source-maps-upload", folder="dist", version="1.5.0", release_mode=mode)
    checked = await ask(sandbox, dist, "source-maps-check", folder="dist", version="1.5.0")

    assert (first.structured["uploaded"], second.structured["uploaded"]) == (2, 2)
    assert not second.is_error
    rows = checked.structured["results"]
    assert [(row["state"], row["wrong_release"]) for row in rows] == [("uploaded", False)] * 2
    assert sandbox.api("GET", "symbol_sets/").json()["count"] == 4


async def test_the_product_is_named_by_the_nearest_manifest_that_has_a_name(
    sandbox: SandboxProcess, dist: Path
) -> None:
    (dist / "dist" / "package.json").write_text('{"type": "commonjs"}', "utf-8")

    uploaded = await ask(sandbox, dist, "source-maps-upload", folder="dist", version="1.4.2")

    assert uploaded.structured["release"]["project"] == "shop-web"


async def test_a_hash_of_another_tool_is_no_difference(sandbox: SandboxProcess, tmp_path: Path) -> None:
    """PostHog's own command line puts in another line, and hashes what it uploads in another way."""
    for name in ("theirs", "ours"):
        (tmp_path / f"{name}.js").write_text(f"{name}()\n//# sourceMappingURL={name}.js.map\n", "utf-8")
        text = '{"version": 3, "sources": ["a.ts"], "names": [], "mappings": "AAAA"}'
        (tmp_path / f"{name}.js.map").write_text(text, "utf-8")
    theirs = tmp_path / "theirs.js"
    theirs.write_text(f"!function(){{/* theirs */}}();{theirs.read_text('utf-8')}//# chunkId=of-theirs\n", "utf-8")
    await ask(sandbox, tmp_path, "source-maps-upload", folder=".")
    for name in ("theirs", "ours"):  # as if the hash were another: the content is
        bundle = tmp_path / f"{name}.js"
        bundle.write_bytes(bundle.read_bytes().replace(b"()\n", b"();\n"))
    checked = await ask(sandbox, tmp_path, "source-maps-check", folder=".")

    states = {row["path"]: (row["state"], row["compared"]) for row in checked.structured["results"]}
    assert states == {"ours.js": ("different", True), "theirs.js": ("uploaded", False)}


async def test_that_unchanged_bundles_keep_their_release_is_said(sandbox: SandboxProcess, dist: Path) -> None:
    await ask(sandbox, dist, "source-maps-upload", folder="dist", version="1.4.2", release_mode=SETS)
    await ask(sandbox, dist, "source-maps-upload", folder="dist", version="1.5.0", release_mode=SETS)

    checked = await ask(sandbox, dist, "source-maps-check", folder="dist", version="1.5.0")

    assert [one["wrong_release"] for one in checked.structured["results"]] == [True, True]
    assert f'Events of "{INDEX}" and 1 more name another release, or none' in checked.text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "Give chunk_id (the script's last line has it: //# chunkId=...), or folder: a local build."),
        ({"folder": "dist"}, "No bundle with a map in dist is named gone.js. Name the folder"),
    ],
)
async def test_for_a_pasted_stack_what_to_give_is_said(
    sandbox: SandboxProcess, dist: Path, arguments: dict[str, Any], said: str
) -> None:
    reply = await ask(
        sandbox, dist, "source-maps-resolve", stack="at o (https://shop.example/gone.js:1:3)", **arguments
    )

    assert reply.is_error
    assert said in reply.text


async def test_how_long_the_limits_will_take_is_said_beforehand(sandbox: SandboxProcess, dist: Path) -> None:
    rate_limiter = RateLimiter(sandbox.url, limited=True, rates=(Rate(6, 60.0),))
    async with Proxy(host=sandbox.url, key=SecretStr(FULL), project="1", rate_limiter=rate_limiter) as proxy:
        for _ in range(3):
            await proxy.send("GET", "error_tracking/symbol_sets/")
        plan = await call_tool(
            proxy,
            "source-maps-upload",
            {"folder": "dist", "dry_run": True},
            time_limit=30,
            environment=Environment((dist,), sandbox.url),
        )

    assert not plan.is_error
    assert "About 7 requests: PostHog's rate limits make them wait" in plan.text


@pytest.mark.parametrize(
    ("remote", "told"),
    [
        ("https://ada:secret@git.example:8443/shop.git", "https://git.example:8443/shop.git"),
        ("git@git.example:shop.git", "git.example:shop.git"),
        ("https://ada:secret@[git.example/shop.git", None),
        ("https://ada:secret@git.example:port/shop.git", None),
    ],
)
async def test_a_release_names_its_remote_without_what_opens_it(
    sandbox: SandboxProcess, dist: Path, remote: str, told: str | None
) -> None:
    make_checkout(dist, remote)

    await ask(sandbox, dist, "source-maps-upload", folder="dist", version="1.4.2")

    (release,) = sandbox.api("GET", "releases/").json()["results"]
    assert ((release["metadata"] or {}).get("git") or {}).get("remote_url") == told


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ('[remote "github"]\n\tfetch = x\n[remote "b"]\n\turl = https://b.example/s.git\n', "https://b.example/s.git"),
        (
            '[remote "b"]\n\turl = https://b.example/s.git\n[remote "origin"]\n\turl = https://o.example/s.git\n',
            "https://o.example/s.git",
        ),
        ('[branch "main"]\n\turl = https://b.example/s.git\n', None),
    ],
)
async def test_a_checkout_without_an_origin_names_its_first_remote(
    sandbox: SandboxProcess, dist: Path, config: str, named: str | None
) -> None:
    make_checkout(dist, "https://x.example/s.git")
    (dist / ".git" / "config").write_text(config, "utf-8")

    await ask(sandbox, dist, "source-maps-upload", folder="dist", version="1.4.2")

    (release,) = sandbox.api("GET", "releases/").json()["results"]
    assert ((release["metadata"] or {}).get("git") or {}).get("remote_url") == named


async def test_a_frame_at_a_broken_url_is_not_resolved(sandbox: SandboxProcess, dist: Path) -> None:
    stack = "at o (https://[shop/a.js:1:5)"
    reply = await ask(sandbox, dist, "source-maps-resolve", stack=stack, folder="dist", deployed=True)

    assert [frame["verdict"] for frame in reply.structured["frames"]] == ["no_chunk_id"]


@pytest.mark.parametrize(("variable", "is_in_bundle"), [(None, True), ("event", True), ("symbol-set", False)])
async def test_the_release_mode_is_that_of_posthogs_command_line(
    sandbox: SandboxProcess, dist: Path, variable: str | None, is_in_bundle: bool
) -> None:
    """Assert who names the release: by default the bundle. A ProGuard mapping is bound to it in any case."""
    (dist / "dist" / "mapping.txt").write_text("# compiler: R8\na.B -> c:\n", "utf-8")
    more = {} if variable is None else {"release_mode": variable}
    environment = Environment((dist,), sandbox.url, **more)
    arguments = {"folder": "dist", "version": "1.4.2", "proguard_id": "the-map"}
    async with Proxy(host=sandbox.url, key=SecretStr(FULL), project="1") as proxy:
        reply = await call_tool(proxy, "source-maps-upload", arguments, time_limit=30, environment=environment)

    rows = sandbox.api("GET", "symbol_sets/").json()["results"]
    bound = {row["ref"]: (row["release"] or {}).get("version") for row in rows}
    of_bundles = None if is_in_bundle else "1.4.2"
    assert not reply.is_error, reply.text
    assert bound == {**dict.fromkeys(CHUNKS.values(), of_bundles), "the-map": "1.4.2"}
    assert (b"_posthogReleaseId" in (dist / "dist" / INDEX).read_bytes()) is is_in_bundle


@pytest.mark.parametrize(
    ("folder", "named"),
    [
        (".next/static/chunks", ".next/static"),
        ("client/_app/immutable/entry", "_app/immutable"),
        ("public/_nuxt", "_nuxt"),
        ("assets", None),
    ],
)
async def test_changed_bundles_in_immutable_folders_are_named(
    sandbox: SandboxProcess, tmp_path: Path, folder: str, named: str | None
) -> None:
    (tmp_path / folder).mkdir(parents=True)
    write_build(tmp_path / folder, 1)
    first = await ask(sandbox, tmp_path, "source-maps-upload", folder=folder)
    again = await ask(sandbox, tmp_path, "source-maps-upload", folder=folder)

    assert (f"Hosts serve {named} as immutable" in first.text) is (named is not None)
    assert "as immutable" not in again.text
