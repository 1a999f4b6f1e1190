"""Frames as PostHog has them."""

from typing import Any

from mcp_errortracking.workflows.source_maps.resolve.frames import Frame, foreign_origin, parse_event_frames


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

    assert parse_event_frames(frames[::-1]) == [
        Frame("https://x/a.js", 1, 9, None, "c"),
        Frame("https://x/b.js", 2, 2, "e"),
        Frame("main.jsbundle", 1, 77, "total"),
        Frame("a.py", 5, None),
    ]


CHUNK = "0198c1de-5c1e-7000-8000-9a4be1d7c3e9"
NO_MAP = f"No sourcemap uploaded for chunk id: {CHUNK}"


def test_a_failure_names_the_chunk_or_the_script() -> None:
    url = "https://shop.example/a.js"
    frames: list[dict[str, Any]] = [
        {"source": "/a.js", "line": 1, "column": 10, "resolved": False, "resolve_failure": NO_MAP},
        {"source": "/a.js", "line": 1, "column": 10, "resolved": True, "resolve_failure": NO_MAP},
        {"line": 88, "column": 13, "resolved": True, "resolve_failure": NO_MAP},
        {
            "source": "/a.js",
            "line": 2,
            "column": 3,
            "resolved": True,
            "resolve_failure": f"Could not find sourcemap for source url: {url}",
        },
        {"line": 88, "column": 13, "resolved": True, "resolve_failure": "Invalid Source and Map"},
        {"source": "/a.js", "line": 1, "column": 10, "resolved": True},
    ]

    assert parse_event_frames(frames[::-1], "web") == [
        Frame("/a.js", 1, 9, None, CHUNK, is_missed=True),
        Frame("/a.js", 1, 9, None, CHUNK, is_missed=True),
        Frame("unknown file", 88, 12, None, CHUNK, is_missed=True),
        Frame("/a.js", 2, 2, None, None, url, is_missed=True),
    ]


def test_columns_of_hermes_are_offsets_from_0() -> None:
    lost = f"No token for column 77 on chunk {CHUNK}"
    unmapped: dict[str, Any] = {"lang": "javascript", "line": 1, "column": 77, "resolved": False}

    def column(library: str, **more: Any) -> int | None:
        (frame,) = parse_event_frames([unmapped | {"source": "x", "resolve_failure": NO_MAP} | more], library)
        return frame.column

    assert column("posthog-react-native") == 77
    assert column("web", resolve_failure=lost) == 77
    assert column("web", source="main.jsbundle") == 77
    assert column("web") == 76
    assert column("posthog-react-native", line=2) == 76


def test_the_url_of_a_script_says_that_it_is_of_an_extension() -> None:
    """The file is only the path of that URL."""
    failure = "Could not find sourcemap for source url: chrome-extension://abc/content.js"
    (frame,) = parse_event_frames(
        [{"source": "/content.js", "line": 1, "column": 3, "resolved": True, "resolve_failure": failure}], "web"
    )

    assert foreign_origin(frame) == "of the user's browser extensions"
