"""Stack traces of real bundles, thrown by Node, made readable."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import WorkflowError
from mcp_errortracking.workflows.source_maps.bundles.discovery import find
from mcp_errortracking.workflows.source_maps.maps.symbols import SymbolCache, Symbols
from mcp_errortracking.workflows.source_maps.resolve.diagnosis import Facts
from mcp_errortracking.workflows.source_maps.resolve.frames import Frame
from mcp_errortracking.workflows.source_maps.resolve.local_build import LocalBuild
from mcp_errortracking.workflows.source_maps.resolve.resolution import Original, ResolvedFrame, resolve
from mcp_errortracking.workflows.source_maps.resolve.stack_text import parse_stack
from tests.workflows.source_maps.builds import BUILT, FIXTURES, copied, prepared, run

NOTHING = [{"name": "hat", "price": "nothing"}]
ONE = [{"name": "coat", "price": "€12.30"}]
PARSE = "      throw new TypeError(`💶 ${text} is no price`);"


def local(folder: Path, *roots: Path) -> tuple[Roots, LocalBuild]:
    allowed = Roots([folder, *roots])
    return allowed, LocalBuild(allowed, find(allowed, folder), SymbolCache())


def resolved(folder: Path, frames: list[Frame], **options: Any) -> list[ResolvedFrame]:
    roots, build = local(folder)
    return resolve(frames, build.symbols, roots, **options)


def thrown(script: Path, name: str, *arguments: Any) -> list[Frame]:
    """The frames of the error that a call throws, without Node's own."""
    (outcome,) = run(script, (name, list(arguments)))["outcomes"]
    return [
        frame
        for frame in parse_stack(outcome["stack"])
        if frame.file.endswith(script.suffix) and "run_" not in frame.file
    ]


def shown(item: ResolvedFrame) -> tuple[str, int, str | None]:
    assert item.original, item.problem
    return item.original.source, item.original.line, item.original.function


@pytest.mark.parametrize(
    "script", ["esbuild/shop.js", "esbuild/strict.cjs", "esbuild/command.mjs", "esbuild/inline.js", "webpack/shop.js"]
)
@pytest.mark.parametrize("is_injected", [False, True])
def test_an_error_thrown_in_node_is_readable(tmp_path: Path, script: str, is_injected: bool) -> None:
    folder = copied(tmp_path, script.split("/")[0])
    if is_injected:
        prepared(folder)
    frames = thrown(folder / script, "checkout", NOTHING)

    readable = [shown(item) for item in resolved(folder, frames)]

    assert [(source.removeprefix("shop/"), line, name) for source, line, name in readable] == [
        ("src/price.ts", 8, "parse"),
        ("src/cart.ts", 12, None),
        ("src/cart.ts", 12, "total"),  # webpack's minifier has made it a function without a name
        ("src/cart.ts", 16, "checkout"),
    ]


def test_chunks_of_vite_and_calls_between_them(tmp_path: Path) -> None:
    folder = copied(tmp_path, "vite")
    prepared(folder)
    (script,) = (folder / "vite" / "assets").glob("index-*.js")
    frames = thrown(script, "monthly", [ONE, []])

    first, *_, last = resolved(folder, frames)

    assert shown(first) == ("shop/src/cart.ts", 10, "total")
    assert first.original
    assert first.original.column == 15  # the minifier has left out `new`
    assert first.original.context == {
        7: "",
        8: "export function total(items: Item[]): Price {",
        9: "  if (items.length === 0) {",
        10: '    throw new RangeError("the cart is empty");',
        11: "  }",
        12: "  return items.map((item) => Price.parse(item.price)).reduce((sum, price) => sum.plus(price));",
        13: "}",
    }
    assert last.original
    assert last.original.source == "shop/src/report.ts"


def test_turbopacks_index_maps(tmp_path: Path) -> None:
    folder = copied(tmp_path, "turbopack")
    prepared(folder)
    (script,) = (folder / "turbopack").glob("*.js")

    items = resolved(folder, thrown(script, "total", [{"name": "coat"}]))

    assert [shown(item) for item in items if item.original][:2] == [
        ("turbopack/app/lib/priced.js", 2, "priced"),
        ("turbopack/app/lib/total.js", 4, None),
    ]


