"""dSYM bundles in a build folder: found, packed as PostHog takes them, uploaded and checked."""

import io
import json
import zipfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from mcp_errortracking.workflows.problems import Problem
from mcp_errortracking.workflows.source_maps.container import DataType, decode
from mcp_errortracking.workflows.source_maps.debug_files import dsym
from mcp_errortracking.workflows.source_maps.upload import content
from mcp_errortracking.workflows.source_maps.upload.content import ContentError, fingerprint, read_map
from tests import command
from tests.sandbox_process import WITHOUT_EVENTS, SandboxProcess
from tests.workflows.source_maps.builds import contents, looked_through, one_prepared, prepared
from tests.workflows.source_maps.written_mach_o import (
    ARM64,
    ARM64_CPU,
    X86_64,
    X86_64_CPU,
    fat,
    thin,
    write_dsym,
)

ARM, INTEL = thin(content=b"arm" * 1000), thin(X86_64, cpu=X86_64_CPU, content=b"intel" * 1000)
BOTH = fat((X86_64_CPU, INTEL), (ARM64_CPU, ARM))
SHOP = "Shop.app.dSYM/Contents/Resources/DWARF/Shop"


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess(WITHOUT_EVENTS) as running:
        yield running


def problem(folder: Path) -> tuple[str, str, str]:
    """The path, code and text of the one problem of a folder, in which nothing else is found."""
    _, build = looked_through(folder)
    (only,) = [*build.problems, *prepared(folder)]
    assert isinstance(only, Problem), only
    return only.path, only.explanation.code, f"{only.explanation.what} {only.explanation.why}"


def run(sandbox: SandboxProcess, folder: Path, *words: str, **environment: str) -> tuple[int, dict[str, Any], str]:
    settings = {"POSTHOG_HOST": sandbox.url, "POSTHOG_PERSONAL_API_KEY": sandbox.key, "POSTHOG_PROJECT_ID": "1"}
    code, out, err = command.run_here("source-maps", *words, "--json", folder=folder, **settings | environment)
    return code, json.loads(out) if out else {}, err


def stored(sandbox: SandboxProcess) -> dict[str, dict[str, Any]]:
    rows = sandbox.api("GET", "symbol_sets/").json()["results"]
    return {row["ref"]: row for row in rows if row["ref"] in (ARM64, X86_64)}


def uploaded_zip(sandbox: SandboxProcess, row: dict[str, Any]) -> zipfile.ZipFile:
    url = sandbox.api("GET", f"symbol_sets/{row['id']}/download/").json()["url"]
    symbols = decode(sandbox.http.get(url).content)
    assert symbols.kind is DataType.APPLE_DSYM
    return zipfile.ZipFile(io.BytesIO(symbols.data))


def test_each_architecture_is_uploaded_under_its_uuid_and_checked(sandbox: SandboxProcess, tmp_path: Path) -> None:
    """Assert the ZIP that PostHog gets, its release in event mode, and that a second upload sends nothing."""
    sandbox.reset()
    write_dsym(tmp_path / "build", "Shop.app", Shop=BOTH)
    before = contents(tmp_path)
    release = ("--release", "1.4.2", "--release-project", "com.example.shop")
    code, found, _ = run(sandbox, tmp_path, "check", "build", *release)
    assert (code, found["missing"], found["symbolication"]) == (1, 2, {"bundles": 2, "covered": 0})

    code, found, err = run(sandbox, tmp_path, "upload", "build", *release)
    assert (code, found["uploaded"], found["files_written"], err) == (0, 2, [], "")
    rows = stored(sandbox)
    assert {ref: row["release"]["version"] for ref, row in rows.items()} == {ARM64: "1.4.2", X86_64: "1.4.2"}
    for ref, expected in ((ARM64, ARM), (X86_64, INTEL)):
        packed = uploaded_zip(sandbox, rows[ref])
        assert {entry.filename: packed.read(entry) for entry in packed.infolist()} == {"dwarf": expected}

    code, found, _ = run(sandbox, tmp_path, "upload", "build", *release)
    assert (code, found["uploaded"], found["unchanged"], found["bytes_sent"]) == (0, 0, 2, 0)
    code, found, _ = run(sandbox, tmp_path, "check", "build", *release)
    assert (code, found["uploaded"], found["symbolication"]) == (0, 2, {"bundles": 2, "covered": 2})
    assert contents(tmp_path) == before


def test_a_changed_architecture_leaves_the_hash_of_the_other(tmp_path: Path) -> None:
    write_dsym(tmp_path / "old", "Shop.app", Shop=BOTH)
    write_dsym(tmp_path / "new", "Shop.app", Shop=fat((X86_64_CPU, INTEL + b"more"), (ARM64_CPU, ARM)))
    write_dsym(tmp_path / "one", "Shop.app", Shop=ARM)
    old, new, one = (
        {chunk.chunk_id: fingerprint(chunk).content_hash for chunk in prepared(tmp_path / name)}
        for name in ("old", "new", "one")
    )
    assert old[ARM64] == new[ARM64] == one[ARM64]
    assert old[X86_64] != new[X86_64]


