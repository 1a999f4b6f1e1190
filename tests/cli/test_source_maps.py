"""`mcp-errortracking source-maps`, as a CI job meets it: exit codes, and what is written where."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests import command
from tests.sandbox_process import WITHOUT_EVENTS, SandboxProcess
from tests.workflows.source_maps.builds import BUILT, contents


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess(WITHOUT_EVENTS) as running:
        yield running


@pytest.fixture(autouse=True)
def empty(sandbox: SandboxProcess) -> None:
    sandbox.reset()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A build that was not uploaded, in a folder of its own."""
    shop = tmp_path / "shop"
    shutil.copytree(BUILT / "vite", shop / "dist")
    (shop / "package.json").write_text('{"name": "shop-web"}', "utf-8")
    return shop


def run(
    sandbox: SandboxProcess, folder: Path, *words: str, start: Any = command.run_here, **environment: str
) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command in a folder; `start` it as a process with `command.run`."""
    settings = {"POSTHOG_HOST": sandbox.url, "POSTHOG_PERSONAL_API_KEY": sandbox.key, "POSTHOG_PROJECT_ID": "1"}
    return start("source-maps", *words, folder=folder, **settings | environment)


def test_a_check_fails_until_all_is_uploaded_for_this_release(sandbox: SandboxProcess, shop: Path) -> None:
    code, out, _ = run(sandbox, shop, "check", "dist", "--release", "1.0.0")
    assert (code, "missing: 2" in out) == (1, True)

    code, out, err = run(sandbox, shop, "upload", "dist", "--release", "1.0.0", start=command.run)
    assert (code, "uploaded: 2" in out, err) == (0, True, "")
    code, out, _ = run(sandbox, shop, "check", "dist", "--release", "1.0.0", "--json")
    found = json.loads(out)
    assert (code, found["uploaded"], found["release_is_missing"], found["files_without_chunk_id"]) == (0, 2, False, 0)

    code, out, _ = run(sandbox, shop, "check", "dist", "--release", "1.0.1")
    assert code == 1
    assert 'PostHog has no release "1.0.1" of "shop-web"' in out

    shutil.rmtree(shop / "dist")
    shutil.copytree(BUILT / "vite", shop / "dist")  # built again after the upload, and about to be deployed so
    code, out, _ = run(sandbox, shop, "check", "dist")
    assert code == 1
    assert "4 files hold no chunk id yet" in out


def test_the_two_steps_of_an_upload_can_be_run_apart(sandbox: SandboxProcess, shop: Path) -> None:
    """An upload alone changes no file and refuses a build without ids; an injection alone uploads nothing."""
    before = contents(shop)
    held = sandbox.api("GET", "symbol_sets/").json()["count"]
    code, out, _ = run(sandbox, shop, "upload-only", "dist", "--release", "1.0.0")
    assert (code, "It has no chunk id yet" in out, "source-maps inject first" in out) == (1, True, True)
    assert contents(shop) == before

    code, out, err = run(sandbox, shop, "inject", "dist", "--release", "1.0.0", "--json")
    injected = json.loads(out)
    assert (code, err, len(injected["files_written"]), len(injected["chunks"])) == (0, "", 4, 2)
    assert sandbox.api("GET", "symbol_sets/").json()["count"] == held
    after = contents(shop)
    assert b"_posthogReleaseId" in next(content for name, content in after.items() if name.endswith(".js"))

    code, out, err = run(sandbox, shop, "upload-only", "dist", "--release", "1.0.0", "--json")
    uploaded = json.loads(out)
    assert (code, err, uploaded["uploaded"], uploaded["files_written"]) == (0, "", 2, [])
    assert contents(shop) == after
    assert {one["chunk_id"] for one in uploaded["chunks"]} == {one["chunk_id"] for one in injected["chunks"]}
    code, out, _ = run(sandbox, shop, "check", "dist", "--release", "1.0.0")
    assert (code, out.splitlines()[-1]) == (0, "symbolication: 2 of 2 bundles covered")


def test_an_injection_without_a_release_needs_no_posthog(sandbox: SandboxProcess, shop: Path) -> None:
    sandbox.empty_journal()
    code, _, err = run(sandbox, shop, "inject", "dist", POSTHOG_PERSONAL_API_KEY="")

    assert (code, err, sandbox.journal()) == (0, "", [])
    assert b"_posthogChunkIds" in next(content for name, content in contents(shop).items() if name.endswith(".js"))


def test_the_build_number_is_the_second_part_of_the_release(sandbox: SandboxProcess, shop: Path) -> None:
    """The version is that of PostHog's command line, also if it names the build itself; `check` finds it."""
    build = ("--build", "42")
    code, _, err = run(sandbox, shop, "upload", "dist", "--release", "7.0.0", *build)
    without, _, _ = run(sandbox, shop, "upload", "dist", "--release", "7.0.1")
    whole, _, _ = run(sandbox, shop, "upload", "dist", "--release", "7.0.2+42", *build)
    checked, out, _ = run(sandbox, shop, "check", "dist", "--release", "7.0.2", *build)
    empty, _, said = run(sandbox, shop, "upload", "dist", "--release", "7.0.3", "--build", "")
    alone, _, alone_said = run(sandbox, shop, "upload", "dist", *build)

    rows = sandbox.api("GET", "releases/").json()["results"]
    builds = {row["version"]: (row["metadata"] or {}).get("build") for row in rows if row["version"].startswith("7.")}
    assert (code, err, without, whole, checked) == (0, "", 0, 0, 0), out
    assert builds == {"7.0.0+42": "42", "7.0.1": None, "7.0.2+42": "42"}
    assert (empty, "--build is empty" in said) == (2, True)
    assert (alone, "give --release too" in alone_said) == (2, True)