def test_hermes_frames(tmp_path: Path) -> None:
    folder = copied(tmp_path, "hermes")
    content = json.loads((folder / "hermes" / "main.jsbundle.map").read_text())
    assert "x_hermes_function_offsets" in content
    (symbols,) = [Symbols(None, path.read_bytes()) for path in folder.rglob("*.map")]
    place = next(
        (column, found)
        for column in range(2000)
        if (found := symbols.map.find(0, column)) and found.text and "is no price" in found.text[found.line - 1]
    )
    at = f"(address at /data/main.jsbundle:1:{place[0]})"

    item, minified = resolved(folder, parse_stack(f"TypeError\n    at parse {at}\n    at n {at}"))  # Metro can minify

    assert shown(item) == shown(minified) == ("shop/src/price.ts", 8, "parse")
    assert item.original
    assert item.original.context[8] == PARSE


def test_the_source_on_disk_serves_where_the_map_has_none(tmp_path: Path) -> None:
    folder = copied(tmp_path, "webpack")
    map_path = folder / "webpack" / "shop.js.map"
    fields = json.loads(map_path.read_text())
    del fields["sourcesContent"]
    map_path.write_text(json.dumps(fields))
    frames = thrown(folder / "webpack" / "shop.js", "checkout", NOTHING)

    def original(*roots: Path, frame: int = 0) -> Original:
        allowed, build = local(folder, *roots)
        found = resolve(frames, build.symbols, allowed, context=0)[frame].original
        assert found
        return found

    without, with_source = original(), original(FIXTURES / "shop")
    assert (without.context, without.path) == ({}, None)
    assert with_source.context == {8: PARSE}
    assert with_source.path == FIXTURES / "shop" / "src" / "price.ts"
    assert (original(frame=2).function, original(FIXTURES / "shop", frame=2).function) == (None, "total")


def test_a_chunk_id_counts_more_than_a_name(tmp_path: Path) -> None:
    folder = copied(tmp_path, "vite", "vite-hidden")
    prepared(folder)
    roots, build = local(folder)
    (script,) = (folder / "vite" / "assets").glob("index-*.js")
    frame = Frame(f"https://shop.example/assets/{script.name}", 2, 500)
    chunk_id = next(chunk_id for chunk_id, pair in build.chunks().items() if pair.bundle == script)

    with pytest.raises(WorkflowError) as caught:
        build.symbols(frame)
    assert caught.value.code == "several_bundles"
    assert build.pair(frame) is None
    named = Frame("https://shop.example/elsewhere.js", 2, 500, chunk_id=chunk_id)
    assert build.symbols(named).map_path == script.with_name(f"{script.name}.map")
    longer = Frame(f"https://shop.example/vite/assets/{script.name}?v=1", 2, 500)
    assert build.pair(longer) == build.chunks()[chunk_id]
    assert resolve([frame], build.symbols, roots)[0].problem


def test_a_frame_that_cannot_be_resolved_says_why_and_stops_no_other(tmp_path: Path) -> None:
    folder = copied(tmp_path, "webpack", "esbuild")
    (folder / "webpack" / "329.js.map").write_text("{")
    frames = parse_stack(
        "at a (shop.mjs:1:1)\nat b (webpack/shop.js:1:800)\nat c (329.js:1:5)\nat d (esbuild/shop.js:9:9)"
    )
    (folder / "none.js").write_text("x")

    items = resolved(folder, frames)

    problems = [item.problem for item in items if item.problem]
    assert [(problem.path, problem.explanation.code) for problem in problems] == [
        ("shop.mjs:1:1", "no_bundle"),
        ("329.js:1:5", "broken_map"),
        ("esbuild/shop.js:9:9", "not_mapped"),
    ]
    assert all(problem.explanation.reason and problem.explanation.next_step for problem in problems)
    assert items[1].original


def test_a_rebuilt_map_is_read_anew_and_an_unchanged_one_is_not(tmp_path: Path) -> None:
    folder = copied(tmp_path, "webpack")
    _, build = local(folder)
    frame = Frame("shop.js", 1, 500)
    first = build.symbols(frame)
    assert build.symbols(frame) is first

    prepared(folder)

    assert build.symbols(frame) is not first


