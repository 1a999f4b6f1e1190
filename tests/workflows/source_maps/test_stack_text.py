"""Stack traces as engines print them, and as logs, consoles and people pass them on."""

import json
import time

import pytest

from mcp_errortracking.workflows.source_maps.resolve.frames import Frame
from mcp_errortracking.workflows.source_maps.resolve.stack_text import parse_stack

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
    assert parse_stack(V8) == [
        Frame("https://shop.example/assets/index-1a.js", 1, 48212, "Qe"),
        Frame("https://shop.example/assets/index-1a.js", 2, 6, "Object.n [as checkout]"),
        Frame("file:///srv/app/(main)/page.js", 10, 19, "new r"),
        Frame("https://shop.example/@scope/x.js", 3, 0),
        Frame("https://shop.example/tool.js", 5, 5, "eval"),
    ]


def test_firefox_and_safari() -> None:
    assert parse_stack(FIREFOX) == [
        Frame("https://shop.example/assets/index-1a.js", 1, 48212, "Qe"),
        Frame("https://shop.example/a@b.js", 2, 6, "n/<"),
        Frame("https://shop.example/c.js", 3, 0),
        Frame("https://shop.example/tool.js", 5, None, "eval"),
    ]
    assert parse_stack(SAFARI) == [
        Frame("https://shop.example/c.js", 3, 0, "global code"),
        Frame("https://shop.example/@scope/d.js", 4, 1),
    ]


def test_hermes_counts_offsets_from_nought() -> None:
    assert parse_stack(HERMES) == [
        Frame("index.android.bundle", 1, 12345, "checkout"),
        Frame("/data/main.jsbundle", 7, 7),
        Frame("index.android.bundle", 1, 0, "global"),
    ]


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ("main.js:1:48213", [Frame("main.js", 1, 48212)]),
        ("  C:\\app\\main.js:1:5", [Frame("C:\\app\\main.js", 1, 4)]),
        ("main.js:7", [Frame("main.js", 7, None)]),
        ("main.js:7:0", [Frame("main.js", 7, 0)]),
        ("", []),
        ("Error: nothing here", []),
        ("at x (a.js)", []),
    ],
)
def test_bare_places_and_other_lines(text: str, frames: list[Frame]) -> None:
    assert parse_stack(text) == frames


