"""Coverage of a build by PostHog's maps, and the build that is deployed without its maps."""

import gzip
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from mcp_errortracking.workflows.source_maps.maps.script import map_url, without_map_url
from mcp_errortracking.workflows.source_maps.recorded.compressed import compress
from tests import command
from tests.sandbox_process import FULL, SandboxProcess
from tests.workflows.source_maps.builds import contents
from tests.workflows.source_maps.test_records import add_bundle, nitro, sri

SEED: dict[str, Any] = {"projects": [{"id": 1}], "keys": [{"value": FULL}]}


def run(sandbox: SandboxProcess, folder: Path, *words: str) -> tuple[int, str]:
    settings = {"POSTHOG_HOST": sandbox.url, "POSTHOG_PERSONAL_API_KEY": FULL, "POSTHOG_PROJECT_ID": "1"}
    code, out, _ = command.run_here("source-maps", *words, folder=folder, **settings)
    return code, out


def last_line(out: str) -> str:
    return out.splitlines()[-1]


def test_the_last_line_of_a_check_counts_the_covered_bundles(sandbox: SandboxProcess, tmp_path: Path) -> None:
    add_bundle(tmp_path, "a.js")
    add_bundle(tmp_path, "b.js", "let b=2;")
    (tmp_path / "polyfills.js").write_text("p()")

    code, out = run(sandbox, tmp_path, "check", ".")
    assert (code, last_line(out)) == (1, "symbolication: 0 of 2 bundles covered")
    assert run(sandbox, tmp_path, "upload", ".")[0] == 0
    code, out = run(sandbox, tmp_path, "check", ".")
    assert (code, last_line(out)) == (0, "symbolication: 2 of 2 bundles covered")

    add_bundle(tmp_path, "a.js", "let a=3;")
    code, out = run(sandbox, tmp_path, "check", ".")
    assert (code, last_line(out)) == (1, "symbolication: 1 of 2 bundles covered")
    (tmp_path / "a.js.map").write_text("{")
    code, out = run(sandbox, tmp_path, "check", ".")
    assert (code, last_line(out)) == (1, "symbolication: 1 of 2 bundles covered")
    (tmp_path / "b.js").unlink()
    (tmp_path / "b.js.map").unlink()
    code, out = run(sandbox, tmp_path, "check", ".")
    assert (code, last_line(out)) == (1, "symbolication: 0 of 1 bundles covered")


def test_a_bundle_whose_registration_was_removed_after_the_upload_is_not_covered(
    sandbox: SandboxProcess, tmp_path: Path
) -> None:
    add_bundle(tmp_path, "a.js")
    run(sandbox, tmp_path, "upload", ".", "--delete-after")
    assert last_line(run(sandbox, tmp_path, "check", ".")[1]) == "symbolication: 1 of 1 bundles covered"

    bundle = tmp_path / "a.js"
    bundle.write_bytes(b"".join(bundle.read_bytes().splitlines(keepends=True)[1:]))
    code, out = run(sandbox, tmp_path, "check", ".")

    assert (code, last_line(out)) == (1, "symbolication: 0 of 1 bundles covered")
    assert 'do not send the chunk id in their comment, so that no exception finds their map: "a.js".' in out


def test_an_upload_fails_for_a_bundle_that_names_an_id_but_never_registers_it(
    sandbox: SandboxProcess, tmp_path: Path
) -> None:
    add_bundle(tmp_path, "a.js", "let a=1;\n//# chunkId=of-a-tool")
    add_bundle(tmp_path, "b.js", '_posthogChunkIds[n]="of-a-tool-too";let b=1;')

    code, out = run(sandbox, tmp_path, "upload", ".")

    assert code == 1
    assert 'do not send the chunk id in their comment, so that no exception finds their map: "a.js". Build' in out


def test_one_id_in_two_bundles_with_different_maps_covers_one(sandbox: SandboxProcess, tmp_path: Path) -> None:
    code = '_posthogChunkIds[n]="same";'
    add_bundle(tmp_path, "a.js", code)
    add_bundle(tmp_path, "copy/a.js", code)
    assert run(sandbox, tmp_path, "upload", ".")[0] == 0
    assert last_line(run(sandbox, tmp_path, "check", ".")[1]) == "symbolication: 2 of 2 bundles covered"

    add_bundle(tmp_path, "other.js", f"{code}other();")
    code, out = run(sandbox, tmp_path, "check", ".")

    assert (code, last_line(out)) == (1, "symbolication: 2 of 3 bundles covered")
    assert 'Bundles with the chunk id of another bundle and another map: "other.js".' in out


def test_the_comment_of_a_deleted_map_goes_with_it(sandbox: SandboxProcess, tmp_path: Path) -> None:
    add_bundle(tmp_path, "main.js")
    (tmp_path / "main.js.gz").write_bytes(gzip.compress((tmp_path / "main.js").read_bytes()))
    old = (tmp_path / "main.js").read_bytes()
    (tmp_path / "index.html").write_text(f'<script src="main.js" integrity="{sri(old)}"></script>')
    (tmp_path / "style.css").write_text("a{}\n/*# sourceMappingURL=style.css.map */\n")
    (tmp_path / "style.css.map").write_text('{"version":3}')

    code, out = run(sandbox, tmp_path, "upload", ".", "--delete-after", "--json")

    after = contents(tmp_path)
    assert (code, json.loads(out)["maps_deleted"]) == (0, 2)
    assert sorted(after) == ["index.html", "main.js", "main.js.gz", "style.css"]
    assert after["style.css"] == b"a{}\n"
    assert b"sourceMappingURL" not in after["main.js"]
    assert after["main.js"].splitlines()[1] == b"let a=1;"
    assert after["main.js"].splitlines()[2].startswith(b"//# chunkId=")
    assert sri(after["main.js"]).encode() in after["index.html"]
    assert gzip.decompress(after["main.js.gz"]) == after["main.js"]
    assert run(sandbox, tmp_path, "check", ".")[0] == 0