def test_the_cache_forgets_what_was_used_longest_ago() -> None:
    content = (BUILT / "webpack" / "shop.js.map").read_bytes()
    cache = SymbolCache(2 * Symbols(None, content).size)
    loaded: list[str] = []

    def get(name: str) -> Symbols:
        def load() -> Symbols:
            loaded.append(name)
            return Symbols(None, content)

        return cache.get(name, load)

    for name in ("a", "b", "a", "c", "a", "b"):
        get(name)

    assert loaded == ["a", "b", "c", "b"]


def test_a_map_broken_elsewhere_still_resolves_what_it_can() -> None:
    fields = {"version": 3, "sources": ["a.ts"], "names": [], "mappings": "AAAAC,gBAAC", "sourcesContent": ["one();"]}
    symbols = Symbols(b"function e(){   fail()}e()", json.dumps(fields).encode())

    (item,) = resolve([Frame("a.js", 1, 16, "e")], lambda _: symbols, Roots([FIXTURES]))

    assert shown(item) == ("a.ts", 1, None)


def test_a_function_of_another_chunk_is_named_by_its_caller() -> None:
    names = {"version": 3, "sources": ["a.ts"], "names": [], "mappings": "AAAA", "sourcesContent": ["  total(items);"]}
    caller = Symbols(b"e(t)", json.dumps({**names, "mappings": "AAAE"}).encode())
    inner = Symbols(b"fail()", json.dumps(names).encode())
    frames = [Frame("inner.js", 1, 0, "e"), Frame("caller.js", 1, 0)]
    roots = Roots([FIXTURES])

    def symbols_for(frame: Frame) -> Symbols:
        return inner if frame.file == "inner.js" else caller

    assert [shown(item)[2] for item in resolve(frames, symbols_for, roots)] == ["total", None]
    other = [Frame("inner.js", 1, 0, "x"), frames[1]]
    assert [shown(item)[2] for item in resolve(other, symbols_for, roots)] == [None, None]


def test_a_frame_of_another_build_is_not_resolved_wrongly(tmp_path: Path) -> None:
    folder = copied(tmp_path, "webpack", "hermes")
    (frame,) = parse_stack("at s (https://shop.example/webpack/shop.js:1:630)")
    event = replace(frame, chunk_id="of-the-event")

    def refused() -> str:
        _, build = local(folder)
        with pytest.raises(WorkflowError) as caught:
            build.symbols(event)
        return caught.value.code

    assert refused() == "not_injected"
    prepared(folder)
    assert refused() == "other_build"
    _, build = local(folder)
    assert build.symbols(frame).chunk_id in build.chunks()
    hermes = Frame("main.jsbundle", 1, 1, chunk_id="of-the-event")
    with pytest.raises(WorkflowError, match="another build"):
        build.symbols(hermes)
    chunk_id = build.symbols(replace(hermes, chunk_id=None)).chunk_id
    assert build.symbols(replace(hermes, chunk_id=chunk_id)).is_hermes


def test_what_the_local_build_knows_of_a_frame(tmp_path: Path) -> None:
    folder = copied(tmp_path, "webpack")
    (frame,) = parse_stack("at s (https://shop.example/shop.js:1:630)")
    unknown = Frame("https://shop.example/other.js", 1, 1)

    _, pristine = local(folder)
    assert pristine.facts(frame) == Facts(local_chunk_id="", has_local_map=True, resolves_locally=True)
    assert pristine.facts(unknown) == Facts(has_local_map=False)
    prepared(folder)
    _, build = local(folder)
    own = build.symbols(frame).chunk_id
    event = replace(frame, chunk_id=own, line=2)
    assert build.facts(event) == Facts(own, local_chunk_id=own, has_local_map=True, resolves_locally=True)
    assert build.facts(replace(event, line=9)).resolves_locally is False
    assert build.facts(replace(event, chunk_id="x")) == Facts("x", local_chunk_id=own, has_local_map=False)
    (folder / "webpack" / "shop.js.map").write_text("{")
    assert build.facts(event) == Facts(own, local_chunk_id=own, has_local_map=True)
