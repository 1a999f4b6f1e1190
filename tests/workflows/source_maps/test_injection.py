"""Chunk ids: real bundles behave and resolve as before, the SDK finds the id, and a second time changes nothing."""

import base64
import json
import re
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import pytest

from mcp_errortracking.workflows.problems import Problem, WorkflowError
from mcp_errortracking.workflows.source_maps.bundles.injection import (
    NO_MAPPINGS,
    Injection,
    inject,
    inject_map,
    map_in,
    stable_id,
)
from mcp_errortracking.workflows.source_maps.maps.registration import registered_ids
from mcp_errortracking.workflows.source_maps.maps.script import find_insertion_point
from mcp_errortracking.workflows.source_maps.maps.source_map import read
from tests.workflows.source_maps.builds import BUILT, HERMES_ID, SCRIPTS, contents, copied, prepared, run, traced

SCRIPT = b'"use strict";\nfail()\n//# sourceMappingURL=a.js.map\n'
FIELDS: dict[str, Any] = {"version": 3, "sources": ["a.ts"], "names": [], "mappings": "AAAA;AACA"}
R1, R2 = "01936f2e-7a51-7000-8000-0000000000a1", "01936f2e-7a51-7000-8000-0000000000a2"
EMPTY = [{"name": "coat", "price": "€12.30"}, {"name": "hat", "price": "nothing"}]


def text(**fields: Any) -> bytes:
    return json.dumps({**FIELDS, **fields}).encode()


def map_of(script: Path) -> bytes | None:
    path = script.with_name(f"{script.name}.map")
    return path.read_bytes() if path.exists() else None


def again(made: Injection, map_text: bytes | None = None) -> Injection:
    return inject(made.source, made.map if map_text is None else map_text)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.relative_to(BUILT).as_posix())
def test_a_real_bundle_gets_its_id_once(script: Path) -> None:
    source, map_text = script.read_bytes(), map_of(script)
    made = inject(source, map_text)

    assert made.chunk_id == stable_id(source, map_in(source) if map_text is None else map_text)
    assert UUID(made.chunk_id).version == 5
    assert made.source.decode().splitlines()[-1] == f"//# chunkId={made.chunk_id}"
    assert json.loads(made.map)["chunk_id"] == made.chunk_id
    assert made.source_changed
    assert made.map_changed is (map_text is not None)
    second = inject(made.source, made.map if map_text else None)
    assert second == Injection(made.chunk_id, made.source, made.map, source_changed=False, map_changed=False)


def test_every_original_position_is_found_through_the_injected_bundles() -> None:
    made = [inject(script.read_bytes(), map_of(script)) for script in SCRIPTS]
    old = traced([(map_of(script) or map_in(script.read_bytes())).decode() for script in SCRIPTS])
    new = traced([injection.map.decode() for injection in made])

    for script, injection, before, after in zip(SCRIPTS, made, old, new, strict=True):
        place, ours = find_insertion_point(script.read_bytes()), read(injection.map)
        theirs = {(line, column): original for line, column, *original in after}
        for line, column, *original in before:
            is_behind = (line - 1, column) >= (place.line, place.column)
            moved = column - place.column if is_behind and line - 1 == place.line else column
            assert theirs.get((line + is_behind, moved), original) == original
            found = ours.find(line - 1 + is_behind, moved)
            assert found
            assert [found.source, found.line or None, found.name] == [original[0], original[1], original[3]]


