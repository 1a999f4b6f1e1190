"""The key in memory: one object holds it, and no representation, dump or stack trace of any other shows it."""

import gc
import logging
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import Any, cast

import pytest
from pydantic import SecretStr

from mcp_errortracking.asgi import app_for
from mcp_errortracking.config import Secret, ToolSelection, load_http, load_posthog
from mcp_errortracking.proxy import Proxy
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.proxy.limits import Limits
from tests.proxy.fault_server import FaultServer, http
from tests.secrets.canary import KEY, TOKEN, hostile_answers, leaks

pytestmark = pytest.mark.anyio


def reachable(root: object) -> Iterator[tuple[str, object]]:
    """Whatever can be reached from an object by attributes, slots, items and closures, with the way there."""
    seen = set[int]()
    waiting: list[tuple[str, object]] = [("", root)]
    while waiting:
        way, found = waiting.pop()
        if id(found) in seen or isinstance(found, ModuleType | type | int | float | bool | None | SecretStr | Secret):
            continue
        seen.add(id(found))
        yield way, found
        if len(seen) > 20_000:
            raise AssertionError(f"too much can be reached, last by {way}")
        if isinstance(found, str | bytes | bytearray):
            continue
        waiting += [(f"{way}{name}", inner) for name, inner in _inside(found)]


def _inside(found: Any) -> Iterator[tuple[str, object]]:
    if isinstance(found, Mapping):
        for name, value in list(cast("Mapping[Any, Any]", found).items()):
            yield f"[{type(name).__name__}]", name
            yield f"[{name!r:.30}]", value
    elif isinstance(found, list | tuple | set | frozenset):
        for item in list(cast("list[Any]", found)):
            yield "[]", item
    elif isinstance(found, MethodType):
        yield ".__self__", found.__self__
    elif isinstance(found, FunctionType):
        for cell in found.__closure__ or ():
            if gc.get_referents(cell):
                yield f".{found.__name__}()", cell.cell_contents
    else:
        for name, value in list(getattr(found, "__dict__", {}).items()):
            yield f".{name}", value
        for kind in type(found).__mro__:
            slots = getattr(kind, "__slots__", ())
            for name in (slots,) if isinstance(slots, str) else slots:
                mangled = f"_{kind.__name__.lstrip('_')}{name}" if name.startswith("__") else name
                if hasattr(found, mangled):
                    yield f".{name}", getattr(found, mangled)


def shown(root: object) -> list[str]:
    """Return the places where a secret stands in the open."""
    return [
        f"{way}: {found!r:.80}"
        for way, found in reachable(root)
        if leaks(found.encode("utf-8", "replace") if isinstance(found, str) else repr(found).encode(), KEY, TOKEN)
    ]


def settings_of(url: str, tmp_path: Path) -> Any:
    return load_posthog(host=url, project="1", environ={"POSTHOG_PERSONAL_API_KEY": KEY}, home=tmp_path)


async def test_a_proxy_that_was_used_holds_the_key_in_one_place(tmp_path: Path) -> None:
    with FaultServer([http(200, {"results": []})]) as upstream:
        settings = settings_of(upstream.url, tmp_path)
        async with Proxy(host=settings.host, key=SecretStr(settings.key.get_secret_value()), project="1") as proxy:
            await proxy.send("GET", "error_tracking/fingerprints/")
            await proxy.send("POST", "error_tracking/assignment_rules/", json={"a": 1})
            other = proxy.acting_as(SecretStr(KEY), "2")
            await other.send("GET", "error_tracking/fingerprints/")

            assert upstream.received[0].headers["authorization"] == f"Bearer {KEY}"
            for holder in (proxy, other, settings):
                assert shown(holder) == []
                assert leaks(f"{holder!r} {holder}".encode(), KEY) == []
    assert isinstance(proxy._key, SecretStr)


async def test_the_app_and_its_settings_show_neither_key_nor_token(tmp_path: Path) -> None:
    serving = load_http({"MCP_SERVER_TOKEN": TOKEN})
    settings = settings_of("http://127.0.0.1:9", tmp_path)
    app = app_for(settings, serving, ToolSelection())

    assert shown(serving) == []
    assert shown(settings) == []
    assert shown(app) == []
    assert leaks(repr(serving).encode() + str(vars(app)).encode(), KEY, TOKEN) == []


@pytest.mark.parametrize("case", range(len(hostile_answers())))
async def test_no_exception_and_no_variable_of_its_stack_trace_shows_the_key(
    case: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "mcp_errortracking")
    with FaultServer([hostile_answers()[case]]) as upstream:
        async with Proxy(host=upstream.url, key=SecretStr(KEY), project="1") as proxy:
            for method, json in (("GET", None), ("POST", {"a": 1})):
                try:
                    await proxy.send(method, "error_tracking/assignment_rules/", json=json)
                except PostHogError as error:
                    check_exception(error)
    assert leaks(caplog.text.encode(), KEY) == []


@pytest.mark.parametrize("reply", [http(200, b"{", length=50), http(200, b"x", Content_Encoding="gzip")])
async def test_no_exception_of_a_broken_connection_shows_the_key(reply: Any) -> None:
    limits = Limits(attempts=2, backoff=0.0)
    with FaultServer([reply]) as upstream:
        async with Proxy(host=upstream.url, key=SecretStr(KEY), project="1", limits=limits) as proxy:
            with pytest.raises(PostHogError) as caught:
                await proxy.send("POST", "error_tracking/assignment_rules/", json={"a": 1})
            check_exception(caught.value)
    async with Proxy(host=upstream.url, key=SecretStr(KEY), project="1", limits=limits) as proxy:
        with pytest.raises(PostHogError) as caught:
            await proxy.send("GET", "error_tracking/assignment_rules/")
        check_exception(caught.value)


def check_exception(error: BaseException) -> None:
    """The whole chain, causes that `from None` hides included, with local variables as crash reporters show them."""
    waiting: list[BaseException] = [error]
    while waiting:
        one = waiting.pop()
        waiting += [linked for linked in (one.__cause__, one.__context__) if linked is not None]
        told = traceback.TracebackException.from_exception(one)
        said = "".join(told.format()) + repr(one) + str(one) + repr(vars(one)) + repr(one.args)
        assert leaks(said.encode(), KEY) == []
        for frame, _ in traceback.walk_tb(one.__traceback__):
            if "mcp_errortracking" in frame.f_code.co_filename and "tests" not in frame.f_code.co_filename:
                for name, value in frame.f_locals.items():
                    assert leaks(repr(value).encode(), KEY) == [], (frame.f_code.co_qualname, name)
