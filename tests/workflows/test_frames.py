"""Stack traces as engines print them, and frames as PostHog has them."""

from typing import Any

import pytest

from mcp_errortracking.workflows.frames import Frame, of_event, pasted

V8 = """\
RangeError: the cart is empty
    at Qe (https://shop.example/assets/index-1a.js:1:48213)
    at async Object.n [as checkout] (https://shop.example/assets/index-1a.js:2:7)
    at new r (file:///srv/app/(main)/page.js:10:20)
    at https://shop.example/@scope/x.js:3:1
    at eval (eval at run (https://shop.example/tool.js:5:6), <anonymous>:1:1)
    at Array.map (<anonymous>)
    at native
"""
FIREFOX = """\
Qe@https://shop.example/assets/index-1a.js:1:48213
async*n/<@https://shop.example/a@b.js:2:7
@https://shop.example/c.js:3:1
eval@https://shop.example/tool.js line 5 > eval:1:1
"""
SAFARI = (
    "global code@https://shop.example/c.js:3:1\nhttps://shop.example/@scope/d.js:4:2\n[native code]\nmap@[native code]"
)
HERMES = """\
TypeError: x
    at checkout (address at index.android.bundle:1:12345)
    at anonymous (/data/main.jsbundle:7:8)
    at global (address at index.android.bundle:1:0)
"""


def test_v8() -> None:
    assert pasted(V8) == [
        Frame("https://shop.example/assets/index-1a.js", 1, 48212, "Qe"),
        Frame("https://shop.example/assets/index-1a.js", 2, 6, "Object.n [as checkout]"),
        Frame("file:///srv/app/(main)/page.js", 10, 19, "new r"),
        Frame("https://shop.example/@scope/x.js", 3, 0),
        Frame("https://shop.example/tool.js", 5, 5, "eval"),
    ]


def test_firefox_and_safari() -> None:
    assert pasted(FIREFOX) == [
        Frame("https://shop.example/assets/index-1a.js", 1, 48212, "Qe"),
        Frame("https://shop.example/a@b.js", 2, 6, "n/<"),
        Frame("https://shop.example/c.js", 3, 0),
        Frame("https://shop.example/tool.js", 5, 0, "eval"),
    ]
    assert pasted(SAFARI) == [
        Frame("https://shop.example/c.js", 3, 0, "global code"),
        Frame("https://shop.example/@scope/d.js", 4, 1),
    ]


def test_hermes_counts_offsets_from_nought() -> None:
    assert pasted(HERMES) == [
        Frame("index.android.bundle", 1, 12345, "checkout"),
        Frame("/data/main.jsbundle", 7, 7),
        Frame("index.android.bundle", 1, 0, "global"),
    ]


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ("main.js:1:48213", [Frame("main.js", 1, 48212)]),
        ("  C:\\app\\main.js:1:5", [Frame("C:\\app\\main.js", 1, 4)]),
        ("main.js:7", [Frame("main.js", 7, 0)]),
        ("main.js:7:0", [Frame("main.js", 7, 0)]),
        ("", []),
        ("Error: nothing here", []),
        ("at x (a.js)", []),
        ("at " * 100_000, []),
    ],
)
def test_bare_places_and_other_lines(text: str, frames: list[Frame]) -> None:
    assert pasted(text) == frames


def test_frames_of_an_event() -> None:
    frames: list[dict[str, Any]] = [
        {"filename": "https://x/a.js", "lineno": 1, "colno": 10, "function": "?", "in_app": True, "chunk_id": "c"},
        {"source": "https://x/b.js", "line": 2, "column": 3, "mangled_name": "e", "in_app": False, "resolved": False},
        {"platform": "hermes", "filename": "main.jsbundle", "lineno": 1, "colno": 77, "function": "total"},
        {"filename": "a.py", "lineno": 5},
        {"filename": "<anonymous>"},
        {"lineno": 3},
        {"filename": 3, "lineno": True},
        {"source": "src/cart.ts", "line": 2, "column": 3, "resolved_name": "total", "resolved": True},
    ]

    assert of_event(frames[::-1]) == [
        Frame("https://x/a.js", 1, 9, None, "c", True),
        Frame("https://x/b.js", 2, 2, "e", None, False),
        Frame("main.jsbundle", 1, 77, "total"),
        Frame("a.py", 5, 0),
    ]