@pytest.mark.parametrize("name", ["esbuild", "vite", "vite-hidden", "webpack", "turbopack"])
def test_bundles_behave_as_before_and_tell_the_sdk_their_ids(tmp_path: Path, name: str) -> None:
    before, after = copied(tmp_path / "before", name), copied(tmp_path / "after", name)
    ids = {item.label: item.chunk_id for item in prepared(after)}
    calls: list[tuple[str, list[Any]]] = [("checkout", [[]]), ("checkout", [EMPTY[:1]]), ("checkout", [EMPTY])]
    if name == "turbopack":
        calls = [("total", [[{"name": "coat", "price": 3}]]), ("total", [[{"name": "coat"}]])]
    if "vite" in name or name == "webpack":
        calls.append(("monthly", [[EMPTY[:1], []]]))

    for script in sorted(
        path.relative_to(after) for path in after.rglob("*") if path.suffix in (".js", ".mjs", ".cjs")
    ):
        if script.name.startswith(("report", "329")):
            continue
        extra: list[tuple[str, list[Any]]] = [("isStrict", [])] if script.suffix == ".cjs" else []
        shown = calls + extra + ([("monthly", [[EMPTY[:1]]])] if script.name == "shop.js" else [])
        was, now = run(before / script, *shown), run(after / script, *shown)

        assert [without_stack(outcome) for outcome in now["outcomes"]] == list(map(without_stack, was["outcomes"]))
        assert any("name" in outcome for outcome in now["outcomes"])
        assert not extra or now["outcomes"][3] == {"answer": True}
        assert not was["chunks"]
        recorded = {chunk_id: file_of(stack) for stack, chunk_id in now["chunks"]}
        assert recorded[ids[script.as_posix()]] == script.name
        assert {recorded[chunk_id] for chunk_id in recorded} == {script.name} or len(recorded) == 2


def without_stack(outcome: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in outcome.items() if name != "stack"}


def file_of(stack: str) -> str:
    """The file that the SDK reads from a recorded stack: that of the outermost frame it can, here the first of ours."""
    found = re.search(r"/([^/:)]+):\d+:\d+\)?$", stack.splitlines()[1])
    assert found
    return found[1]


def test_the_same_bundle_and_map_have_the_same_id_and_others_another() -> None:
    namespace = UUID("0e9b3c7a-5d1f-42a8-b6c4-e2d0f8a17593")
    own = inject(SCRIPT, text()).chunk_id

    assert own == str(uuid5(namespace, (SCRIPT + text()).decode())) == stable_id(SCRIPT, text())
    assert inject(SCRIPT, text()).chunk_id == own
    assert inject(SCRIPT, text(file="x")).chunk_id != own
    assert inject(SCRIPT + b"\n", text()).chunk_id != own


def test_an_id_that_is_there_is_kept() -> None:
    own = SCRIPT + b"//# chunkId=mine\n"
    made = inject(own, text(chunk_id="mine"))
    assert (made.chunk_id, made.source, made.map) == ("mine", own, text(chunk_id="mine"))

    for other in (text(), text(chunk_id="stale")):  # the comment wins; nothing was put in here, so nothing moves
        made = inject(own, other)
        assert (made.chunk_id, made.source_changed, made.map_changed) == ("mine", False, True)
        assert json.loads(made.map) == {**FIELDS, "chunk_id": "mine"}


def test_a_bundlers_debug_id_is_used_if_it_is_a_uuid() -> None:
    debug_id = str(uuid5(NAMESPACE_URL, "x"))
    in_script = SCRIPT + f"//# debugId={debug_id}".encode()

    assert inject(in_script, text(debugId=debug_id)).chunk_id == debug_id
    assert inject(SCRIPT, text(debugId=debug_id)).chunk_id == debug_id
    assert inject(SCRIPT, text(debug_id=debug_id)).chunk_id == debug_id
    assert inject(SCRIPT, text(debugId="no uuid")).chunk_id == stable_id(SCRIPT, text(debugId="no uuid"))
    assert json.loads(inject(SCRIPT, text(debugId=debug_id)).map)["debugId"] == debug_id


def test_a_librarys_debug_id_is_not_that_of_the_bundle() -> None:
    debug_id, library = str(uuid5(NAMESPACE_URL, "bundle")), str(uuid5(NAMESPACE_URL, "library"))
    bundle = SCRIPT + f"//# debugId={library}".encode()

    assert inject(bundle, text()).chunk_id == stable_id(bundle, text())
    assert inject(bundle, text(debugId=debug_id)).chunk_id == stable_id(bundle, text(debugId=debug_id))


def test_a_run_that_was_killed_between_bundle_and_map_is_repaired() -> None:
    made = inject(SCRIPT, text())

    repaired = again(made, text())

    assert repaired.map == made.map
    assert repaired.source == made.source
    assert (repaired.source_changed, repaired.map_changed) == (False, True)