def test_maps_of_style_sheets_stay_while_a_bundle_is_not_uploaded(sandbox: SandboxProcess, tmp_path: Path) -> None:
    add_bundle(tmp_path, "main.js")
    add_bundle(tmp_path, "broken.js")
    (tmp_path / "broken.js.map").write_text("{")
    sheet = b"a{}/*# sourceMappingURL=style.css.map */"
    (tmp_path / "style.css").write_bytes(sheet)
    (tmp_path / "style.css.map").write_text("{}")

    code, _ = run(sandbox, tmp_path, "upload", ".", "--delete-after")

    assert code == 1
    assert sorted(contents(tmp_path)) == ["broken.js", "broken.js.map", "main.js", "style.css", "style.css.map"]
    assert (tmp_path / "style.css").read_bytes() == sheet


def test_a_check_finds_records_that_an_earlier_injection_made_stale(sandbox: SandboxProcess, tmp_path: Path) -> None:
    old = add_bundle(tmp_path / "public", "main.js")
    run(sandbox, tmp_path, "upload", ".")
    page = tmp_path / "index.html"
    page.write_text(f'<script integrity="{sri((tmp_path / "public" / "main.js").read_bytes())}"></script>')
    assert run(sandbox, tmp_path, "check", ".")[0] == 0

    page.write_text(f'<script integrity="{sri(old)}"></script>')
    (tmp_path / "nitro.mjs").write_text(nitro({"main.js": old}))
    code, out = run(sandbox, tmp_path, "check", ".", "--json")

    found = json.loads(out)
    assert (code, found["stale_records"]) == (1, ["index.html", "nitro.mjs"])
    assert found["symbolication"] == {"covered": 1, "bundles": 1}
    assert 'are recorded in "index.html" and 1 more' in run(sandbox, tmp_path, "check", ".")[1]


@pytest.mark.parametrize("ending", [".gz", ".br", ".zst"])
def test_a_check_finds_compressed_copies_without_the_chunk_id(
    sandbox: SandboxProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    old = add_bundle(tmp_path, "main.js")
    copy = tmp_path / f"main.js{ending}"
    run(sandbox, tmp_path, "upload", ".")
    copy.write_bytes(compress(ending, (tmp_path / "main.js").read_bytes()))
    assert run(sandbox, tmp_path, "check", ".")[0] == 0

    copy.write_bytes(compress(ending, old))
    code, out = run(sandbox, tmp_path, "check", ".", "--json")

    assert (code, json.loads(out)["stale_copies"]) == (1, [f"main.js{ending}"])
    assert f'do not hold their bundle as it is: "main.js{ending}"' in run(sandbox, tmp_path, "check", ".")[1]
    if ending == ".br":
        monkeypatch.setitem(sys.modules, "brotli", None)
        assert run(sandbox, tmp_path, "check", ".")[0] == 0
        os.utime(copy, (1, 1))
        assert run(sandbox, tmp_path, "check", ".")[0] == 1


def test_an_upload_corrects_the_server_of_nitro(sandbox: SandboxProcess, tmp_path: Path) -> None:
    old = add_bundle(tmp_path / "public", "_app/main.js")
    server = tmp_path / "server" / "chunks" / "nitro" / "nitro.mjs"
    server.parent.mkdir(parents=True)
    server.write_text(nitro({"_app/main.js": old}))

    code, out = run(sandbox, tmp_path, "upload", ".")

    assert code == 0
    assert server.read_text() == nitro({"_app/main.js": (tmp_path / "public" / "_app" / "main.js").read_bytes()})
    assert '(sizes, hashes, compressed copies): "server/chunks/nitro/nitro.mjs".' in out


def test_a_hermes_map_without_an_id_is_not_uploaded(sandbox: SandboxProcess, tmp_path: Path) -> None:
    fields = {"version": 3, "sources": ["src/a.ts"], "names": [], "mappings": "AAAA", "x_hermes_function_offsets": {}}
    source_map = tmp_path / "index.android.bundle.map"
    source_map.write_text(json.dumps(fields))

    code, out = run(sandbox, tmp_path, "upload", ".")

    assert (code, json.loads(source_map.read_text())) == (1, fields)
    assert "posthog-react-native/metro" in out
    assert sandbox.api("GET", "symbol_sets/").json()["results"] == []


@pytest.mark.parametrize(
    ("script", "left"),
    [
        (b"a()\n//# sourceMappingURL=a.map\n//# chunkId=x\n", b"a()\n//# chunkId=x\n"),
        (b"a()\r\n//# sourceMappingURL=a.map\r\n", b"a()\r\n"),
        (b"a()//# sourceMappingURL=a.map", b"a()"),
        (b"a()/*# sourceMappingURL=a.map */\n", b"a()\n"),
        (b"//@ sourceMappingURL=a.map", b""),
        (b"a('//# sourceMappingURL=a.map')", b"a('//# sourceMappingURL=a.map')"),
    ],
)
def test_only_the_comment_is_removed(script: bytes, left: bytes) -> None:
    assert without_map_url(script) == left
    assert map_url(left) is None
