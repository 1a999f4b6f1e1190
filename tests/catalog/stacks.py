"""Stacks as PostHog stores them in each language, with their lines as people read them (contract 6.13.4 to 6.13.6).

Each frame stands above its line, which is worked out by hand: 41:8 of a source map is line 42, column 9.
"""

from dataclasses import dataclass
from typing import Any

CHUNK = "0198c1de-5c1e-7000-8000-9a4be1d7c3e9"
DEBUG_ID = "4C4C44F5-5555-3144-A1E8-1C9A0F2B7D11"


@dataclass(frozen=True)
class Stack:
    """Frames of one SDK, nearest to the error first, each with its line."""

    name: str
    lib: str
    lang: str
    frames: list[tuple[dict[str, Any], str]]


def at(
    source: str | None, line: int | None, column: int | None, sent: str | None, name: str | None = None, **more: Any
) -> dict[str, Any]:
    """A frame as the endpoint sends it: without what is missing, and without a line or column of 0."""
    fields = {"source": source, "line": line, "column": column, "mangled_name": sent, "resolved_name": name}
    present = {key: value for key, value in fields.items() if value}
    return {**present, "in_app": True, "resolved": True, "synthetic": False, "suspicious": False} | more


def failed(reason: str, *frame: Any, resolved: bool = False) -> dict[str, Any]:
    return at(*frame, resolved=resolved, resolve_failure=reason)


NO_MAP = f"No sourcemap uploaded for chunk id: {CHUNK}"
NO_URL_MAP = "Could not find sourcemap for source url: https://shop.example/a.js"
NO_DSYM = f"No dSYM uploaded for debug_id: {DEBUG_ID}"
NO_SYMBOLS = f"No debug symbols uploaded for debug_id: {DEBUG_ID}"