def test_a_map_ahead_of_its_bundle_is_refused() -> None:
    with pytest.raises(WorkflowError) as caught:
        inject(SCRIPT, text(chunk_id="x"))
    assert caught.value.code == "ids_differ"


def test_a_release_changes_the_line_and_nothing_else() -> None:
    """Whenever it is put in, replaced or left alone, the bundle without it and its map are those of no release."""
    plain = inject(SCRIPT, text())
    made = inject(SCRIPT, text(), R1)

    assert plain.release is None
    assert made.release is not None
    assert made.release.id == R1
    assert made.release.text == f'g._posthogReleaseId=g._posthogReleaseId||"{R1}";'.encode()
    assert made.source[: made.release.at] + made.source[made.release.end :] == plain.source
    assert (made.chunk_id, made.map) == (plain.chunk_id, plain.map)

    assert inject(plain.source, plain.map, R1).source == made.source
    replaced = inject(made.source, made.map, R2)
    assert replaced.source == made.source.replace(R1.encode(), R2.encode())
    assert (replaced.release and replaced.release.id, replaced.map_changed) == (R2, False)
    assert inject(made.source, made.map, R1) == Injection(
        made.chunk_id, made.source, made.map, source_changed=False, map_changed=False, release=made.release
    )
    assert again(made).release == made.release


def test_a_run_with_a_release_that_was_killed_is_repaired() -> None:
    made = inject(SCRIPT, text(), R1)
    repaired = inject(made.source, text(), R2)
    assert (repaired.map, repaired.release and repaired.release.id) == (made.map, R2)


def test_the_line_of_another_tool_is_left_alone() -> None:
    own = b'!function(){var e=globalThis;e._posthogReleaseId=e._posthogReleaseId||"theirs"}();fail()\n//# chunkId=x\n'
    made = inject(own, text(chunk_id="x"), R1)
    assert (made.source, made.release) == (own, None)


def test_each_bundle_of_several_in_one_has_its_own_release_replaced() -> None:
    """A bundle of bundles holds the lines of all of them; the last comment tells which is its own."""
    inner, outer = inject(SCRIPT, text(), R1), inject(b"second()\n", text(), R1)
    both = inner.source + outer.source
    made = inject(both, text(chunk_id=outer.chunk_id), R2)
    assert made.source == inner.source + outer.source.replace(R1.encode(), R2.encode())


def test_the_first_bundle_tells_the_release(tmp_path: Path) -> None:
    folder = copied(tmp_path, "esbuild")
    bundle = folder / "esbuild" / "shop.js"
    prepared(folder, release_id=R1)
    assert run(bundle, ("checkout", [EMPTY[:1]]))["release"] == R1

    loader = folder / "first.mjs"
    loader.write_text(f'globalThis._posthogReleaseId = "{R2}";\nawait import("./esbuild/shop.js");\n', "utf-8")
    assert run(loader, ("checkout", [EMPTY[:1]]))["release"] == R2


@pytest.mark.parametrize(
    "map_text",
    [
        b')]}\'\n{"version":3,"sources":["a"],"names":["mappings"],"mappings":"AAAA;AACA"}',
        b'\xef\xbb\xbf {"x":"a \\"mappings\\":\\"b\\"", "version":3, "mappings" : "AAAA;AACA" , '
        b'"sources":["\\ud83d\\ude00"]}',
        b'{"version":3,"sources":["a"],"mappings":"\\u0041AAA;AACA"}',
        b'{"version":3,"sources":["a"],"x":{"mappings":"AAAA;AACA"},"mappings":"AAAA;AACA"}',
        b'{"version":3,"sources":["a"],"x":{"mappings":"AAAA;AACA"},"mappings" : "AAAA;AACA"}',
        b'{"version":3,"sources":["a"],"x":[[{"mappings":"AAAA;AACA"}]],"mapp\\u0069ngs":"AAAA;AACA"}',
        b'{"version":3,"sources":["a"],"sections":null,"mappings":"AAAA;AACA"}',
        b'{"version":3,"mappings":"AAAA;AACA","sections":[{"offset":{"line":0,"column":0},"map":'
        b'{"sources":["a"],"mappings":"AAAA;AACA"}}]}',
    ],
)
def test_a_map_keeps_everything_but_its_mappings(map_text: bytes) -> None:
    made = inject(SCRIPT, map_text)

    fields, old = json.loads(made.map[made.map.index(b"{") :].decode()), json.loads(map_text[map_text.index(b"{") :])
    assert fields.pop("chunk_id") == made.chunk_id
    if old.get("sections"):
        assert fields["sections"][0]["map"]["mappings"] == "AAAA;;AACA"
    else:
        assert fields == {**old, "mappings": "AAAA;;AACA"}
    assert not again(made).map_changed


