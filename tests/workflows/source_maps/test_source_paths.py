"""The names of sources, as people write them and as files."""

from pathlib import Path

import pytest

from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.source_maps.maps.source_paths import find_on_disk, readable_path


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("src/cart.ts", "src/cart.ts"),
        ("./src/cart.ts", "src/cart.ts"),
        ("../../src/cart.ts", "src/cart.ts"),
        ("../../../../../turbopack/app/page.js", "turbopack/app/page.js"),
        ("a/../src/./cart.ts", "src/cart.ts"),
        ("webpack://shop/./src/cart.ts", "src/cart.ts"),
        ("webpack://shop/./src/cart.ts?1a2b", "src/cart.ts"),
        ("webpack:///src/cart.ts", "src/cart.ts"),
        ("webpack-internal:///(app)/./src/cart.ts", "src/cart.ts"),
        ("turbopack:///[project]/app/page.js", "app/page.js"),
        ("file:///srv/my%20app/a.ts", "/srv/my app/a.ts"),
        ("file:///C:/app/a.ts", "C:/app/a.ts"),
        ("https://shop.example/src/a%20b.ts?v=1#x", "src/a b.ts"),
        ("/srv/app/a.ts", "/srv/app/a.ts"),
        ("src\\cart.ts", "src/cart.ts"),
        ("\0vite/preload-helper.js", "vite/preload-helper.js"),
        ("cart.vue?vue&type=script", "cart.vue"),
        ("..", ".."),
        ("http://[", "http://["),
    ],
)
def test_readable_paths(source: str, path: str) -> None:
    assert readable_path(source) == path


def test_files_are_found_from_the_map_and_from_the_roots(tmp_path: Path) -> None:
    (tmp_path / "shop" / "src").mkdir(parents=True)
    (tmp_path / "shop" / "src" / "cart.ts").write_text("x")
    cart = tmp_path / "shop" / "src" / "cart.ts"
    roots = Roots([tmp_path / "shop"])
    map_path = tmp_path / "shop" / "dist" / "assets" / "a.js.map"

    assert find_on_disk(roots, "../../src/cart.ts", map_path) == cart
    assert find_on_disk(roots, "webpack://shop/./src/cart.ts?1", map_path) == cart
    assert find_on_disk(roots, "src/cart.ts", None) == cart
    assert find_on_disk(roots, cart.as_uri(), None) == cart
    assert find_on_disk(roots, "src", None) is None
    assert find_on_disk(roots, "src/gone.ts", map_path) is None
    assert find_on_disk(roots, "a\0b", map_path) is None
    assert find_on_disk(roots, "x" * 5000, map_path) is None


def test_files_outside_the_roots_are_not_found(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "secret.ts").write_text("s")
    roots = Roots([tmp_path / "shop"])

    for source in ("../secret.ts", (tmp_path / "secret.ts").as_uri(), str(tmp_path / "secret.ts")):
        assert find_on_disk(roots, source, tmp_path / "shop" / "a.js.map") is None


@pytest.mark.parametrize("name", ["//[x]/a.ts", "https://[/a.ts", "webpack://\uff2e\uff1a/a.ts"])
def test_a_name_that_is_a_broken_url_is_no_error(tmp_path: Path, name: str) -> None:
    assert readable_path(name) == name
    assert find_on_disk(Roots([tmp_path]), name, tmp_path / "a.js.map") is None
