"""Frames of the app's own code in events of several languages, and the files of a checkout that they mean."""

from typing import Any

import pytest

from mcp_errortracking.workflows.issue_brief.frames import MOST_FRAMES, app_frames, unresolved
from mcp_errortracking.workflows.issue_brief.suffixes import Match, match


def event(*frames: dict[str, Any]) -> dict[str, Any]:
    own = [{"in_app": True, "resolved": True, **one} for one in frames]
    return {"properties": {"$exception_list": [{"type": "E", "stacktrace": {"type": "resolved", "frames": own}}]}}


@pytest.mark.parametrize(
    ("frame", "place"),
    [
        ({"source": "/srv/app/shop/cart.py", "line": 7, "lang": "python"}, "/srv/app/shop/cart.py:7"),
        ({"source": "github.com/acme/shop/cart.go", "line": 7, "lang": "go"}, "github.com/acme/shop/cart.go:7"),
        ({"source": "app/models/cart.rb", "line": 7, "lang": "ruby"}, "app/models/cart.rb:7"),
        ({"source": "Cart.java", "module": "com.shop.Cart$Row", "line": 7, "lang": "java"}, "com/shop/Cart.java:7"),
        ({"source": r"C:\app\src\Cart.php", "line": 7, "lang": "php"}, "C:/app/src/Cart.php:7"),
        ({"source": "webpack:///./src/cart.ts", "line": 6, "column": 1, "lang": "javascript"}, "src/cart.ts:7"),
    ],
)
def test_the_place_of_a_frame(frame: dict[str, Any], place: str) -> None:
    assert [one.place for one in app_frames(event(frame))] == [place]


def test_frames_of_others_and_those_that_are_not_resolved_are_left_out() -> None:
    minified = {"source": "a.js", "line": 1, "lang": "javascript", "resolved": False, "resolve_failure": "No map"}
    library = {"source": "lib.py", "line": 1, "lang": "python", "in_app": False}
    own = [{"source": "cart.py", "line": line, "lang": "python"} for line in range(1, 20)]
    given = event(library, minified, *own, own[-1])

    assert [one.line for one in app_frames(given)] == list(range(19, 19 - MOST_FRAMES, -1))
    assert unresolved(given) == 1


FILES = [
    ("shop", "orders", "views.py"),
    ("shop", "cart", "views.py"),
    ("services", "shop", "orders", "views.py"),
    ("manage.py",),
    ("manage.env",),
    (".secret", "keys.py"),
]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/srv/app/shop/cart/views.py", Match(("shop", "cart", "views.py"), 3)),
        ("/srv/app/shop/orders/views.py", Match(("shop", "orders", "views.py"), 3)),
        ("x/services/shop/orders/views.py", Match(("services", "shop", "orders", "views.py"), 4)),
        ("cart/views.py", Match(("shop", "cart", "views.py"), 2)),
        ("old/cart/views.py", Match(("shop", "cart", "views.py"), 2, "matched by its last 2 parts alone")),
        ("/srv/manage.py", Match(("manage.py",), 1)),
        (
            "views.py",
            Match(
                None,
                1,
                "ambiguous: services/shop/orders/views.py, shop/cart/views.py, shop/orders/views.py",
                (
                    ("services", "shop", "orders", "views.py"),
                    ("shop", "cart", "views.py"),
                    ("shop", "orders", "views.py"),
                ),
            ),
        ),
        ("gone.py", Match(None, 0, "no such file in the checkout")),
        ("../manage.env", Match(None, 0, "no such file in the checkout")),
        ("keys.py", Match(None, 0, "no such file in the checkout")),
        ("", Match(None, 0, "no such file in the checkout")),
    ],
)
def test_the_file_with_the_longest_common_end(path: str, expected: Match) -> None:
    assert match(path, FILES) == expected
