"""Sizes, hashes and compressed copies of bundles, which must fit again once the bundles have their chunk ids."""

import base64
import gzip
import hashlib
import json
import re
import sys
import tracemalloc
from collections.abc import Collection
from pathlib import Path
from typing import Any

import brotli  # pyright: ignore[reportMissingTypeStubs]
import pytest
import zstandard
from pydantic import SecretStr

from mcp_errortracking.proxy import Proxy
from mcp_errortracking.server.calls import Reply
from mcp_errortracking.workflows.base import Environment
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import Problem
from mcp_errortracking.workflows.source_maps.bundles.discovery import find
from mcp_errortracking.workflows.source_maps.bundles.preparation import prepare
from mcp_errortracking.workflows.source_maps.chunk import Chunk
from mcp_errortracking.workflows.source_maps.recorded import records as records_module
from mcp_errortracking.workflows.source_maps.recorded.compressed import compress, is_copy
from mcp_errortracking.workflows.source_maps.recorded.digests import find_digests
from mcp_errortracking.workflows.source_maps.recorded.manifest import find_sizes
from mcp_errortracking.workflows.source_maps.recorded.records import Records
from tests.calls import call_tool
from tests.sandbox_process import FULL, SandboxProcess
from tests.workflows.source_maps.builds import contents

SEED: dict[str, Any] = {"projects": [{"id": 1}], "keys": [{"value": FULL}]}
MAP = '{"version":3,"sources":["src/a.ts"],"sourcesContent":["let a = 1;"],"names":[],"mappings":"AAAA"}'


def add_bundle(folder: Path, name: str, code: str = "let a=1;") -> bytes:
    """Write a bundle and its map; return the bundle's bytes."""
    bundle = folder / name
    bundle.parent.mkdir(parents=True, exist_ok=True)
    bundle.write_text(f"{code}\n//# sourceMappingURL={bundle.name}.map\n", "utf-8")
    bundle.with_name(f"{bundle.name}.map").write_text(MAP, "utf-8")
    return bundle.read_bytes()


def injected(folder: Path, *, dry_run: bool = False) -> tuple[Records, list[Any]]:
    roots = Roots([folder])
    build = find(roots, folder)
    records = Records(roots, build.folder, keep=dry_run, mapped=frozenset(pair.bundle for pair in build.pairs))
    return records, list(prepare(roots, build, records=records, dry_run=dry_run))


def repaired(records: Records) -> list[str]:
    return [records.name(path) for path in records.repaired]


def sri(content: bytes, name: str = "sha384") -> str:
    return f"{name}-{base64.b64encode(hashlib.new(name, content).digest()).decode()}"


def etag(content: bytes) -> str:
    digest = base64.b64encode(hashlib.sha1(content).digest()).decode().rstrip("=")
    return f"{len(content):x}-{digest}"


def hexadecimal(name: str, content: bytes) -> str:
    return hashlib.new(name, content).hexdigest()


def nitro(files: dict[str, bytes], *, minified: bool = False) -> str:
    """The list of public files as Nitro writes it."""
    entries = {
        f"/{name}": {
            "type": "text/javascript; charset=utf-8",
            "etag": f'"{etag(content)}"',
            "mtime": "2026-11-28T00:00:00.000Z",
            "size": len(content),
            "path": f"../public/{name}",
        }
        for name, content in files.items()
    }
    if not minified:
        return f"const assets = {json.dumps(entries, indent=2)};\nexport {{ assets }};\n"
    text = re.sub(r'"(type|etag|mtime|size|path)":', r"\1:", json.dumps(entries, separators=(",", ":")))
    return f"const e={text};function f(){{return e}}export{{e as assets}};\n"


@pytest.mark.parametrize("minified", [False, True])
def test_the_server_of_nitro_sends_the_whole_files(tmp_path: Path, minified: bool) -> None:
    old = add_bundle(tmp_path / "public", "_app/main.js")
    server = tmp_path / "server" / "chunks" / "nitro" / "nitro.mjs"
    server.parent.mkdir(parents=True)
    files = {"_app/main.js": old, "_app/main.js.map": MAP.encode(), "robots.txt": b"x" * len(old)}
    server.write_text(nitro(files, minified=minified))

    records, _ = injected(tmp_path)

    new = (tmp_path / "public" / "_app" / "main.js").read_bytes()
    assert new != old
    now = files | {
        "_app/main.js": new,
        "_app/main.js.map": (tmp_path / "public" / "_app" / "main.js.map").read_bytes(),
    }
    assert server.read_text() == nitro(now, minified=minified)
    assert repaired(records) == ["server/chunks/nitro/nitro.mjs"]