def test_a_bundle_is_found_by_itself_and_in_an_archive(tmp_path: Path) -> None:
    bundle = write_dsym(tmp_path / "Shop.xcarchive" / "dSYMs", "Shop.app", Shop=ARM)
    assert one_prepared(bundle).chunk_id == ARM64
    (tmp_path / "mapping.txt").write_bytes(ARM)  # outside a bundle: no debug file
    (tmp_path / "Shop").write_bytes(ARM)
    (bundle / "Contents" / "Resources" / "Relocations").mkdir()
    (bundle / "Contents" / "Resources" / "Relocations" / "main.js").write_text("x()")
    chunk = one_prepared(tmp_path)
    assert (chunk.label, chunk.written) == ("Shop.xcarchive/dSYMs/" + SHOP, ())
    assert zipfile.ZipFile(io.BytesIO(read_map(chunk))).read("dwarf") == ARM


def test_bundles_can_be_excluded(tmp_path: Path) -> None:
    write_dsym(tmp_path, "Shop.app", Shop=ARM)
    write_dsym(tmp_path, "Kit.framework", Kit=INTEL)
    _, build = looked_through(tmp_path, exclude=["Kit.framework.dSYM/"])
    assert [build.name(path) for path in build.debug_files] == [SHOP]
    _, build = looked_through(tmp_path, include=["Kit*"])
    assert [path.name for path in build.debug_files] == ["Kit"]
    assert not build.problems


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    """A damaged file, a bundle without one, a symlink that leads out of the roots, and a ZIP, which is not opened."""
    write_dsym(tmp_path / "damaged", "Shop.app", Shop=ARM[:40])
    path, code, text = problem(tmp_path / "damaged")
    assert (path, code, "The file is cut off." in text) == (SHOP, "bad_debug_file", True)

    write_dsym(tmp_path / "empty", "Shop.app")
    assert problem(tmp_path / "empty")[:2] == ("Shop.app.dSYM", "no_debug_file")

    (tmp_path / "secret").write_bytes(ARM)
    bundle = write_dsym(tmp_path / "linked", "Shop.app")
    (bundle / "Contents" / "Resources" / "DWARF" / "Shop").symlink_to(tmp_path / "secret")
    assert problem(tmp_path / "linked")[:2] == (SHOP, "outside_roots")

    (tmp_path / "zipped").mkdir()
    (tmp_path / "zipped" / "Shop.app.dSYM.zip").write_bytes(b"PK\3\4 not read")
    assert problem(tmp_path / "zipped")[:2] == ("Shop.app.dSYM.zip", "zipped_dsym")


def test_a_large_architecture_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dsym, "MAX_IMAGE", len(ARM) - 1)
    write_dsym(tmp_path, "Shop.app", Shop=ARM)
    assert problem(tmp_path)[:2] == (SHOP, "too_large")


def test_a_debug_file_beyond_the_limit_is_refused_with_a_way_to_make_it_smaller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content, "MAX_PAYLOAD", len(ARM))
    write_dsym(tmp_path, "Shop.app", Shop=ARM)
    with pytest.raises(ContentError) as failure:
        fingerprint(one_prepared(tmp_path))
    assert (failure.value.code, "line tables only" in failure.value.explanation.next_step) == ("too_large", True)


def test_a_file_that_changes_after_the_search_is_not_sent(tmp_path: Path) -> None:
    bundle = write_dsym(tmp_path, "Shop.app", Shop=ARM)
    chunk = one_prepared(tmp_path)
    (bundle / "Contents" / "Resources" / "DWARF" / "Shop").write_bytes(ARM[:-1])
    with pytest.raises(ContentError, match="changed during the upload"):
        fingerprint(chunk)


def test_the_same_uuid_in_two_bundles_is_uploaded_once(sandbox: SandboxProcess, tmp_path: Path) -> None:
    """A copy is a duplicate; other content under the same UUID fails, with its name."""
    sandbox.reset()
    write_dsym(tmp_path / "build" / "a", "Shop.app", Shop=ARM)
    write_dsym(tmp_path / "build" / "b", "Shop.app", Shop=ARM)
    code, found, _ = run(sandbox, tmp_path, "upload", "build")
    assert (code, found["uploaded"], found["duplicates"]) == (0, 1, 1)

    write_dsym(tmp_path / "build" / "c", "Shop.app", Shop=ARM + b"other")
    code, found, _ = run(sandbox, tmp_path, "upload", "build")
    assert (code, found["unchanged"], found["duplicates"]) == (1, 1, 2)


def test_the_release_is_read_from_the_info_plist(sandbox: SandboxProcess, tmp_path: Path) -> None:
    """Assert the name that PostHog's command line gives it, and that options override the file."""
    sandbox.reset()
    bundle = write_dsym(tmp_path / "build", "Shop.app", Shop=ARM)
    plist = ("--info-plist", str(bundle / "Contents" / "Info.plist"))
    code, found, _ = run(sandbox, tmp_path, "upload", "build", *plist)
    assert (code, found["release"]["version"], found["release"]["project"]) == (0, "1.4.2+57", "com.example.shop")
    code, found, _ = run(sandbox, tmp_path, "check", "build", *plist)
    assert (code, found["release"]["version"]) == (0, "1.4.2+57")

    code, found, _ = run(sandbox, tmp_path, "check", "build", *plist, "--release", "2.0")
    assert (code, found["release_is_missing"]) == (1, True)