A, B = Frame("/app/main.js", 2, 9, "a"), Frame("/app/main.js", 2, 19, "b")
N = Frame("https://x.example/main.js", 1, 1, "n")


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        pytest.param(
            "Error: x\n    at a (/app/main.js:2:10)\n    at b (/app/main.js:2:20) {\n  code: 'ENOENT'\n}",
            [A, B],
            id="node-with-properties",
        ),
        pytest.param(
            "    at a (/app/main.js:2:10) {\n  [cause]: Error: y\n      at b (/app/main.js:2:20)\n}",
            [A, B],
            id="node-with-a-cause",
        ),
        pytest.param(
            "/app/main.js:2\nthrow new Error('x')\n^\n\nError: x\n    at a (/app/main.js:2:10)\n\nNode.js v22",
            [A],
            id="header-of-node",
        ),
        pytest.param(
            "Error: connect ECONNREFUSED 127.0.0.1:5432\n    at a (/app/main.js:2:10)", [A], id="message-with-a-port"
        ),
        pytest.param("Error: connect ECONNREFUSED 127.0.0.1:5432", [], id="only-a-message-with-a-port"),
        pytest.param("2026-01-01 12:00:05 ERROR something at 12:30", [], id="time-of-day"),
        pytest.param("at 12:30", [], id="only-a-time-of-day"),
        pytest.param("see main.js:3:4 for more", [], id="place-in-a-sentence"),
        pytest.param("write to me@shop.example:25", [], id="address"),
        pytest.param(
            "1 | a:1\n2 | throw x\n        ^\nerror: x\n      at a (/app/main.js:2:10)", [A], id="source-lines-of-bun"
        ),
        pytest.param(
            "web-1  |     at a (/app/main.js:2:10)\nweb-1  |     at async b (/app/main.js:2:20)",
            [A, B],
            id="log-of-containers",
        ),
        pytest.param(
            "2026-01-01T10:00:00.000Z ERROR Error: x at y\n2026-01-01T10:00:00.000Z ERROR     at a (/app/main.js:2:10)",
            [A],
            id="log-with-time-and-level",
        ),
        pytest.param(
            "2026-01-01T10:00:00.000Z INFO     at /app/main.js:2:10",
            [Frame("/app/main.js", 2, 9)],
            id="log-without-a-function",
        ),
        pytest.param(
            r'{"err":{"stack":"Error: x\n    at a (/app/main.js:2:10)\n    at b (/app/main.js:2:20)"}}',
            [A, B],
            id="json",
        ),
        pytest.param(
            r'"{\"stack\":\"Error: x\\r\\n\\tat a (/app/main.js:2:10)\\n\\tat b (/app/main.js:2:20)\"}"',
            [A, B],
            id="json-in-json",
        ),
        pytest.param(
            r'{"stack":"n@https://x.example/main.js:1:2\n@https://x.example/main.js:1:3"}',
            [N, Frame("https://x.example/main.js", 1, 2)],
            id="json-of-firefox",
        ),
        pytest.param(
            r"at a (C:\new\nat\main.js:2:10)", [Frame(r"C:\new\nat\main.js", 2, 9, "a")], id="path-with-backslash-n"
        ),
        pytest.param(
            r"at C:\Program Files (x86)\main.js:2:10",
            [Frame(r"C:\Program Files (x86)\main.js", 2, 9)],
            id="path-with-brackets",
        ),
        pytest.param("> at a (/app/main.js:2:10)\n> at b (/app/main.js:2:20)", [A, B], id="quotation"),
        pytest.param("- `at a (/app/main.js:2:10)`", [A], id="markdown"),
        pytest.param("Uncaught Error: x at a (/app/main.js:2:10)", [A], id="one-line"),
        pytest.param("(https://x.example/main.js:1:2)", [Frame("https://x.example/main.js", 1, 1)], id="in-brackets"),
        pytest.param("https://x.example/main.js:1:2.", [Frame("https://x.example/main.js", 1, 1)], id="with-a-stop"),
        pytest.param("at n (https://x.example/main.js:1:2) [as c]", [N], id="with-an-alias-behind"),
        pytest.param("at n(https://x.example/main.js:1:2)", [N], id="without-a-blank"),
        pytest.param(
            "at f (http://[::1]:3000/main.js:1:2)", [Frame("http://[::1]:3000/main.js", 1, 1, "f")], id="ipv6"
        ),
        pytest.param("at f (http://localhost:3000/main.js)", [], id="port-but-no-line"),
        pytest.param(
            "at ./src/(app)/x.js (webpack-internal:///./src/(app)/x.js:10:11)",
            [Frame("webpack-internal:///./src/(app)/x.js", 10, 10, "./src/(app)/x.js")],
            id="webpack-modules",
        ),
        pytest.param("at at (/app/main.js:2:10)", [Frame("/app/main.js", 2, 9, "at")], id="function-called-at"),
        pytest.param("promise callback*n@https://x.example/main.js:1:2", [N], id="promises-of-firefox"),
        pytest.param("setTimeout handler*n@https://x.example/main.js:1:2", [N], id="timers-of-firefox"),
        pytest.param("async n@https://x.example/main.js:1:2", [N], id="async-of-safari"),
        pytest.param(
            "n @ main.js:1\n(anonymous) @ main.js:7\nsetTimeout (async)",
            [Frame("main.js", 1, None, "n"), Frame("main.js", 7, None)],
            id="console-of-chrome",
        ),
        pytest.param(
            "Error: x\n    at a (/app/main.js:2:10)\nn @ main.js:1", [A], id="console-of-chrome-with-the-error-before"
        ),
        pytest.param(
            'RangeError: x\n  File "/app/main.js", line: 2, in: a\n  File "/app/main.js", line: 7',
            [Frame("/app/main.js", 2, None, "a"), Frame("/app/main.js", 7, None)],
            id="pages-of-posthog",
        ),
        pytest.param(
            r'ERROR {"stack":["Error: x","    at a (/app/main.js:2:10)","    at b (/app/main.js:2:20)"]}',
            [A, B],
            id="json-list",
        ),
        pytest.param("Error: x at a (/app/main.js:2:10) at b (/app/main.js:2:20)", [A, B], id="breaks-lost"),
        pytest.param(
            "global code@http://localhost:3000/:12:3",
            [Frame("http://localhost:3000/", 12, 2, "global code")],
            id="script-in-a-page",
        ),
        pytest.param("p@1:23", [], id="no-file"),
        pytest.param(
            "RangeError neg -1\no main.js@2:28\nmain.js@2:84\n\n<anonymous> https://x.example/a.js@1:2",
            [Frame("main.js", 2, 27, "o"), Frame("main.js", 2, 83), Frame("https://x.example/a.js", 1, 1)],
            id="page-of-posthog",
        ),
        pytest.param(
            "o\nmain.js@2:28\nr\nmain.js\n@2:84\nsee main.js\nRangeError\nmain.js@2:90",
            [Frame("main.js", 2, 27, "o"), Frame("main.js", 2, 83, "r"), Frame("main.js", 2, 89)],
            id="page-of-posthog-in-lines",
        ),
        pytest.param(
            "o index.android.bundle@1:1183302",
            [Frame("index.android.bundle", 1, 1183302, "o")],
            id="page-of-posthog-with-bytecode",
        ),
        pytest.param("write to a.b@2:3 or me@shop.example", [], id="address-and-time"),
        pytest.param(
            "Fatal Exception: RangeError\n0  ???    0x0 o + 2 (main.js:2:28)\n1  App  0x1a2b r + 12 (main.js:2:84)",
            [Frame("main.js", 2, 27, "o"), Frame("main.js", 2, 83, "r")],
            id="crashlytics-on-ios",
        ),
        pytest.param(
            "Fatal Exception: RangeError: x\n       at .o(index.android.bundle:2:28)\n       at cart.r(main.js:2:84)",
            [Frame("index.android.bundle", 2, 27, "o"), Frame("main.js", 2, 83, "cart.r")],
            id="crashlytics-on-android",
        ),
        pytest.param(
            "Error: x\n  at n @ https://x.example/main.js:1:2\n  at <anonymous> @ https://x.example/main.js:3:4",
            [N, Frame("https://x.example/main.js", 3, 3)],
            id="datadog",
        ),
        pytest.param(
            "11-28 10:00:00.000  1234  5678 E ReactNativeJS: Error: x\n"
            "11-28 10:00:00.000  1234  5678 E ReactNativeJS:     at o (address at index.android.bundle:1:123)\n"
            "E/ReactNativeJS( 123): r@main.jsbundle:2:3\n"
            "2026-11-28 10:00:00.000123 1234 5678 E ReactNativeJS: t main.js@2:3",
            [
                Frame("index.android.bundle", 1, 123, "o"),
                Frame("main.jsbundle", 2, 2, "r"),
                Frame("main.js", 2, 2, "t"),
            ],
            id="logcat",
        ),
        pytest.param(
            "com.facebook.react.common.JavascriptException: RangeError: x, stack:\no@1:1183302\n@1:7\n\n"
            "\tat com.facebook.react.modules.core.ExceptionsManagerModule.reportException(Exceptions.java:65)",
            [
                Frame("index.android.bundle", 1, 1183302, "o"),
                Frame("index.android.bundle", 1, 7),
                Frame(
                    "Exceptions.java",
                    65,
                    None,
                    "com.facebook.react.modules.core.ExceptionsManagerModule.reportException",
                ),
            ],
            id="native-crash-of-react-native-on-android",
        ),
        pytest.param(
            "Unhandled JS Exception: RangeError: x, stack:\no@1:1183302",
            [Frame("main.jsbundle", 1, 1183302, "o")],
            id="native-crash-of-react-native-on-ios",
        ),
        pytest.param(
            "\x1b[31mError\x1b[39m: x\n\x1b[90m    at a (\x1b[4m/app/main.js:2:10\x1b[24m)\x1b[39m\n"
            "\x1b[31mn@https://x.example/main.js:1:2\x1b[0m",
            [A, N],
            id="colours",
        ),
        pytest.param(
            r"Error: x\n    at \u001b[31ma\u001b[0m (/app/main.js:2:10)\n    at ^[[31mb^[[0m (/app/main.js:2:20)",
            [A, B],
            id="escaped-colours",
        ),
        pytest.param(
            r'{"level":"error","err":{"stack":"x\na@/app/main.js:2:10","cause":{"stack":"y\nb@/app/main.js:2:20"}}}',
            [A, B],
            id="json-of-safari",
        ),
        pytest.param(json.dumps(json.dumps({"stack": "x\na /app/main.js@2:10"})), [A], id="json-in-json-of-posthog"),
        pytest.param(
            "AggregateError: all\n    at a (/app/main.js:2:10) {\n  [errors]: [\n    Error: y\n"
            "        at async b (/app/main.js:2:20)\n        at async Promise.all (index 0)\n  ]\n}",
            [A, B],
            id="aggregate-of-node",
        ),
        pytest.param('  File "app.py", line 12, in foo', [], id="python"),
    ],
)
def test_forms(text: str, frames: list[Frame]) -> None:
    assert parse_stack(text) == frames


@pytest.mark.parametrize(
    "piece",
    [
        "at ",
        " (",
        "at a (",
        "eval at (",
        ":1",
        ":1:1",
        "@",
        "\\",
        "\\n",
        "a ",
        'File "',
        '","',
        ") ",
        "1) ",
        "/",
        "a.",
        "at (a.js:1:",
        "\x1b[",
        "[",
        '{"a":',
        "0 a 0x0 o + 2 (",
        " @ ",
        "at x @ a:1",
        "a.b@1:2",
        "stack: @1:2 ",
        "E/a( 1): ",
    ],
)
def test_no_text_takes_long(piece: str) -> None:
    started = time.process_time()

    parse_stack(piece * (100_000 // len(piece)))
    parse_stack((piece * (1000 // len(piece)) + "\n") * 100)

    assert time.process_time() - started < 2
