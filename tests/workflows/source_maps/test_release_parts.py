"""The content hash of bundles that a plugin of a bundler gave a release id: the same in every release."""

import json
from pathlib import Path

import pytest

from mcp_errortracking.workflows.files.local_file import LocalFile
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.source_maps.chunk import Chunk
from mcp_errortracking.workflows.source_maps.upload.content import fingerprint
from mcp_errortracking.workflows.source_maps.upload.release_parts import names_release, source_without_release

TOKEN = b"\x01file-path\x01"
PLUGIN = 'var s=Error().stack;g._posthogReleaseId=g._posthogReleaseId||"{release}";g._posthogChunkIds[s]="the-chunk";'


def hash_of(
    folder: Path, release: str, name: str, *, code: str = "f()", source: str = "../src/a.js", head: str = PLUGIN
) -> str:
    folder.mkdir(exist_ok=True)
    script = (
        f"{head.replace('{release}', release)}import('./{name}.js');{code}\n"
        f"//# sourceMappingURL={name}.js.map\n//# chunkId=the-chunk\n"
    )
    (folder / "a.js").write_text(script, "utf-8")
    source_map = {"version": 3, "file": f"assets/{name}.js", "sources": [source], "names": [], "mappings": "AAAA"}
    (folder / "a.js.map").write_text(json.dumps(source_map), "utf-8")
    roots = Roots([folder])
    chunk = Chunk("the-chunk", LocalFile(roots, folder / "a.js.map"), LocalFile(roots, folder / "a.js"))
    return fingerprint(chunk).content_hash


def test_names_and_the_release_do_not_change_the_hash(tmp_path: Path) -> None:
    first = hash_of(tmp_path, "0198c1de-0000-7000-8000-000000000001", "index-C3e2Htc9")

    assert hash_of(tmp_path, "0198c1de-0000-7000-8000-000000000002", "index-BrAf3own") == first
    assert hash_of(tmp_path, "r", "x", code="g()") != first
    assert hash_of(tmp_path, "r", "x", source="../src/b.js") != first


def test_without_a_release_names_count(tmp_path: Path) -> None:
    """Assert that the bundle that only reads the release id, as the SDK does, is hashed as it is."""
    for head in ("", "send(g._posthogReleaseId||null);"):
        assert hash_of(tmp_path, "r", "one", head=head) != hash_of(tmp_path, "r", "two", head=head)


@pytest.mark.parametrize(
    "code",
    ['e._posthogReleaseId||="r-1"', "e._posthogReleaseId=e._posthogReleaseId||`r-1`", 'e["_posthogReleaseId"]??="r-1"'],
)
def test_the_release_is_found_as_minifiers_write_it(code: str) -> None:
    assert names_release(code.encode())
    assert b"r-1" not in source_without_release(code.encode())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('import("./one-Br.js");d=["assets/one.js","https://cdn/a/b-X_1.mjs"]', 'import("@");d=["@","https:@"]'),
        ("//# sourceMappingURL=index-C3e2Htc9.js.map", "//# sourceMappingURL=@.map"),
        ('import("../Bx9_a1c2/one.cjs")', 'import("@")'),
        (
            '["index.json","index.jsx","a.js_b",".js",x.jsonp,"js"]',
            '["index.json","index.jsx","a.js_b",".js",x.jsonp,"js"]',
        ),
        ("a.jsx.js x.js.map", "@ @.map"),
        ("é日.js é.mjs", "@ @"),
    ],
)
def test_paths_of_scripts_are_those_of_posthogs_command_line(text: str, expected: str) -> None:
    found = source_without_release(text.encode())

    assert found == expected.encode().replace(b"@", TOKEN)
