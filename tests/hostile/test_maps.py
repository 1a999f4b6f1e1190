"""Symbol sets, maps and bundles that are small when stored and large when read, and texts that cannot be written."""

import io
import itertools
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from mcp_errortracking.proxy import Proxy
from mcp_errortracking.server.calls import Reply
from mcp_errortracking.workflows.base import Environment
from mcp_errortracking.workflows.problems import InvalidMapError
from mcp_errortracking.workflows.source_maps.container import ContainerError, DataType, SymbolData, decode, encode
from mcp_errortracking.workflows.source_maps.maps import mappings as mappings_module
from mcp_errortracking.workflows.source_maps.maps import source_map as source_map_module
from mcp_errortracking.workflows.source_maps.maps.json_bounds import MOST_WEIGHT, SMALL, check_bounds
from mcp_errortracking.workflows.source_maps.maps.map_json import parse_map
from mcp_errortracking.workflows.source_maps.maps.mappings import Mappings
from mcp_errortracking.workflows.source_maps.maps.script import find_insertion_point
from mcp_errortracking.workflows.source_maps.maps.source_map import map_from_fields, read
from mcp_errortracking.workflows.source_maps.maps.sources import MOST_SOURCES, SourcesError, list_sources
from mcp_errortracking.workflows.source_maps.remote import download as download_module
from mcp_errortracking.workflows.source_maps.remote.storage import Storage
from mcp_errortracking.workflows.source_maps.remote.storage_errors import AddressRefusedError
from tests.calls import call_tool
from tests.sandbox_process import FULL, SandboxProcess

pytestmark = pytest.mark.anyio

MIB = 1024 * 1024
HALF = "\\ud800"
HALF_MAP = {"version": 3, "sources": [HALF], "mappings": "AAAA", "sourcesContent": ["a"]}
HALVES = {
    "a source": {"sources": [HALF]},
    "the root": {"sourceRoot": HALF},
    "a name": {"names": [HALF], "mappings": "AAAAA"},
    "a text": {"sourcesContent": [f"{HALF}();\\nx"]},
    "the version": {"version": HALF},
    "a field nobody reads": {"x": [HALF, {HALF: HALF}]},
    "a section": {"sections": [{"offset": {"line": 0, "column": 0}, "map": HALF_MAP}]},
    "a pair turned round": {"sources": ["\\ude00\\ud83d"]},
}
WHOLE = {"version": 3, "sources": ["a.ts"], "names": ["a"], "mappings": "AAAA", "sourcesContent": ["one();"]}


def written(fields: dict[str, Any]) -> str:
    """The JSON of a map in which `\\ud800` stands as an escape."""
    return json.dumps(fields).replace("\\\\", "\\")


def set_id(number: int) -> str:
    return f"01936f2e-7a51-7000-8000-{number + 0x100:012x}"


SEED: dict[str, Any] = {
    "projects": [{"id": 1}],
    "keys": [{"value": FULL}],
    "symbol_sets": [
        {
            "id": set_id(number),
            "ref": f"half-{number}",
            "content": {"source": "let a=1", "map": written(WHOLE | changed)},
        }
        for number, changed in enumerate(HALVES.values())
    ]
    + [
        {
            "id": set_id(20),
            "ref": "many",
            "content": {"source": "a", "map": json.dumps(WHOLE | {"sources": [f"s{n}.ts" for n in range(5000)]})},
        },
        {
            "id": set_id(21),
            "ref": "long",
            "content": {"source": "a", "map": json.dumps(WHOLE | {"sourcesContent": ["x\n" * 500_000]})},
        },
        {
            "id": set_id(22),
            "ref": "nested",
            "content": {"source": "a", "map": json.dumps(WHOLE | {"version": [[["x" * 100_000]]]})},
        },
    ],
}


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess(SEED) as running:
        yield running