def test_an_empty_object_and_one_without_mappings_are_no_maps() -> None:
    for wrong in (b"{}", b'{"version":3}', b"[]", b"{"):
        with pytest.raises(WorkflowError):
            inject(SCRIPT, wrong)


def sections(*maps: tuple[int, dict[str, Any]]) -> bytes:
    return json.dumps(
        {"version": 3, "sections": [{"offset": {"line": line, "column": 0}, "map": one} for line, one in maps]}
    ).encode()


@pytest.mark.parametrize(
    "content",
    [
        text(mappings=""),
        text(mappings=";,;"),
        text(mappings="A,C;E"),
        text(mappings="A", sources=[]),
        sections(),
        sections((0, {**FIELDS, "mappings": ""}), (1, {**FIELDS, "mappings": "A,C"})),
    ],
)
def test_a_map_that_names_no_source_is_refused(content: bytes) -> None:
    """PostHog takes it, and resolves no frame with it."""
    with pytest.raises(WorkflowError) as caught:
        inject(SCRIPT, content)
    assert caught.value.code == NO_MAPPINGS

    with pytest.raises(WorkflowError) as caught:
        inject_map(content.replace(b"{", b'{"chunk_id":"x",', 1))
    assert caught.value.code == NO_MAPPINGS


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (text(mappings="AAAA;;;AACA;;"), 4),
        (text(mappings=";" * 300_000 + "AACA" + ",;" * 200_000), 300_001),
        (sections((0, FIELDS), (9, {**FIELDS, "mappings": ";AAAA;"}), (20, {**FIELDS, "mappings": ";;"})), 11),
    ],
)
def test_a_map_of_lines_that_the_bundle_does_not_have_is_refused(tmp_path: Path, content: bytes, line: int) -> None:
    (tmp_path / "a.js").write_bytes(b"fail()\n//# sourceMappingURL=a.js.map")
    (tmp_path / "a.js.map").write_bytes(content)
    before = contents(tmp_path)

    (problem,) = prepared(tmp_path)

    assert isinstance(problem, Problem)
    assert problem.explanation.code == "lines_differ"
    assert problem.explanation.what == f"The map maps line {line} of the bundle, which has 2 lines."
    assert contents(tmp_path) == before


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028", "\u2029"])
def test_a_map_may_have_a_segment_for_each_line_and_for_the_end_of_the_bundle(end: str) -> None:
    source = f"fail();{end}fail();{end}".encode()

    assert inject(source, text(mappings="AAAA;AACA;AACA,;;")).source_changed
    with pytest.raises(WorkflowError, match="maps line 4 of the bundle, which has 3 lines"):
        inject(source, text(mappings="AAAA;AACA;AACA;AACA"))


def test_a_map_within_the_bundle_is_changed_there() -> None:
    for url in (
        f"data:application/json;base64,{base64.b64encode(text()).decode()}",
        f"DATA:application/json;BASE64,{base64.b64encode(text()).decode()}",
        "data:application/json," + text().decode().replace('"', "%22").replace(" ", "%20"),
    ):
        source = f"fail()\n//# sourceMappingURL={url}".encode()
        made = inject(source, None)
        assert json.loads(map_in(made.source)) == {**FIELDS, "mappings": ";AAAA;AACA", "chunk_id": made.chunk_id}
        assert made.map == map_in(made.source)
        assert inject(made.source, None).source == made.source
    for wrong in (b"//# sourceMappingURL=data:x;base64,@@", b"//# sourceMappingURL=data:x", b"a()"):
        with pytest.raises(WorkflowError):
            inject(wrong, None)


def test_a_bundle_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(WorkflowError, match="not UTF-8") as caught:
        inject(b"a('\xff')", text())
    assert caught.value.code == "not_utf8"