def test_a_script_that_never_had_a_map_does_not_fail_the_job(sandbox: SandboxProcess, shop: Path) -> None:
    (shop / "dist" / "polyfills.js").write_text("g()", "utf-8")

    for words in (("upload", "dist"), ("check", "dist")):
        code, out, err = run(sandbox, shop, *words)
        assert (code, err) == (0, "")
        assert 'their frames stay minified: "polyfills.js".' in out
    code, _, err = run(sandbox, shop, "upload", "dist", "--include", "polyfills.js")
    assert code == 1
    assert 'their frames stay minified: "polyfills.js". Check their globs' in err


def test_an_empty_variable_is_no_release(sandbox: SandboxProcess, shop: Path) -> None:
    before = contents(shop)
    sandbox.empty_journal()

    for words in (("upload", "dist", "--release", ""), ("check", "dist", "--include", "a.js", "--include", " ")):
        code, out, err = run(sandbox, shop, *words)
        assert (code, out) == (2, "")
        assert f"{words[2]} is empty: check that its variable is set." in err

    assert contents(shop) == before
    assert sandbox.journal() == []


def test_mistakes_are_said_on_stderr_as_options(sandbox: SandboxProcess, shop: Path) -> None:
    code, out, err = run(sandbox, shop, "upload", "dist", "--release-project", "shop")
    assert (code, out) == (2, "")
    assert err.splitlines()[1:] == ["- --release: needed with project, to name a release"]

    code, out, err = run(sandbox, shop, "upload", "dist", POSTHOG_PERSONAL_API_KEY="")
    assert (code, out, err.startswith("mcp-errortracking: No PostHog API key is configured")) == (2, "", True)

    code, out, err = run(sandbox, shop, "check", "nowhere", "--json")
    assert (code, json.loads(out)) == (1, {"error": {"code": "no_folder"}})
    assert "nowhere is not a folder. It does not exist." in err


def test_another_folder_may_be_used_where_that_is_said(sandbox: SandboxProcess, shop: Path) -> None:
    maps = shop.parent / "maps"
    maps.mkdir()
    for path in (shop / "dist" / "assets").glob("*.map"):
        path.rename(maps / path.name)
        path.symlink_to(maps / path.name)

    code, out, _ = run(sandbox, shop, "upload", "dist", "--dry-run", "--json")
    assert (code, {one["code"] for one in json.loads(out)["problems"]}) == (1, {"outside_roots"})
    code, out, _ = run(sandbox, shop, "upload", "dist", "--dry-run", "--json", "--root", "../maps")
    assert (code, len(json.loads(out)["chunks"])) == (0, 2)


def test_a_folder_that_is_gone_is_said(sandbox: SandboxProcess, shop: Path) -> None:
    gone = shop / "gone"
    gone.mkdir()
    command = [sys.executable, "-P", "-m", "mcp_errortracking", "source-maps", "check", str(shop)]
    done = subprocess.run(
        [sys.executable, "-c", f"import os; os.rmdir(os.getcwd()); os.execv({sys.executable!r}, {command!r})"],
        cwd=gone,
        env=os.environ | {"POSTHOG_HOST": sandbox.url, "POSTHOG_PERSONAL_API_KEY": sandbox.key},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr == "mcp-errortracking: The current folder does not exist any more: change to another one.\n"
