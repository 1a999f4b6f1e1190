"""Source lines of frames that PostHog resolved itself, and events as PostHog sends them: without ids or lines."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from mcp_errortracking.proxy import Proxy
from mcp_errortracking.server.calls import Reply
from mcp_errortracking.workflows.base import Environment
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.source_maps.jobs.readable_frames import ReadableFrame, with_source
from mcp_errortracking.workflows.source_maps.maps.symbols import Symbols
from tests.calls import call_tool
from tests.proxy.fault_server import FaultServer, http
from tests.sandbox_process import FULL, SandboxProcess

pytestmark = pytest.mark.anyio

ISSUE = "01936f2e-7a51-7000-8000-000000000101"
CHUNK = "0198c1de-5c1e-7000-8000-9a4be1d7c3e9"
NO_MAP = f"No sourcemap uploaded for chunk id: {CHUNK}"
FLAGS = {"in_app": True, "lang": "javascript", "synthetic": False, "suspicious": False}
MINIFIED = {
    "mangled_name": "o",
    "source": "/c.js",
    "line": 1,
    "column": 14,
    "resolved": False,
    "resolve_failure": NO_MAP,
}
NODE = {"mangled_name": "o", "line": 1, "column": 14, "resolved": True, "resolve_failure": NO_MAP}
MAPPED = {
    "mangled_name": "n",
    "resolved_name": "pay",
    "source": "../src/pay.ts",
    "line": 1,
    "column": 2,
    "resolved": True,
}
PYTHON = {"mangled_name": "save", "source": "orders.py", "line": 2, "resolved": True, "lang": "python"}
JAVA = {"mangled_name": "a", "line": 3, "resolved": False, "lang": "java", "module": "a.b"}
MAP = {"version": 3, "sources": ["src/c.ts"], "sourcesContent": ["fail();\nmore();"], "names": [], "mappings": "AAAA"}


async def resolved(root: Path, *frames: dict[str, Any], **arguments: Any) -> tuple[Reply, list[str]]:
    """The reply for an issue with these frames, and the requests that were sent."""
    exception = {
        "type": "E",
        "value": "v",
        "stacktrace": {"type": "resolved", "frames": [FLAGS | one for one in frames]},
    }
    again = {"type": "E", "value": "v", "stacktrace": {"same_as_event": ISSUE, "same_as_exception": 0}}
    event = {"uuid": ISSUE, "properties": {"$lib": "web", "$exception_list": [exception, again]}}
    with FaultServer([http(200, {"results": [event], "hasMore": False})]) as upstream:
        async with Proxy(host=upstream.url, key=SecretStr("phx_a"), project="1") as proxy:
            environment = Environment((root,), upstream.url)
            call = {"issue": ISSUE, **arguments}
            reply = await call_tool(proxy, "source-maps-resolve", call, time_limit=30, environment=environment)
        return reply, [f"{one.method} {one.target}" for one in upstream.received]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/pay.ts").write_text("one\ntwo\nthree\nfour\nfive\n", "utf-8")
    (tmp_path / "orders.py").write_text("def save():\n    raise KeyError\n", "utf-8")
    (tmp_path / "c.js").write_text(f"fail();\n//# sourceMappingURL=c.js.map\n//# chunkId={CHUNK}\n", "utf-8")
    (tmp_path / "c.js.map").write_text(json.dumps(MAP), "utf-8")
    return tmp_path


async def test_the_chunk_of_an_event_s_frame_is_in_the_text_of_its_failure(root: Path) -> None:
    reply, requests = await resolved(root, NODE | {"column": 1}, MINIFIED | {"column": 5}, folder=".")

    assert [(one["source"], one["line"], one["chunk_id"]) for one in reply.structured["frames"]] == [
        ("src/c.ts", 1, CHUNK),
        ("src/c.ts", 1, CHUNK),
    ]
    assert [one.split("?")[0] for one in requests] == [
        "POST /api/projects/1/error_tracking/query/issue_events/",
        "GET /api/projects/1/error_tracking/symbol_sets/",
    ]


async def test_source_below_a_root_is_shown_at_frames_that_are_readable(root: Path) -> None:
    reply, _ = await resolved(root, PYTHON, MAPPED, MINIFIED | {"column": 5}, folder=".", context=1)

    lines = [line.strip() for line in reply.text.splitlines()]
    first = lines.index(f"pay (../src/pay.ts:2:3), lines from {root / 'src/pay.ts'}")
    assert lines[first + 1 : first + 7] == [
        "1| one",
        "> 2| two",
        "3| three",
        f"save (orders.py:2), lines from {root / 'orders.py'}",
        "1| def save():",
        "> 2|     raise KeyError",
    ]
    assert len(reply.structured["frames"]) == 1


async def test_an_event_without_minified_frames_is_shown_where_its_source_is(root: Path) -> None:
    reply, _ = await resolved(root, MAPPED)
    assert not reply.is_error
    assert reply.structured["frames"] == []
    assert reply.structured["readable"][0]["context"][1] == {"number": 2, "line": "two"}

    longer, _ = await resolved(root, MAPPED | {"line": 99})
    assert longer.structured == {"error": {"code": "all_resolved"}}


async def test_of_an_event_with_very_many_frames_those_nearest_to_the_error_are_looked_at(root: Path) -> None:
    python = {"resolved": True, "lang": "python", "resolve_failure": None}

    other, _ = await resolved(root, *[python] * 5000, *[JAVA] * 1500)
    nearest, _ = await resolved(root, *[JAVA] * 5000, MAPPED, *[python] * 1999)

    assert "1500 frames of the newest event are not resolved" in other.text
    assert [one["source"] for one in nearest.structured["readable"]] == ["../src/pay.ts"]


@pytest.mark.parametrize("source", [".git/hook.py", ".aws/b/hook.py", "src/../.git/hook.py", "linked/hook.py"])
async def test_an_event_cannot_have_lines_of_hidden_folders_shown(root: Path, source: str) -> None:
    for folder in (".git", ".aws/b", ".nuxt"):
        (root / folder).mkdir(parents=True)
        (root / folder / "hook.py").write_text("secret\n" * 3, "utf-8")
    (root / "linked").symlink_to(".aws/b")

    for name in (source, str(root / source)):
        reply, _ = await resolved(root, PYTHON | {"source": name})
        assert reply.structured == {"error": {"code": "all_resolved"}}
    generated, _ = await resolved(root, PYTHON | {"source": ".nuxt/hook.py"})
    assert generated.structured["readable"][0]["context"][0]["line"] == "secret"


async def test_frames_of_other_languages_have_no_source_map(root: Path) -> None:
    reply, requests = await resolved(root, JAVA | {"resolve_failure": "No proguard map uploaded for id: m-1"})

    assert reply.structured == {"error": {"code": "no_source_map"}}
    assert "No proguard map uploaded for id: m-1" in reply.text
    assert "source-maps-upload: ProGuard mappings, dSYM bundles, or ELF" in reply.text
    assert len(requests) == 1


def test_an_uploaded_symbol_set_has_the_lines_too(tmp_path: Path) -> None:
    symbols = Symbols(None, json.dumps(MAP).encode())
    wanted = [ReadableFrame("f", "./src/c.ts", 2, 1), ReadableFrame("g", "src/d.ts", 1, 1)]

    (frame,) = with_source(wanted, Roots((tmp_path,)), [(CHUNK, symbols)], 0)

    assert frame.lines() == [f"f (./src/c.ts:2:1), lines from symbol set {CHUNK}", "  > 2| more();"]


RELEASE, OTHER_RELEASE = (f"01936f2e-7a51-7000-8000-00000000032{number}" for number in "01")


def _set(number: int, text: str, *, days: int, release: str = RELEASE) -> dict[str, Any]:
    """A symbol set with the source src/<number>.ts, used so many days ago."""
    content = {"source": "x()", "map": MAP | {"sources": [f"src/{number}.ts"], "sourcesContent": [text]}}
    return {"ref": f"chunk-{number}-{days}", "content": content, "release": release, "last_used": f"-{days}d"}


def _issue_of(number: str, *sources: str, **history: Any) -> dict[str, Any]:
    frames = [{"source": source, "line": 2, "column": 3, "function": "pay"} for source in sources]
    return {"id": number, "name": "E", "fingerprints": [number], "events": {"count": 1, "frames": frames, **history}}


async def test_sets_of_the_event_s_release_are_fetched_for_lines_alone(tmp_path: Path) -> None:
    first, far, none, python = (f"01936f2e-7a51-7000-8000-00000000010{number}" for number in "1234")
    of_release = {"releases": ["1.4.2"]}
    seed = {
        "projects": [{"id": 1}],
        "keys": [{"value": FULL, "scopes": ["error_tracking:read"]}],
        "releases": [
            {"id": RELEASE, "version": "1.4.2"},
            {"id": OTHER_RELEASE, "version": "1.4.2-beta"},
        ],
        "issues": [
            _issue_of(first, "src/2.ts", "src/1.ts", **of_release),
            _issue_of(far, "src/6.ts", **of_release),
            _issue_of(none, "src/1.ts"),
            _issue_of(python, "src/1.ts", lang="python", lib="posthog-python", **of_release),
        ],
        "symbol_sets": [
            _set(1, "of another build\nwrong", days=1, release=OTHER_RELEASE),
            *(_set(number, f"one\nline of {number}", days=number + 1) for number in range(1, 8)),
        ],
    }
    with SandboxProcess(seed) as sandbox:
        environment = Environment((tmp_path,), sandbox.url)

        async def lines_of(issue: str) -> tuple[Reply, list[str]]:
            sandbox.empty_journal()
            async with Proxy(host=sandbox.url, key=SecretStr(FULL), project="1") as proxy:
                reply = await call_tool(
                    proxy, "source-maps-resolve", {"issue": issue, "context": 0}, time_limit=30, environment=environment
                )
            return reply, [entry["path"] for entry in sandbox.journal() if entry["path"].endswith("download/")]

        reply, downloads = await lines_of(first)
        found = [(one["lines_from"], one["context"][0]["line"]) for one in reply.structured["readable"]]
        assert found == [
            ("symbol set chunk-2-3", "line of 2"),
            ("symbol set chunk-1-2", "line of 1"),
        ]
        assert len(downloads) == 2

        for issue, fetched in ((far, 5), (none, 0), (python, 0)):
            reply, downloads = await lines_of(issue)
            assert reply.structured == {"error": {"code": "all_resolved"}}
            assert len(downloads) == fetched
