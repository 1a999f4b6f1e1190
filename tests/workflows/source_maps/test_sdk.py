"""PostHog's own SDK in our bundles: it sends their chunk ids and their release, and its frames resolve."""

import json
from pathlib import Path

import pytest

from mcp_errortracking.workflows.source_maps.resolve.frames import parse_event_frames
from mcp_errortracking.workflows.source_maps.resolve.local_build import LocalBuild
from mcp_errortracking.workflows.source_maps.resolve.resolution import resolve
from tests.clients.node_tools import modules, node
from tests.workflows.source_maps.builds import copied, looked_through, prepared

RELEASE = "01936f2e-7a51-7000-8000-0000000000a1"


@pytest.mark.parametrize("release_id", [None, RELEASE])
def test_the_sdk_sends_what_was_put_in(tmp_path: Path, release_id: str | None) -> None:
    folder = copied(tmp_path, "esbuild")
    ids = {one.label: one.chunk_id for one in prepared(folder, release_id=release_id)}

    ran = node(Path(__file__).with_name("capture.mjs"), modules(), folder / "esbuild" / "shop.js")
    assert ran.returncode == 0, ran.stderr
    sent = json.loads(ran.stdout)

    assert sent.get("$release_id") == release_id
    frames = parse_event_frames(sent["$exception_list"][0]["stacktrace"]["frames"])
    ours = [frame for frame in frames if frame.file.endswith("shop.js")]
    assert {frame.chunk_id for frame in ours} == {ids["esbuild/shop.js"]}
    roots, build = looked_through(folder)
    found = [one.original for one in resolve(ours, LocalBuild(roots, build).symbols, roots)]
    assert [one and (one.source, one.line, one.function) for one in found] == [
        ("shop/src/cart.ts", 10, "total"),
        ("shop/src/cart.ts", 16, "checkout"),
    ]