def test_the_server_is_found_from_the_folder_of_its_public_files(tmp_path: Path) -> None:
    old = add_bundle(tmp_path / "public", "main.js")
    (tmp_path / "nitro.json").write_text("{}")
    server = tmp_path / "server.mjs"
    server.write_text(nitro({"main.js": old}))
    roots = Roots([tmp_path])
    build = find(roots, "public")

    records = Records(roots, build.folder, keep=False)
    list(prepare(roots, build, records=records))

    assert server.read_text() == nitro({"main.js": (tmp_path / "public" / "main.js").read_bytes()})
    assert repaired(records) == ["../server.mjs"]


def test_the_server_of_sveltekit_sends_the_whole_files(tmp_path: Path) -> None:
    old = add_bundle(tmp_path, "client/_app/main.js")
    other = b"other();"
    (tmp_path / "client" / "_app" / "other.js").write_bytes(other)
    server = tmp_path / "adapter-node.js"
    server.write_text(sveltekit({"main.js": old, "main.js.map": MAP.encode(), "other.js": other}))

    records, _ = injected(tmp_path)

    new, new_map = ((tmp_path / "client" / "_app" / name).read_bytes() for name in ("main.js", "main.js.map"))
    assert len(new) > len(old)
    assert server.read_text() == sveltekit({"main.js": new, "main.js.map": new_map, "other.js": other})
    assert repaired(records) == ["adapter-node.js"]


def test_the_server_of_sveltekit_sends_the_whole_compressed_copies(tmp_path: Path) -> None:
    old = add_bundle(tmp_path, "client/_app/main.js")
    copy = tmp_path / "client" / "_app" / "main.js.gz"
    copy.write_bytes(gzip.compress(old))
    server = tmp_path / "adapter-node.js"
    server.write_text(sveltekit({"main.js": old}, gz={"main.js": copy.stat().st_size}))

    _, outcomes = injected(tmp_path)

    new = copy.with_name("main.js").read_bytes()
    assert gzip.decompress(copy.read_bytes()) == new != old
    assert server.read_text() == sveltekit({"main.js": new}, gz={"main.js": copy.stat().st_size})
    assert [type(one) for one in outcomes] == [Chunk]


def test_a_brotli_copy_that_sveltekit_records_stops_its_bundle_without_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = add_bundle(tmp_path, "client/_app/main.js")
    copy = tmp_path / "client" / "_app" / "main.js.br"
    copy.write_bytes(brotli.compress(old))
    server = tmp_path / "adapter-node.js"
    server.write_text(sveltekit({"main.js": old}, br={"main.js": copy.stat().st_size}))
    before = contents(tmp_path)
    monkeypatch.setitem(sys.modules, "brotli", None)

    _, (problem,) = injected(tmp_path)

    assert "main.js.br" in str(problem.explanation)
    assert "mcp_errortracking[brotli]" in str(problem.explanation)
    assert contents(tmp_path) == before

    monkeypatch.undo()
    _, [chunk] = injected(tmp_path)
    new = copy.with_name("main.js").read_bytes()
    assert isinstance(chunk, Chunk)
    assert brotli.decompress(copy.read_bytes()) == new != old
    assert server.read_text() == sveltekit({"main.js": new}, br={"main.js": copy.stat().st_size})


def sveltekit(files: dict[str, bytes], **copies: dict[str, int]) -> str:
    """The list of public files as SvelteKit's adapter for Node writes it: JSON in a string.

    Args:
        copies: the sizes of compressed copies, by kind and file.
    """
    entries = [
        [
            f"/_app/{name}",
            {
                "file": f"_app/{name}",
                "size": len(content),
                "etag": base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("="),
                **{kind: sizes[name] for kind, sizes in copies.items() if name in sizes},
            },
        ]
        for name, content in files.items()
    ]
    text = json.dumps({"entries": entries}, separators=(",", ":"))
    return f"export const assets = JSON.parse({json.dumps(text)});\n"


