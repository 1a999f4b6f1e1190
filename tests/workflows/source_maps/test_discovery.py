"""Discovery of bundles in a build folder, and the problems of files that cannot be used."""

import base64
import os
from pathlib import Path
from typing import Any

import pytest

from mcp_errortracking.workflows.problems import WorkflowError
from mcp_errortracking.workflows.source_maps.bundles import discovery as bundles
from mcp_errortracking.workflows.source_maps.bundles.discovery import Build
from tests.workflows.source_maps.builds import contents, copied, looked_through

HERMES = '{"x_hermes_function_offsets":{"0":[0]},'
MAP = '{"version":3,"sources":["a.ts"],"names":[],"mappings":"AAAA"}'


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    folder.mkdir()
    return folder


def write(folder: Path, **files: str) -> None:
    """Files by name, where _ stands for a dot and __ for a slash."""
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def searched(folder: Path, **options: Any) -> Build:
    before = contents(folder)
    _, build = looked_through(folder, **options)
    assert contents(folder) == before
    return build


def pairs(build: Build) -> dict[str, str | None]:
    return {build.name(pair.bundle): build.name(pair.map) if pair.map else None for pair in build.pairs}


def problems(build: Build) -> dict[str, str]:
    assert all(problem.explanation.reason and problem.explanation.next_step for problem in build.problems)
    return {problem.path: problem.explanation.code for problem in build.problems}


def test_the_builds_of_real_bundlers_are_paired(tmp_path: Path) -> None:
    build = searched(copied(tmp_path))

    found = pairs(build)
    assert len(found) == 11
    assert found.pop("esbuild/inline.js") is None
    assert all(map_name == f"{name}.map" for name, map_name in found.items())
    assert [build.name(path) for path in build.hermes] == ["hermes/main.jsbundle.map"]
    assert not build.problems
    assert not build.notes


def test_every_way_to_name_a_map(dist: Path) -> None:
    url = "//# sourceMappingURL="
    write(dist, a_js=f"a\n{url}maps/a.js.map?x#y\n//# chunkId=1\n", maps__a_js_map=MAP)
    write(dist, b_mjs=f"b\n{url}https://cdn.example/assets/b%2Ejs.map", b_js_map=MAP)
    write(dist, sub__c_cjs=f"c\n//@ sourceMappingURL=/top/c.map\n/* {' ' * 70_000} */", top__c_map=MAP)
    write(dist, d_js="d", d_js_map=MAP)
    inline = base64.b64encode(MAP.encode() * 2000).decode()
    write(dist, e_js=f"e\n{url}data:application/json;base64,{inline}\n")
    write(dist, f_js=f"f\n{url}renamed.map", f_js_map=MAP)

    build = searched(dist)

    assert not build.problems
    assert pairs(build) == {
        "a.js": "maps/a.js.map",
        "b.mjs": "b.js.map",
        "d.js": "d.js.map",
        "e.js": None,
        "f.js": "f.js.map",
        "sub/c.cjs": "top/c.map",
    }


