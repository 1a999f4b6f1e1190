"""Frames as PostHog has them."""

from typing import Any

from mcp_errortracking.workflows.source_maps.resolve.frames import Frame, parse_event_frames


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