def test_a_size_that_cannot_be_corrected_stops_its_bundle(tmp_path: Path) -> None:
    small, other = add_bundle(tmp_path / "public", "a.js"), add_bundle(tmp_path / "public", "b.js", "let b=2;")
    add_bundle(tmp_path, "server/nitro.mjs", nitro({"a.js": small}, minified=True).replace("\n", ""))
    (tmp_path / "server" / "old.mjs").write_text(nitro({"b.js": other + b"1"}))
    before = contents(tmp_path)

    _, made = injected(tmp_path)

    problems = {one.path: str(one.explanation) for one in made if not isinstance(one, Chunk)}
    assert list(problems) == ["public/a.js", "public/b.js"]
    assert '"server/nitro.mjs" records it within a line of mapped code' in problems["public/a.js"]
    assert (
        f'"server/old.mjs" records {len(other) + 1} bytes for "public/b.js" of {len(other)}' in problems["public/b.js"]
    )
    after = contents(tmp_path)
    assert {name for name, content in before.items() if after[name] != content} == {
        "server/nitro.mjs",
        "server/nitro.mjs.map",
    }


def test_recorded_hashes_are_changed_with_the_bundle_and_so_are_hashes_of_those_files(tmp_path: Path) -> None:
    old = {name: add_bundle(tmp_path, name, f"let {name[0]}=1;") for name in ("a.js", "b.mjs")}

    def write(files: dict[str, bytes], folder: Path) -> None:
        """Write the files as each of these tools does."""
        a, b = files["a.js"], files["b.mjs"]
        page = (
            f'<script src="/a.js" integrity="{sri(a)} {sri(a, "sha512")}"></script>\n'
            f'<script type="importmap">{{"integrity":{{"/b.mjs":"{sri(b, "sha256")}"}}}}</script>'
        )
        (folder / "index.html").write_text(page)
        table = {"/a.js": hexadecimal("sha1", a), "/index.html": hexadecimal("sha1", page.encode())}
        (folder / "ngsw.json").write_text(json.dumps({"configVersion": 1, "hashTable": table}))
        revisions = {"a.js": hexadecimal("md5", a), "index.html": hexadecimal("md5", page.encode())}
        worker = f"precache({json.dumps([{'url': url, 'revision': one} for url, one in revisions.items()])})"
        (folder / "sw.js").write_text(worker)
        (folder / "subresource-integrity-manifest.json").write_text(json.dumps({"b.mjs": sri(b, "sha256")}))
        (folder / "asset-manifest.json").write_text(json.dumps({"a.js": {"src": "a.js", "integrity": sri(a)}}))
        (folder / "SHA256SUMS").write_text(
            f"{hexadecimal('sha256', a)}  a.js\n{hexadecimal('sha256', b).upper()} *b.mjs\n"
        )
        url = base64.urlsafe_b64encode(hashlib.sha512(b).digest()).decode().rstrip("=")
        (folder / "hashes.txt").write_text(f"b={url}\n")

    write(old, tmp_path)
    (tmp_path / "robots.txt").write_text(f"# {'0' * 40}\n")
    before = contents(tmp_path)
    dry, _ = injected(tmp_path, dry_run=True)
    assert contents(tmp_path) == before

    records, made = injected(tmp_path)

    assert all(isinstance(one, Chunk) for one in made)
    after = contents(tmp_path)
    assert after["a.js"] != old["a.js"]
    write({name: after[name] for name in old}, tmp_path)
    assert after == contents(tmp_path)
    assert sorted(repaired(records)) == [
        *("SHA256SUMS", "asset-manifest.json", "hashes.txt", "index.html", "ngsw.json"),
        *("subresource-integrity-manifest.json", "sw.js"),
    ]
    assert sorted(repaired(dry)) == sorted(repaired(records))
    again, _ = injected(tmp_path)
    assert (repaired(again), again.is_searched) == ([], False)


def test_a_bundle_that_records_others_fits_too_and_its_own_hash_follows(tmp_path: Path) -> None:
    chunk = add_bundle(tmp_path, "z-chunk.js")
    runtime = add_bundle(tmp_path, "runtime.js", f'const sri={{7:"{sri(chunk)}"}};')
    (tmp_path / "index.html").write_text(f'<script src="runtime.js" integrity="{sri(runtime)}"></script>')

    injected(tmp_path)

    after = contents(tmp_path)
    assert sri(after["z-chunk.js"]).encode() in after["runtime.js"]
    assert sri(after["runtime.js"]).encode() in after["index.html"]