def test_hermes_has_its_id_in_the_map_only() -> None:
    content = (BUILT / "hermes" / "main.jsbundle.map").read_bytes()
    named = content.replace(b"{", b'{"debugId":"%s",' % HERMES_ID.encode(), 1)

    injected = inject_map(named)

    assert injected.chunk_id == HERMES_ID
    assert json.loads(injected.map) == {**json.loads(named), "chunk_id": HERMES_ID}
    assert injected.map_changed
    again = inject_map(injected.map)
    assert (again.chunk_id, again.map, again.map_changed) == (HERMES_ID, injected.map, False)
    known = b'{"version":3,"sources":["a.ts"],"mappings":"AAAA","chunk_id":"x"}'
    assert (inject_map(known).chunk_id, inject_map(known).map) == ("x", known)


def test_hermes_without_an_id_is_refused_because_no_app_would_send_one() -> None:
    with pytest.raises(WorkflowError, match=r"no chunk id.*posthog-react-native/metro.*hermes clone") as caught:
        inject_map((BUILT / "hermes" / "main.jsbundle.map").read_bytes())
    assert caught.value.code == "no_chunk_id"


REGISTRATIONS = {
    "the command line": 'n&&(e._posthogChunkIds=e._posthogChunkIds||{},e._posthogChunkIds[n]="ID")',
    "event mode": 's&&((g._posthogChunkIds=g._posthogChunkIds||{})[s]="ID")',
    "shortened": "s&&((g._posthogChunkIds||={})[s]=`ID`)",
    "with ??=": "n&&(e._posthogChunkIds ??= {}, e._posthogChunkIds[n] = 'ID')",
    "quoted": 'e["_posthogChunkIds"]=e["_posthogChunkIds"]||{},e["_posthogChunkIds"][n]="ID"',
    "without a variable": 'e._posthogChunkIds[(new e.Error).stack]="ID"',
}


@pytest.mark.parametrize("code", REGISTRATIONS.values(), ids=REGISTRATIONS)
def test_a_bundle_that_registers_an_id_without_the_comment_keeps_it(code: str) -> None:
    bundle = code.replace("ID", "of-the-plugin").encode() + b";a()\n//# sourceMappingURL=a.js.map\n"

    made = inject(bundle, text())

    assert (made.chunk_id, made.source, made.map) == ("of-the-plugin", bundle, text())
    assert inject(bundle, text(chunk_id="of-the-plugin")).chunk_id == "of-the-plugin"
    with pytest.raises(WorkflowError, match="map has the chunk id other, but the bundle registers of-the-plugin"):
        inject(bundle, text(chunk_id="other"))


def test_code_that_only_reads_ids_registers_none() -> None:
    reads = (
        b'const e=globalThis._posthogChunkIds;for(const n of Object.keys(e))m[n]="x";'
        b'const t=`e._posthogChunkIds[n]="__POSTHOG_CHUNK_ID__"`;\n'
    )
    assert registered_ids(reads) == []
    assert inject(reads, text()).chunk_id == stable_id(reads, text())


def test_the_id_that_is_registered_last_is_sent() -> None:
    both = b'_posthogChunkIds[n]="a";_posthogChunkIds[n]="b"\n//# chunkId=b\n'
    assert inject(both, text()).chunk_id == "b"
    with pytest.raises(WorkflowError, match="more than one chunk id: a, b"):
        inject(both.replace(b"chunkId=b", b"chunkId=a"), text())


@pytest.mark.parametrize("second", ['_posthogChunkIds[n]="b"', "\n//# chunkId=b"])
def test_two_ids_in_one_bundle_are_refused(second: str) -> None:
    with pytest.raises(WorkflowError, match="more than one chunk id: a, b") as caught:
        inject(f'_posthogChunkIds[n]="a";{second}\n'.encode(), text())
    assert caught.value.code == "two_ids"


def test_a_hostile_registration_is_searched_in_one_pass() -> None:
    for unit in (b"_posthogChunkIds", b"_posthogChunkIds[", b"_posthogChunkIds[n]=", b'_posthogChunkIds[n]="x '):
        assert registered_ids(unit * (2_000_000 // len(unit))) == []