STACKS = [
    Stack(
        "JavaScript in a browser",
        "web",
        "javascript",
        [
            (at("src/checkout.ts", 41, 8, "n", "submitOrder"), "* submitOrder (src/checkout.ts:42:9)"),
            (at("src/a.ts", 0, 8, "n", "first"), "* first (src/a.ts:1:9)"),
            (at("src/a.ts", 41, 0, "n", "firstColumn"), "* firstColumn (src/a.ts:42:1)"),
            (at("src/a.ts", 41, 0, "run", "run"), "* run (src/a.ts:42:1)"),
            (at("webpack:///./src/a.js", 4, 2, None, "<anonymous>"), "* <anonymous> (webpack:///./src/a.js:5:3)"),
            (at("src/a.ts", None, None, "n", "nowhere"), "* nowhere (src/a.ts)"),
            (
                failed(NO_MAP, "/assets/app.js", 1, 20417, "t"),
                f"* t (/assets/app.js:1:20417) [not resolved: {NO_MAP}]",
            ),
            (
                failed("Token not found for frame: t:1:7", "/assets/app.js", 1, 7, "t"),
                "* t (/assets/app.js:1:7) [not resolved: Token not found for frame: t:1:7]",
            ),
            (
                failed(NO_URL_MAP, "/a.js", 12, 3, "t", resolved=True),
                f"* t (/a.js:12:3) [not resolved: {NO_URL_MAP}]",
            ),
        ],
    ),
    Stack(
        "Node",
        "posthog-node",
        "javascript",
        [
            (at("../src/pay.ts", 9, 4, "pay", "pay"), "* pay (../src/pay.ts:10:5)"),
            (at("../src/pay.ts", 9, 0, "pay", "pay"), "* pay (../src/pay.ts:10:1)"),
            (at("src/pay.js", 9, 0, "a", "pay"), "* pay (src/pay.js:10:1)"),
            (at("/app/dist/a.js", 10, None, "main", "main"), "* main (/app/dist/a.js:10 or 11)"),
            (at("node:internal/timers", 588, None, "tick", "tick", in_app=False), "  tick (node:internal/timers:588)"),
            (
                failed(NO_MAP, None, 88, 13, "pay", resolved=True),
                f"* pay (unknown file:88:13) [not resolved: {NO_MAP}]",
            ),
        ],
    ),
    Stack(
        "Hermes",
        "posthog-react-native",
        "javascript",
        [
            (at("src/App.tsx", 29, 12, "render", "render"), "* render (src/App.tsx:30:13)"),
            (at("src/App.tsx", None, None, "render", "render"), "* render (src/App.tsx)"),
            (
                failed(NO_MAP, "index.android.bundle", 1, 1183302, "h"),
                f"* h (address at index.android.bundle:1:1183302) [not resolved: {NO_MAP}]",
            ),
            (
                failed(f"No token for column 7 on chunk {CHUNK}", "x", 1, 7, "h"),
                f"* h (address at x:1:7) [not resolved: No token for column 7 on chunk {CHUNK}]",
            ),
        ],
    ),
    Stack(
        "Python",
        "posthog-python",
        "python",
        [
            (at("shop/orders.py", 118, None, "save", "save"), "* save (shop/orders.py:118)"),
            (at("django/views.py", 1, None, "get", "get", in_app=False), "  get (django/views.py:1)"),
        ],
    ),
    Stack("Go", "posthog-go", "go", [(at("main.go", 7, None, "main.run", "main.run"), "* main.run (main.go:7)")]),
    Stack("Ruby", "posthog-ruby", "ruby", [(at("app/a.rb", 3, None, "call", "call"), "* call (app/a.rb:3)")]),
    Stack("PHP", "posthog-php", "php", [(at("src/A.php", 5, 2, "A::b", "A::b"), "* A::b (src/A.php:5:2)")]),
    Stack("Dart", "posthog-flutter", "dart", [(at("main.dart", 6, 11, "main", "main"), "* main (main.dart:6:11)")]),
    Stack("C#", "posthog-dotnet", "csharp", [(at("A.cs", 14, 5, "A.Run", "A.Run"), "* A.Run (A.cs:14:5)")]),
    Stack("Rust", "posthog-rs", "rust", [(at("src/main.rs", 2, 9, "a::b", "a::b"), "* a::b (src/main.rs:2:9)")]),
    Stack(
        "Java and Kotlin",
        "posthog-android",
        "java",
        [
            (at("Cart.kt", 42, None, "a.b", "add", module="com.shop.Cart"), "* add (Cart.kt:42) in com.shop.Cart"),
            (
                failed("No proguard map uploaded for id: m-1", None, 3, None, "a") | {"module": "a.b.c"},
                "* a (a.b.c:3) [not resolved: No proguard map uploaded for id: m-1]",
            ),
        ],
    ),
    Stack(
        "Swift and Objective-C",
        "posthog-ios",
        "apple",
        [
            (at("Cart.swift", 17, 3, "$s4Cart", "Cart.add()"), "* Cart.add() (Cart.swift:17:3)"),
            (
                failed(NO_DSYM, None, None, None, "$s4Cart") | {"module": "Shop"},
                f"* $s4Cart (Shop) [not resolved: {NO_DSYM}]",
            ),
        ],
    ),
    Stack(
        "native code",
        "posthog-native",
        "native",
        [
            (at("cart.cpp", 17, 3, "_Z3add", "add"), "* add (cart.cpp:17:3)"),
            (failed(NO_SYMBOLS, None, None, None, "_Z3add"), f"* _Z3add () [not resolved: {NO_SYMBOLS}]"),
        ],
    ),
]

# The frame of query/issue has five keys, and the library beside it.
TOP_FRAMES: list[tuple[str, dict[str, Any], str]] = [
    ("web", {"function": "n", "source": "src/a.ts", "line": 11, "column": 10}, "n (src/a.ts:12:11)"),
    ("web", {"function": "n", "source": "src/a.ts", "line": 11}, "n (src/a.ts:12:1)"),
    ("web", {"function": "n", "source": "src/a.ts", "column": 10}, "n (src/a.ts:1:11)"),
    ("web", {"function": "n", "source": "src/a.ts"}, "n (src/a.ts)"),
    ("web", {"function": "t", "source": "/assets/app.js", "line": 1, "column": 17}, "t (/assets/app.js:1:17)"),
    ("web", {"function": "t", "source": "app", "line": 1, "column": 20417}, "t (app:1:20417)"),
    ("posthog-node", {"function": "m", "source": "/app/dist/a.js", "line": 10}, "m (/app/dist/a.js:10 or 11)"),
    ("posthog-node", {"function": "m", "source": "../src/a.ts", "line": 9, "column": 4}, "m (../src/a.ts:10:5)"),
    ("posthog-react-native", {"function": "h", "source": "x.bundle", "line": 1, "column": 900}, "h (x.bundle:1:900)"),
    ("posthog-python", {"function": "save", "source": "orders.py", "line": 118}, "save (orders.py:118)"),
    ("posthog-ios", {"function": "add", "source": "Cart.swift", "line": 17, "column": 3}, "add (Cart.swift:17:3)"),
]