@pytest.mark.parametrize("name", ["md5", "sha1", "sha256", "sha384", "sha512"])
@pytest.mark.parametrize("number", range(8))
def test_every_form_of_every_digest_is_found(name: str, number: int) -> None:
    digest = hashlib.new(name, str(number).encode()).digest()
    standard = base64.b64encode(digest)
    bare = standard.rstrip(b"=")
    url = base64.urlsafe_b64encode(digest).rstrip(b"=")

    assert bare in find_digests(b'"' + standard + b'"')
    assert bare in find_digests(b"integrity=" + name.encode() + b"-" + standard)
    assert digest.hex().encode() in find_digests(b"/assets/main." + digest.hex().encode() + b".js")
    assert digest.hex().upper().encode() in find_digests(digest.hex().upper().encode() + b"  a.js")
    if name != "md5":
        assert bare in find_digests(b'etag:"9a-' + bare + b'"')
        assert url in find_digests(b"'" + url + b"'")


def test_long_names_of_code_are_no_digests() -> None:
    code = b"getElementsByClassNameOnly useLayoutEffectAfterTheFirstPaintOfThe node_modules/react-dom/cjs/react-dom.js"
    assert not list(find_digests(code + b" " + b"gZ" * 32))


def test_a_hash_in_a_file_name_stays(tmp_path: Path) -> None:
    first = add_bundle(tmp_path, "main.js")
    name = f"main-{hexadecimal('md5', first)}.js"
    (tmp_path / "main.js").rename(tmp_path / name)
    (tmp_path / "main.js.map").rename(tmp_path / f"{name}.map")
    page = f'<script src="{name}"></script>'
    (tmp_path / "index.html").write_text(page)

    injected(tmp_path)

    assert b"chunkId=" in (tmp_path / name).read_bytes()
    assert (tmp_path / "index.html").read_text() == page


def test_compressed_copies_are_made_again_where_they_can_be(tmp_path: Path) -> None:
    old = add_bundle(tmp_path, "it's.js")
    (tmp_path / "it's.js.gz").write_bytes(gzip.compress(old))
    (tmp_path / "it's.js.zst").write_bytes(zstandard.compress(old))
    (tmp_path / "it's.js.br").write_bytes(brotli.compress(old))
    add_bundle(tmp_path, "b.js")
    (tmp_path / "b.js.br").write_bytes(brotli.compress(b"of another build"))

    records, _ = injected(tmp_path)

    new = (tmp_path / "it's.js").read_bytes()
    assert gzip.decompress((tmp_path / "it's.js.gz").read_bytes()) == new != old
    assert zstandard.decompress((tmp_path / "it's.js.zst").read_bytes()) == new
    assert brotli.decompress((tmp_path / "it's.js.br").read_bytes()) == new
    assert brotli.decompress((tmp_path / "b.js.br").read_bytes()) == b"of another build"
    assert records.stale == {"b.js.br": "brotli -f -- b.js"}
    assert "".join(records.notes()).endswith(
        '"b.js.br". Compress again before you deploy, or delete them: brotli -f -- b.js.'
    )


def test_without_the_extra_brotli_copies_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "brotli", None)
    old = add_bundle(tmp_path, "it's.js")
    packed = brotli.compress(old)
    (tmp_path / "it's.js.br").write_bytes(packed)

    records, _ = injected(tmp_path)

    assert (tmp_path / "it's.js.br").read_bytes() == packed
    assert records.stale == {"it's.js.br": """brotli -f -- 'it'"'"'s.js'"""}
    assert "".join(records.notes()).endswith(
        """"it's.js.br". Compress again before you deploy, or delete them: brotli -f -- 'it'"'"'s.js'. """
        'To have .br copies made here, install the extra: pip install "mcp_errortracking[brotli]".'
    )


@pytest.mark.parametrize(
    ("copy", "is_one"),
    [
        (brotli.compress(b"let a;"), True),
        (brotli.compress(b"let a;") + b"x", False),
        (brotli.compress(b"let a;")[:-1], False),
        (brotli.compress(b"let a"), False),
        (brotli.compress(b"let a;\n"), False),
        (b"brotli", False),
        (b"", False),
    ],
)
def test_a_brotli_copy_is_one_if_it_has_all_of_the_content(copy: bytes, is_one: bool) -> None:
    assert is_copy(".br", copy, b"let a;") == is_one


