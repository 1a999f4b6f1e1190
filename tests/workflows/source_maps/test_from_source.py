"""From the sources of an app to a readable frame: vite builds it, Node runs it, an agent uploads and resolves."""

import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from mcp_errortracking.workflows.source_maps.resolve.stack_text import parse_stack
from tests.clients.node_tools import modules, node
from tests.sandbox_process import FULL, SandboxProcess
from tests.server.mcp_client import connected, text_of
from tests.workflows.source_maps.builds import BUILT, FIXTURES, contents, prepared, run

ISSUE = "01936f2e-7a51-7000-8000-000000000101"
ORDERS = [[{"name": "coat", "price": "€12.30"}], []]


def built(folder: Path) -> Path:
    """The build of a clean checkout in this folder."""
    shop = shutil.copytree(FIXTURES / "shop", folder / "shop")
    ran = node(modules() / "vite/bin/vite.js", "build", cwd=shop)
    assert ran.returncode == 0, ran.stderr
    return shop / "dist"


def bundles(dist: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in dist.rglob("*.js")}


def thrown(dist: Path) -> tuple[str, list[dict[str, Any]]]:
    """The error of the app as it is deployed, with what PostHog's SDK says of its frames: which chunk each is of."""
    (script,) = (dist / "assets").glob("index-*.js")
    ran = run(script, ("monthly", [ORDERS]))
    chunks = {parse_stack(stack)[0].file: chunk_id for stack, chunk_id in ran["chunks"]}
    (error,) = ran["outcomes"]
    return error["name"], [
        {
            "source": f"https://shop.example/assets/{urlsplit(frame.file).path.rpartition('/')[2]}",
            "line": frame.line,
            "column": (frame.column or 0) + 1,
            "function": frame.function,
            "symbol_set": chunks[frame.file],
            "failure": f"No sourcemap uploaded for chunk id: {chunks[frame.file]}",
        }
        for frame in parse_stack(error["stack"])
        if frame.file in chunks
    ]


@pytest.mark.anyio
async def test_from_a_clean_checkout_to_the_lines_that_were_written(tmp_path: Path) -> None:
    dist = built(tmp_path)
    assert bundles(dist) == bundles(BUILT / "vite")  # which other tests begin with
    deployed = shutil.copytree(dist, tmp_path / "deployed")
    prepared(deployed)  # as the upload is going to
    name, frames = thrown(deployed)
    event = {"count": 1, "since": 1, "frames": frames}
    issue = {"id": ISSUE, "name": name, "fingerprints": ["f"], "events": event}

    with SandboxProcess({"projects": [{"id": 1}], "keys": [{"value": FULL}], "issues": [issue]}) as sandbox:
        async with connected(sandbox.url, FULL, "--root", str(dist.parent)) as client:
            minified = await client.call_tool("source-maps-resolve", {"issue": ISSUE})
            uploaded = await client.call_tool(
                "source-maps-upload", {"folder": "dist", "version": "1", "release_mode": "symbol-set"}
            )
            readable = await client.call_tool("source-maps-resolve", {"issue": ISSUE})

    assert minified.is_error
    assert text_of(minified).count("PostHog has no map for this chunk.") == len(frames) == 3
    report = uploaded.structured_content or {}
    assert (report["uploaded"], report["failed"], report["problems"]) == (2, 0, [])
    assert contents(dist) == contents(deployed)
    assert {frame["symbol_set"] for frame in frames} == {chunk["chunk_id"] for chunk in report["chunks"]}
    assert not readable.is_error
    assert [shown(frame) for frame in (readable.structured_content or {})["frames"]] == [
        ("cart.ts", 10, 'throw new RangeError("the cart is empty");'),
        ("cart.ts", 16, "const sum = total(items);"),
        ("report.ts", 7, "lines.push(checkout(order));"),
    ]


def shown(frame: dict[str, Any]) -> tuple[str, int, str]:
    """The file of a frame, the line, and what it says."""
    (text,) = [one["line"] for one in frame["context"] if one["number"] == frame["line"]]
    return frame["source"].rpartition("/")[2], frame["line"], text.strip()
