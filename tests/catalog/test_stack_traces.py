"""Stack traces as people read them."""

from typing import Any

from mcp_errortracking.catalog.stack_traces import MAX_FRAMES, legend, show_event, show_frame


def frame(source: str, line: int | None = 1, **more: Any) -> dict[str, Any]:
    own = {"source": source, "line": line, "resolved_name": "run", "in_app": True, "resolved": True}
    return own | more


def event(*frames: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An event with one exception; frames nearest to the error first, which PostHog sends last."""
    exception = {
        "type": "TypeError",
        "value": "x is undefined",
        "mechanism": {"handled": False},
        "stacktrace": {"frames": list(frames)[::-1]},
    }
    return {"uuid": "u", "properties": {"$exception_list": [exception, *more.pop("causes", [])], **more}}


def lines(event: dict[str, Any], max_frames: int = MAX_FRAMES) -> list[str]:
    return list(show_event(event, max_frames)["exceptions"])


def test_frames_come_nearest_first_with_the_app_s_own_marked() -> None:
    shown = lines(event(frame("src/a.ts", 18, column=22), frame("lib/b.js", 7, in_app=False), frame("src/c.ts", 3)))

    assert shown == [
        "TypeError: x is undefined (unhandled)",
        "  * run (src/a.ts:18:22)",
        "    run (lib/b.js:7)",
        "  * run (src/c.ts:3)",
    ]


def test_a_frame_that_is_not_resolved_says_why_and_of_which_chunk() -> None:
    missing = frame("app.js", 1, column=9, resolved_name=None, mangled_name="e.t", resolved=False)
    known = missing | {"resolve_failure": "No source map found", "chunk_id": "c-1", "raw_id": "aa/0"}

    assert show_frame(known) == "e.t (app.js:1:9) [not resolved: No source map found, chunk c-1, raw_id aa/0]"
    assert show_frame(missing) == "e.t (app.js:1:9) [not resolved: no reason given]"


def test_what_the_marks_mean_is_told_in_notes_where_no_stranger_writes() -> None:
    missing = frame("app.js", 1, resolved=False, in_app=False)

    assert legend([event(frame("a.ts", 1, in_app=False))]) == []
    assert legend([event(frame("a.ts", 1)), event(frame("b.ts", 2))]) == ["* marks frames of the app's own code."]
    (note,) = legend([event(missing)])
    assert note.startswith(
        "Frames that are not resolved need the source map of that very build; error-tracking-symbol-"
    )


def test_local_variables_stand_under_their_frame() -> None:
    shown = lines(event(frame("a.py", 3, code_variables={"offer": None, "price": 7})))

    assert shown[2:4] == ["      offer = None", "      price = 7"]


def test_how_an_exception_was_caught_is_said_once_for_a_chain() -> None:
    def caught(**mechanism: Any) -> dict[str, Any]:
        return {"type": "E", "value": "v", "mechanism": mechanism}

    chain = [
        caught(handled=False, type="onerror", synthetic=True),
        caught(handled=False, type="chained"),
        caught(handled=False, type="chained"),
        caught(handled=True, type="generic"),
        caught(type="x" * 61, handled="yes"),
    ]

    assert list(show_event({"properties": {"$exception_list": chain}})["exceptions"]) == [
        "E: v (unhandled, onerror, synthetic)",
        "caused by E: v (unhandled)",
        "caused by E: v",
        "caused by E: v (handled)",
        "caused by E: v",
    ]


def test_the_module_of_a_frame_is_shown_where_its_file_does_not_say_it() -> None:
    for source, module, shown in (
        ("Cart.kt", "com.shop.Cart", "run (Cart.kt:1) in com.shop.Cart"),
        ("shop/orders/views.py", "shop.orders.views", "run (shop/orders/views.py:1)"),
        ("node_modules/react-dom/index.js", "react-dom:index", "run (node_modules/react-dom/index.js:1)"),
        ("src/pay.ts", "dist:pay", "run (src/pay.ts:1) in dist:pay"),
        (None, "a.b.c", "run (a.b.c:1)"),
        ("a.py", 7, "run (a.py:1)"),
    ):
        assert show_frame(frame(source, module=module)) == shown  # pyright: ignore[reportArgumentType]
    assert show_frame(frame("Cart.kt", resolved_name="com.shop.Cart.add", module="com.shop.Cart")) == (
        "com.shop.Cart.add (Cart.kt:1)"
    )


def test_an_event_has_no_lines_of_source() -> None:
    """A member `context` of a frame is of the app: it neither moves the position nor is it shown."""
    around = {"before": [], "line": {"number": 42, "line": "pay()"}, "after": []}
    mapped = frame("src/a.ts", 41, column=8, lang="javascript", context=around)

    assert lines(event(mapped))[1:] == ["  * run (src/a.ts:42:9)"]


def test_causes_follow() -> None:
    cause = {"type": "KeyError", "value": "'id'", "stacktrace": {"frames": [frame("b.py", 5)]}}

    shown = lines(event(frame("a.py", 3), causes=[cause]))

    assert shown[2:4] == ["caused by KeyError: 'id'", "  * run (b.py:5)"]


def test_of_a_long_trace_the_app_s_own_frames_are_kept() -> None:
    own = [frame("src/deep.ts", 99)]
    libraries = [frame(f"lib/{number}.js", number, in_app=False) for number in range(1, 81)]

    shown = lines(event(*libraries, *own))

    frames = [line for line in shown if "(lib/" in line or "(src/" in line]
    assert len(frames) == MAX_FRAMES
    assert frames[0] == "    run (lib/1.js:1)"
    assert frames[-1] == "  * run (src/deep.ts:99)"
    assert f"  {81 - MAX_FRAMES} frames left out; maxFrames raises the number" in shown
    assert len([line for line in lines(event(*libraries, *own), 81) if "run (" in line]) == 81


def test_what_is_no_exception_is_left_as_it_is() -> None:
    assert show_event({"uuid": "u", "properties": {"$lib": "web"}}) == {"uuid": "u", "$lib": "web"}
    assert show_event({"uuid": "u"}) == {"uuid": "u"}
    odd = {"properties": {"$exception_list": [{"stacktrace": {"frames": [None, {}]}, "mechanism": 3}]}}
    assert show_event(odd)["exceptions"] == ("exception", "    ? ()")