async def ask(sandbox: SandboxProcess, root: Path, tool: str, **arguments: Any) -> Reply:
    async with Proxy(host=sandbox.url, key=SecretStr(FULL), project="1") as proxy:
        return await call_tool(proxy, tool, arguments, time_limit=30, environment=Environment((root,), sandbox.url))


@pytest.mark.parametrize("number", range(len(HALVES)), ids=list(HALVES))
async def test_half_a_surrogate_pair_is_replaced_wherever_it_stands(
    sandbox: SandboxProcess, tmp_path: Path, number: int
) -> None:
    inspected = await ask(sandbox, tmp_path, "symbol-set-inspect", id=set_id(number), write_to="out")
    resolved = await ask(
        sandbox, tmp_path, "source-maps-resolve", stack="at o (main.js:1:1)", chunk_id=f"half-{number}"
    )

    for reply in (inspected, resolved):
        text = json.dumps(reply.structured, ensure_ascii=False) + reply.text
        assert text.encode(), "can be sent"
    assert inspected.structured is not None
    assert not inspected.is_error
    assert len(inspected.structured["written"]) == len(
        [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    )
    assert resolved.structured is not None
    assert resolved.structured["frames"][0]["minified"] == "main.js:1:1"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (r"\ud800", "?"),
        (r"\uDFFF\udbff", "??"),
        (r"\ud83d\ude00", "\U0001f600"),
        (r"\ud83d\ud83d\ude00\ude00", "?\U0001f600?"),
        (r"\\ud800 \ud800", r"\ud800 ?"),
        (r"\\\ud800", "\\?"),
        (r"\\\\ud83d\\\ude00", r"\\ud83d\?"),
    ],
)
def test_only_halves_are_replaced(text: str, clean: str) -> None:
    assert parse_map(f'{{"{text}":["{text}", "\\ud800"]}}'.encode()) == {clean: [clean, "?"]}


async def test_what_is_answered_of_a_large_set_is_cut(sandbox: SandboxProcess, tmp_path: Path) -> None:
    many = await ask(sandbox, tmp_path, "symbol-set-inspect", ref="many", write_to="out")
    long = await ask(sandbox, tmp_path, "symbol-set-inspect", ref="long", source="a.ts")
    nested = await ask(sandbox, tmp_path, "symbol-set-inspect", ref="nested")

    assert many.structured is not None
    assert len(many.structured["sources"]) == 1000
    assert "4900 more sources are left out" in many.text
    assert long.structured is not None
    assert len(long.structured["text"]) == 200_000
    assert "Only the first 200,000 of 1,000,000 characters" in long.text
    assert nested.structured is not None
    assert nested.structured["version_of_map"] is None


def test_a_small_file_that_unpacks_to_more_than_posthog_takes_is_not_read() -> None:
    bomb = encode(SymbolData(DataType.HERMES_MAP, b" " * (100 * MIB + 1)))

    assert len(bomb) < 64 * 1024
    with pytest.raises(ContainerError, match="more than 100 MiB"):
        decode(bomb)