def test_brotli_copies_have_the_best_quality_that_takes_seconds() -> None:
    code = b"let a=1;run(a);"
    large = code * (4 * 1024 * 1024 // len(code) + 1)

    assert compress(".br", code) == brotli.compress(code, quality=11)
    assert compress(".br", large) == brotli.compress(large, quality=9)


def test_a_brotli_copy_of_any_size_takes_no_more_memory_than_the_content() -> None:
    bomb = brotli.compress(bytes(64_000_000), quality=1)
    tracemalloc.start()
    try:
        assert not is_copy(".br", bomb, b"let a;" * 1000)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 1_000_000


def test_a_copy_whose_size_is_recorded_stops_its_bundle_unless_it_can_be_made(tmp_path: Path) -> None:
    old = add_bundle(tmp_path / "public", "main.js")
    packed = gzip.compress(old)
    server = tmp_path / "nitro.mjs"
    (tmp_path / "public" / "main.js.gz").write_bytes(packed)
    server.write_text(nitro({"main.js": old, "main.js.gz": packed}))
    injected(tmp_path)
    files = {name: (tmp_path / "public" / name).read_bytes() for name in ("main.js", "main.js.gz")}
    assert server.read_text() == nitro(files)

    old = add_bundle(tmp_path / "public", "main.js")
    (tmp_path / "public" / "main.js.gz").unlink()
    (tmp_path / "public" / "main.js.br").write_bytes(b"brotli")
    server.write_text(nitro({"main.js": old, "main.js.br": b"brotli"}))
    before = contents(tmp_path)
    _, [problem] = injected(tmp_path)
    assert "Build without .br copies, then upload again." in str(problem.explanation)
    assert contents(tmp_path) == before

    packed = brotli.compress(old)
    (tmp_path / "public" / "main.js.br").write_bytes(packed)
    server.write_text(nitro({"main.js": old, "main.js.br": packed}))
    injected(tmp_path)
    files = {name: (tmp_path / "public" / name).read_bytes() for name in ("main.js", "main.js.br")}
    assert brotli.decompress(files["main.js.br"]) == files["main.js"] != old
    assert server.read_text() == nitro(files)


def test_archives_are_named(tmp_path: Path) -> None:
    add_bundle(tmp_path, "app/main.js")
    (tmp_path / "app.asar").write_bytes(b"asar")

    assert list(injected(tmp_path)[0].notes()) == [
        '"app.asar" holds copies of files without their chunk ids: upload before the step of the build that packs it.'
    ]


@pytest.mark.parametrize("unit", [b"a", b"/", b"a/", b"a-", b"f", b'"/', b"{", b"'/a':{"])
def test_hostile_text_is_searched_in_one_pass(unit: bytes) -> None:
    """A search that starts again at each character would take hours."""
    digest = hexadecimal("sha1", b"").encode()

    text = unit * (3_000_000 // len(unit))

    assert digest in find_digests(text + b" " + digest)
    assert not list(find_sizes(b"etag size" + text))


@pytest.mark.anyio
async def test_an_upload_says_what_it_changed(sandbox: SandboxProcess, tmp_path: Path) -> None:
    old = add_bundle(tmp_path, "main.js")
    (tmp_path / "index.html").write_text(f'<script src="main.js" integrity="{sri(old)}"></script>')

    async def upload(**arguments: Any) -> Reply:
        async with Proxy(host=sandbox.url, key=SecretStr(FULL), project="1") as proxy:
            given = {"folder": ".", **arguments}
            environment = Environment((tmp_path,), sandbox.url)
            return await call_tool(proxy, "source-maps-upload", given, time_limit=30, environment=environment)

    plan = await upload(dry_run=True)
    assert plan.structured["would_write"] == ["main.js", "main.js.map", "index.html"]
    reply = await upload()
    assert reply.structured["files_written"] == ["main.js", "main.js.map", "index.html"]
    assert (
        'Changed to fit the files with their chunk ids (sizes, hashes, compressed copies): "index.html".' in reply.text
    )
    assert "Deploy the files as they are now" in reply.text
    assert sri((tmp_path / "main.js").read_bytes()) in (tmp_path / "index.html").read_text()

    (tmp_path / "other.js.br").write_bytes(b"brotli")
    add_bundle(tmp_path, "other.js", "let o=1;")
    reply = await upload()
    assert "Deploy the files after you have compressed the changed ones again." in reply.text
    assert "brotli -f -- other.js" in reply.text
    assert "as they are now" not in reply.text


@pytest.mark.parametrize(
    ("signature", "signed"),
    [
        ("dist/main.js.sig", "main.js"),
        ("dist/SHA256SUMS.asc", "SHA256SUMS"),
        ("dist/_metadata/verified_contents.json", "main.js"),
        ("_CodeSignature/CodeResources", "main.js"),
        ("META-INF/CERT.SF", "main.js"),
    ],
)
def test_a_signed_file_is_not_changed(tmp_path: Path, signature: str, signed: str) -> None:
    """Its signature, that of a file that records it, or that of its folder would not fit any more."""
    old = add_bundle(tmp_path / "dist", "main.js")
    (tmp_path / "dist" / "SHA256SUMS").write_text(f"{hexadecimal('sha256', old)}  main.js\n")
    (tmp_path / signature).parent.mkdir(exist_ok=True)
    (tmp_path / signature).write_text("signature")
    before = contents(tmp_path)
    roots = Roots([tmp_path])
    build = find(roots, "dist")

    for dry_run in (True, False):
        records = Records(roots, build.folder, keep=dry_run)
        (problem,) = prepare(roots, build, records=records, dry_run=dry_run)
        assert isinstance(problem, Problem)
        assert problem.explanation.code == "signed"
        assert problem.explanation.what.startswith(f'"{signed}" is signed')
        assert "source-maps inject before the step of the build that signs" in problem.explanation.next_step
    assert contents(tmp_path) == before


def test_a_signature_of_other_files_does_not_count(tmp_path: Path) -> None:
    add_bundle(tmp_path / "dist", "main.js")
    for name in ("dist/main.js.sigma", "other/_CodeSignature/CodeResources", "META-INF/MANIFEST.MF"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("other")

    _, made = injected(tmp_path)

    assert [type(one) for one in made] == [Chunk]


@pytest.mark.parametrize(("algorithm", "digits"), [("md5", 20), ("sha1", 12), ("sha256", 16)])
def test_a_shortened_hash_is_replaced(tmp_path: Path, algorithm: str, digits: int) -> None:
    """Laravel Mix writes 20 digits of an MD5, others as many as they like."""
    old = add_bundle(tmp_path, "app.js")
    manifest = tmp_path / "mix-manifest.json"
    other = hexadecimal(algorithm, b"another file")[:digits]
    manifest.write_text(
        f'{{"/app.js": "/app.js?id={hexadecimal(algorithm, old)[:digits]}", "/b.js": "/b.js?id={other}"}}'
    )

    records, _ = injected(tmp_path)

    now = hexadecimal(algorithm, (tmp_path / "app.js").read_bytes())[:digits]
    assert manifest.read_text() == f'{{"/app.js": "/app.js?id={now}", "/b.js": "/b.js?id={other}"}}'
    assert (repaired(records), records.unsure) == (["mix-manifest.json"], {})


def test_a_few_digits_of_a_hash_are_named_and_left(tmp_path: Path) -> None:
    """Eight digits can be equal by accident. A dry run names them too, and a hash in a file's own name is its name."""
    old = add_bundle(tmp_path, "app.js")
    short = hexadecimal("sha256", old)[:8]
    own = hexadecimal("sha256", b"let b=1;\n")[:8]
    (tmp_path / f"{own}.js").write_bytes(b"let b=1;\n")
    (tmp_path / f"{own}.js.map").write_text(MAP)
    page, other = tmp_path / "index.html", tmp_path / "other.html"
    page.write_text(f'<script src="app.js?v={short}"></script><script src="{own}.js"></script>')
    other.write_text(f'<script src="app.js?v=1{short[1:]}a"></script>')
    before = page.read_bytes()

    for dry_run in (True, False):
        records, made = injected(tmp_path, dry_run=dry_run)
        assert [type(one) for one in made] == [Chunk, Chunk]
        assert [note for note in records.notes() if "first digits" in note] == [
            '"index.html" has the first digits of a hash of "app.js" without its chunk id. If it records the hash, '
            "make it again before you deploy."
        ]
    assert page.read_bytes() == before


def test_files_that_record_bundles_are_not_hashed_again_for_short_digests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A manifest of thousands of bundles changes with each of them."""
    old = add_bundle(tmp_path, "app.js")
    (tmp_path / "manifest.json").write_text(json.dumps([hexadecimal("md5", old), "0123456789ab"]))
    hashed: list[bytes] = []
    short_digests_of = records_module.short_digests_of

    def counted(content: bytes, lengths: Collection[int]) -> list[bytes]:
        hashed.append(content)
        return short_digests_of(content, lengths)

    monkeypatch.setattr(records_module, "short_digests_of", counted)

    records, _ = injected(tmp_path)

    assert hashed == [old]
    assert repaired(records) == ["manifest.json"]