def test_what_cannot_be_paired_is_said_and_left_alone(dist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "//# sourceMappingURL="
    write(dist, lone_js="a", gone_js=f"a\n{url}gone.map", old_js_map=MAP, none_js_map="")
    write(dist, empty_js="", empty_js_map=MAP, blank_js="")  # the second as of a route without code in the browser
    write(dist, one_js=f"1\n{url}both.map", two_js=f"2\n{url}both.map", both_map=MAP)
    write(dist, twice_js=f"1\n{url}other.map", twice_js_map=MAP, other_map=MAP)
    write(dist, outside_js=f"1\n{url}../outside.map")
    write(dist.parent, outside_map=MAP)
    (dist / "linked.js").symlink_to(dist.parent / "outside.map")
    (dist / "loop.js").symlink_to("loop.js")
    (dist / "dangling.map").symlink_to("nowhere")

    build = searched(dist)

    assert not build.pairs
    assert (build.mapless, build.empty, build.orphans) == (("lone.js",), ("blank.js",), ("old.js.map",))
    assert problems(build) == {
        "gone.js": "map_missing",
        "empty.js": "empty",
        "none.js.map": "empty",
        "one.js": "shared_map",
        "two.js": "shared_map",
        "twice.js": "two_maps",
        "outside.js": "outside_roots",
        "linked.js": "outside_roots",
        "loop.js": "unreadable",
        "dangling.map": "vanished",
    }
    reasons = {problem.path: problem.explanation.reason for problem in build.problems}
    assert reasons["one.js"] == "Its map both.map is also named by two.js, but can be right for one bundle only."
    assert reasons["twice.js"] == "It has two maps: its comment names other.map, but twice.js.map lies beside it."
    monkeypatch.setattr(bundles, "LIMIT", 10)
    assert problems(searched(dist))["old.js.map"] == "too_large"


def test_a_copy_of_a_bundle_does_not_cost_the_bundle_its_map(dist: Path) -> None:
    content = "a\n//# sourceMappingURL=main.js.map\n"
    write(dist, main_js=content, latest_js=content, main_js_map=MAP)
    (dist / "current.js").symlink_to("main.js")

    build = searched(dist)

    assert pairs(build) == {"main.js": "main.js.map"}
    assert problems(build) == {"latest.js": "shared_map"}
    assert build.problems[0].explanation.next_step.startswith("Exclude this bundle if it is a copy")
    assert problems(searched(dist, exclude=["latest.js"])) == {}


def test_a_symlink_to_a_bundle_that_is_excluded_is_a_bundle(dist: Path) -> None:
    write(dist, vendor__a_js="a", vendor__a_js_map=MAP)
    (dist / "a.js").symlink_to("vendor/a.js")
    (dist / "a.js.map").symlink_to("vendor/a.js.map")

    assert pairs(searched(dist)) == {"vendor/a.js": "vendor/a.js.map"}
    assert pairs(searched(dist, exclude=["vendor/"])) == {"a.js": "vendor/a.js.map"}


def test_a_react_native_bundle_without_hermes_is_told_apart(dist: Path) -> None:
    write(dist, index_android_bundle="a", index_android_bundle_map=MAP, main_jsbundle="a", main_jsbundle_map=MAP)

    found = searched(dist)

    assert problems(found) == {"index.android.bundle.map": "not_hermes", "main.jsbundle.map": "not_hermes"}


def test_a_map_beside_its_bundle_is_passed_over_or_reported_with_it(dist: Path) -> None:
    write(dist, a_js="a", a_js_map=MAP, vendor_js="b", vendor_js_map=MAP, empty_js="", empty_js_map=MAP)

    assert problems(searched(dist, exclude=["vendor.js"])) == {"empty.js": "empty"}
    assert problems(searched(dist, include=["vendor.js"])) == {}
    (dist / "empty.js").unlink()
    assert searched(dist).orphans == ("empty.js.map",)


def test_other_kinds_are_recognised(dist: Path) -> None:
    write(
        dist,
        a_css_map=MAP,
        b_css_map=MAP,
        a_d_ts_map=MAP,
        b_d_mts_map=MAP,
        index_android_bundle_map=MAP.replace("{", HERMES, 1),
    )
    write(dist, app__mapping_txt="# compiler: R8\nshop.Cart -> a.a:\n", notes_mapping_txt="nothing", mapping_txt="x")
    (dist / "old-mapping.txt").write_text("shop.Price -> a.b:\n    int cents -> a\n")

    build = searched(dist)

    assert [build.name(path) for path in build.hermes] == ["index.android.bundle.map"]
    assert [build.name(path) for path in build.proguard] == ["app/mapping.txt", "old-mapping.txt"]
    assert list(build.notes) == [
        "2 CSS map(s) skipped: PostHog does not use them.",
        "2 map(s) of TypeScript declarations skipped: PostHog does not use them.",
    ]
    assert not build.problems


def test_patterns_choose_and_exclude(dist: Path) -> None:
    for name in ("a", "vendor/b", "node_modules/c", "deep/node_modules/d", ".git/e", "assets/f"):
        path = dist / f"{name}.js"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1")
        path.with_name(f"{path.name}.map").write_text(MAP)
    write(dist, lost_js_map=MAP)

    assert set(pairs(searched(dist))) == {"a.js", "assets/f.js", "vendor/b.js"}
    assert set(pairs(searched(dist, exclude=["vendor/"]))) == {"a.js", "assets/f.js"}
    chosen = searched(dist, include=["assets/*.js", "a.*"])
    assert set(pairs(chosen)) == {"a.js", "assets/f.js"}
    assert not chosen.problems
    assert "node_modules/c.js" in pairs(searched(dist, exclude=["!node_modules/"]))


def test_a_bad_pattern_and_a_missing_folder_are_refused(dist: Path) -> None:
    with pytest.raises(WorkflowError) as caught:
        looked_through(dist, include=["!"])
    assert caught.value.code == "bad_pattern"
    with pytest.raises(WorkflowError):
        looked_through(dist / "gone")


def test_files_of_a_killed_run_are_known(dist: Path) -> None:
    (dist / ".a.js.12345678.mcp-errortracking.tmp").write_text("half")

    assert [path.name for path in searched(dist).leftovers] == [".a.js.12345678.mcp-errortracking.tmp"]
    assert not searched(dist).problems


def test_links_to_folders_are_not_followed(dist: Path) -> None:
    write(dist.parent, other__a_js="1")
    os.symlink(dist.parent / "other", dist / "linked")

    assert not searched(dist).problems