BOMBS = r"""
import resource, sys
from mcp_errortracking.workflows.source_maps.maps.map_json import parse_map
from mcp_errortracking.workflows.source_maps.maps.script import find_insertion_point
from mcp_errortracking.workflows.source_maps.maps.source_map import map_from_fields
from mcp_errortracking.workflows.source_maps.maps.sources import SourcesError, list_sources
from mcp_errortracking.workflows.problems import InvalidMapError
from mcp_errortracking.workflows.source_maps.maps.symbols import Symbols

MIB = 1024 * 1024
SIZE = 24 * MIB
HEAD = b'{"version":3,"sources":["a"],"names":[],"mappings":"AAAA",'

def lists(): return HEAD + b'"x":[' + b"[]," * (SIZE // 3) + b"0]}"
def objects(): return HEAD + b'"x":[' + b'{"a":0},' * (SIZE // 8) + b"0]}"
def names(): return HEAD + b'"x":[' + b",".join(b'"%07d"' % n for n in range(2_500_000)) + b"]}"
def escapes(): return HEAD + b'"x":"' + b"\\n" * 16_000_000 + b'"}'
def after_slash(): return HEAD + b'"x":["\\\\",' + b"[]," * (SIZE // 3) + b"0]}"
def roots():
    head = b'{"version":3,"mappings":"AAAA","sourceRoot":"' + b"r" * 10 * MIB
    return head + b'","sources":[' + b'"a",' * 90_000 + b'"a"]}'
def text_lines(): return HEAD + b'"sourcesContent":["' + b"ab\\n" * 6_000_000 + b'"]}'

def look(content):
    symbols = Symbols(b"a\n" * (5 * MIB), content)
    list_sources(parse_map(content))
    symbols.map.find(0, 10_000)
    symbols.offset(3, 0)
    position = symbols.map.find(0, 0)
    return position and position.text and position.text[0]

bomb = globals()[sys.argv[1]]()
resource.setrlimit(resource.RLIMIT_AS, (450 * MIB, 450 * MIB))
try:
    print("read:", look(bomb))
except (InvalidMapError, SourcesError) as error:
    print("refused:", error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit of memory")
@pytest.mark.parametrize(
    ("bomb", "said"),
    [
        pytest.param("lists", "refused: .*too many lists, objects, names", marks=pytest.mark.thorough),
        ("objects", "refused: .*too many lists, objects, names"),
        pytest.param("names", "refused: .*too many lists, objects, names", marks=pytest.mark.thorough),
        ("after_slash", "refused: .*too many lists, objects, names"),
        ("escapes", "refused: .*more than 12,000,000 escaped"),
        ("roots", "refused: .*names of the sources"),
        pytest.param("text_lines", "read: ab", marks=pytest.mark.thorough),
    ],
)
def test_a_map_made_to_take_memory_is_read_or_refused_within_a_limit_of_it(bomb: str, said: str) -> None:
    done = subprocess.run([sys.executable, "-c", BOMBS, bomb], capture_output=True, text=True, timeout=300, check=False)

    assert done.returncode == 0, done.stderr[-500:]
    assert re.match(said, done.stdout), done.stdout[:300]


def values(count: int) -> bytes:
    """A map of so many values, and as many signs in strings, that is large enough to be looked at."""
    code = json.dumps('[{,\\"' * (SMALL // 6))
    return f'{{"version":3,"sourcesContent":[{code}],"x":[{",".join(["0"] * count)}]}}'.encode()


def test_values_are_counted_outside_of_strings_only() -> None:
    check_bounds(values(MOST_WEIGHT - 100))
    with pytest.raises(InvalidMapError, match="too many lists, objects, names or values"):
        check_bounds(values(MOST_WEIGHT + 1))


def test_mappings_of_a_large_map_do_not_count_as_values() -> None:
    fields = WHOLE | {"mappings": ",".join(["AAAA"] * 2_000_000)}

    assert parse_map(json.dumps(fields, separators=(",", ":")).encode())["mappings"] == fields["mappings"]


def test_decoded_segments_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    text = ",".join(f"{a}A{b}{c}" for a, b, c in itertools.product("CEGIKMOQSUWY", repeat=3))
    columns = range(0, 12_000, 37)
    plain = [Mappings(text).find(0, column) for column in columns]
    monkeypatch.setattr(mappings_module, "_KEPT_BLOCKS", 4)
    monkeypatch.setattr(mappings_module, "_MOST_KNOWN", 300)
    mappings = Mappings(text)

    for column, expected in zip(columns, plain, strict=True):
        assert mappings.find(0, column) == expected
        assert len(mappings._decoded) <= 4
    assert len({found for found in plain if found}) > 250


def test_an_unsorted_line_of_any_size_is_refused() -> None:
    text = "gBAAA," + ",".join(["DAAA", "CAAA"] * 130_000)

    with pytest.raises(InvalidMapError, match="segments out of order"):
        Mappings(text).find(0, 5)


def test_sections_without_mappings_are_looked_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    empty = {"version": 3, "sources": [], "names": [], "mappings": ""}
    sections = [{"offset": {"line": 0, "column": n}, "map": empty} for n in range(2000)]
    source_map = map_from_fields({"version": 3, "sections": sections})
    looks = list[int]()
    real = source_map_module._PlainMap.find
    monkeypatch.setattr(
        source_map_module._PlainMap, "find", lambda self, *a, **b: looks.append(1) or real(self, *a, **b)
    )

    assert all(source_map.find(0, column) is None for column in range(0, 3000, 3))

    assert len(looks) <= 2000 + 1000


def test_names_of_sources_are_cut() -> None:
    content = json.dumps(WHOLE | {"sourceRoot": "r" * 100_000, "sources": ["s" * 100_000], "names": ["n" * 100_000]})
    position = read(content.replace('"AAAA"', '"AAAAA"').encode()).find(0, 0)

    assert position is not None
    assert position.source == "r" * 4096
    assert position.name == "n" * 1000
    with pytest.raises(SourcesError, match="names of the sources"):
        list_sources(WHOLE | {"sourceRoot": "r" * 4096, "sources": ["a"] * 20_000})


async def test_no_room_for_a_download_is_said(
    sandbox: SandboxProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download_module, "_IN_MEMORY", 1)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))

    reply = await ask(sandbox, tmp_path, "symbol-set-inspect", ref="many")

    assert reply.structured == {"error": {"code": "no_room"}}
    assert "The symbol set cannot be stored in" in reply.text
    assert "set TMPDIR" in reply.text


@pytest.mark.parametrize(
    "url",
    [
        *("http://xn--/", "http://xn--a/", "http://127.0.0.1:99999/", "http://127.0.0.1:65536", "http://127.0.0.1:-1/"),
        *("http://\ud800/", "http://[::1/", "http://x\n/", "mailto:x", "javascript:alert(1)", ""),
    ],
)
async def test_what_is_no_address_of_a_download_is_refused_in_words(url: str) -> None:
    async with Storage("http://127.0.0.1:1") as storage:
        with pytest.raises(AddressRefusedError, match="not a web address"):
            await storage.fetch(url, io.BytesIO(), limit=10)


LARGE = 4 * MIB
BUNDLES = {
    "a string": b'"' + b"a" * LARGE,
    "escapes": b'"' + b"\\a" * (LARGE // 2),
    "blanks": b" " * LARGE,
    "comments": b"//\n" * (LARGE // 3),
    "blocks": b"/**/" * (LARGE // 4),
    "a block": b"/*" + b"*" * LARGE,
}


@pytest.mark.parametrize("kind", BUNDLES)
def test_the_beginning_of_a_bundle_takes_no_memory_by_the_letter(kind: str) -> None:
    peak = subprocess.run(
        [
            *(sys.executable, "-c"),
            "import resource, sys\n"
            "from mcp_errortracking.workflows.source_maps.maps.script import find_insertion_point\n"
            "script = sys.stdin.buffer.read(); before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
            "find_insertion_point(script); print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)",
        ],
        input=BUNDLES[kind],
        capture_output=True,
        timeout=300,
        check=True,
    ).stdout
    assert int(peak) * (1 if sys.platform == "darwin" else 1024) < 40 * MIB


def test_directives_are_looked_for_in_the_beginning_of_a_bundle_only() -> None:
    assert find_insertion_point(b"/*" + b"*" * 5 * MIB + b'*/"use strict";a()').offset == 0
    assert find_insertion_point(b"/*" + b"*" * 3 * MIB + b'*/"use strict";a()').offset == 3 * MIB + 4 + len(
        '"use strict";'
    )


def test_directives_are_counted() -> None:
    assert find_insertion_point(b'"a";' * 900 + b"a()").offset == 4 * 900
    assert find_insertion_point(b'"a";' * 100_000 + b"a()").offset == 4 * 1000


@pytest.mark.thorough
def test_a_map_of_more_sources_than_a_build_has_is_refused() -> None:
    def names(number: int) -> dict[str, Any]:
        return WHOLE | {"sources": [f"s{index}" for index in range(number)]}

    assert len(list_sources(names(MOST_SOURCES))) == MOST_SOURCES
    with pytest.raises(SourcesError, match="names more than 200,000 sources"):
        list_sources(names(MOST_SOURCES + 1))


SECRET = "TOKEN=canary-of-a-secret"
FOREIGN = [
    *("../.env", "/.env", ".env", "../../.env", "webpack://shop/./.env", "file:///.env", "..\\.env", "%2e%2e/.env"),
    *("../.npmrc", "../id_rsa", "../secret.pem", "../credentials.json", "../.env.local", "../.hidden.js", "../link.ts"),
    *("../.env?a.ts", "../.env#a.ts", "../notes.txt", "../dump.sql", "../.env/", "../.env\0.ts", "../link.js"),
    *("../.git/a.ts", ".git/a.ts", "../.aws/b/a.ts", "../src/../.aws/b/a.ts", "../linked/a.ts", "../.nuxt/.git/a.ts"),
    "../" * 2000 + "src/a.ts",
]


@pytest.mark.parametrize("source", FOREIGN, ids=lambda source: source[:30])
async def test_a_map_cannot_have_lines_of_other_files_shown(
    sandbox: SandboxProcess, tmp_path: Path, source: str
) -> None:
    (tmp_path / "dist").mkdir()
    files = [".env", ".env.local", ".npmrc", "id_rsa", "secret.pem", "credentials.json", ".hidden.js", "notes.txt"]
    for folder in (".git", ".aws/b", ".nuxt/.git"):
        (tmp_path / folder).mkdir(parents=True)
        files.append(f"{folder}/a.ts")
    (tmp_path / "linked").symlink_to(".aws/b")
    for name in (*files, "dump.sql"):
        (tmp_path / name).write_text(f"{SECRET}\n" * 3)
    (tmp_path / "link.ts").symlink_to(tmp_path / ".env")
    (tmp_path / "link.js").symlink_to(tmp_path / "credentials.json")
    fields = {"version": 3, "sources": [source], "names": [], "mappings": "AAAA"}
    (tmp_path / "dist" / "a.js").write_text("throw 1\n//# sourceMappingURL=a.js.map\n")
    (tmp_path / "dist" / "a.js.map").write_text(json.dumps(fields))

    reply = await ask(
        sandbox, tmp_path, "source-maps-resolve", stack="at o (a.js:1:1)", folder="dist", context=20, commits=True
    )

    assert reply.structured is not None
    (frame,) = reply.structured["frames"]
    assert frame["resolved"]
    assert (frame["path"], frame["context"], frame["commit"]) == (None, [], None)
    assert SECRET not in reply.text + json.dumps(reply.structured)


@pytest.mark.parametrize(
    "source", ["../src/a.ts", "../../packages/x/src/a.vue", "webpack://shop/./src/a.ts", "../.nuxt/app.mjs"]
)
async def test_sources_of_a_monorepo_are_shown(sandbox: SandboxProcess, tmp_path: Path, source: str) -> None:
    dist = tmp_path / "app" / "dist"
    for folder in ("app/dist", "app/src", "packages/x/src", "app/.nuxt"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("app/src/a.ts", "packages/x/src/a.vue", "app/.nuxt/app.mjs"):
        (tmp_path / name).write_text("throw new Error()\n")
    fields = {"version": 3, "sources": [source], "names": [], "mappings": "AAAA"}
    (dist / "a.js").write_text("throw 1\n//# sourceMappingURL=a.js.map\n")
    (dist / "a.js.map").write_text(json.dumps(fields))

    reply = await ask(sandbox, tmp_path, "source-maps-resolve", stack="at o (a.js:1:1)", folder="app/dist")

    assert reply.structured is not None
    assert reply.structured["frames"][0]["context"][0]["line"] == "throw new Error()"
