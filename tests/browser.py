"""A real browser, driven over the DevTools protocol through a pipe: no driver and no port."""

import atexit
import fcntl
import functools
import json
import os
import re
import select
import signal
import tempfile
import time
from base64 import b64decode
from pathlib import Path
from typing import Any

from tests.required import program

_OPTIONS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"),
    # Frames of other origins stay in the process of their page, so that one session sees them all.
    *("--disable-site-isolation-trials", "--disable-features=IsolateOrigins,site-per-process,IsolateSandboxedIframes"),
    "--remote-debugging-pipe",
]
_SECONDS = 50.0


class PageError(AssertionError):
    """A script in a page failed, or what was awaited did not come."""


class Browser:
    """A running browser without a window."""

    def __init__(self) -> None:
        self._profile = tempfile.TemporaryDirectory(prefix="mcp-errortracking-browser-", ignore_cleanup_errors=True)
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        chromium = program("chromium", "chromium-browser", "google-chrome")
        high_in, high_out = (fcntl.fcntl(one, fcntl.F_DUPFD, 100) for one in (theirs_in, theirs_out))
        self._pid = os.posix_spawn(
            chromium,
            [chromium, *_OPTIONS, f"--user-data-dir={self._profile.name}", "about:blank"],
            os.environ,
            file_actions=[
                *((os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3)),
                (os.POSIX_SPAWN_DUP2, high_in, 3),
                (os.POSIX_SPAWN_DUP2, high_out, 4),
                (os.POSIX_SPAWN_CLOSE, high_in),
                (os.POSIX_SPAWN_CLOSE, high_out),
            ],
        )
        os.close(high_in)
        os.close(high_out)
        os.close(theirs_in)
        os.close(theirs_out)
        self._unread = b""
        self._last = 0
        self.events = list[dict[str, Any]]()

    def send(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Send a command and return its result; what happens meanwhile goes to `events`."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": params}
        message |= {"sessionId": session} if session else {}
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while (answer := self._receive()).get("id") != self._last:
            if "method" in answer:
                self.events.append(answer)
        if "error" in answer:
            raise PageError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def page(self) -> "Page":
        """Open an empty page."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return Page(self, target, session)

    def close(self) -> None:
        """End the browser."""
        os.kill(self._pid, signal.SIGTERM)
        os.waitpid(self._pid, 0)
        os.close(self._in)
        os.close(self._out)
        self._profile.cleanup()

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            if not select.select([self._in], [], [], _SECONDS)[0]:
                raise PageError("the browser does not answer")
            piece = os.read(self._in, 1 << 16)
            if not piece:
                raise PageError("the browser has ended")
            self._unread += piece
        message, _, self._unread = self._unread.partition(b"\0")
        return json.loads(message)


class Page:
    """A tab. Expressions are JavaScript; they run in the page, or in the frame with this title."""

    def __init__(self, browser: Browser, target: str, session: str) -> None:
        self._browser = browser
        self._target = target
        self._session = session
        for domain in ("Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command to this tab."""
        return self._browser.send(method, self._session, **params)

    def go(self, url: str) -> None:
        """Go to an address."""
        self.send("Page.navigate", url=url)
        self.wait(
            f"location.href.startsWith({json.dumps(url.partition('#')[0])}) && document.readyState === 'complete'"
        )

    def run(self, expression: str, frame: str | None = None) -> Any:
        """Return the value of an expression, awaited if it is a promise.

        Raises:
            PageError: it threw, or there is no such frame.
        """
        more = {} if frame is None else {"contextId": self._context(frame)}
        done = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True, **more)
        if "exceptionDetails" in done:
            details = done["exceptionDetails"]
            raise PageError(details.get("exception", {}).get("description") or details["text"])
        return done["result"].get("value")

    def wait(self, expression: str, frame: str | None = None) -> Any:
        """Return the value of an expression as soon as it is true."""
        until, problem = time.monotonic() + _SECONDS, ""
        while time.monotonic() < until:
            try:
                if value := self.run(expression, frame):
                    return value
            except PageError as error:  # a document that is being replaced
                problem = str(error)
            select.select([], [], [], 0.02)
        raise PageError(f"never true: {expression}; {problem}")

    def size(self, width: int, height: int = 800, *, reduced: bool = False, scheme: str = "light") -> None:
        """Set the size of the window, and what its user prefers."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        features += [{"name": "prefers-reduced-motion", "value": "reduce"}] if reduced else []
        self.send("Emulation.setEmulatedMedia", features=features)

    def press(self, key: str) -> None:
        """Press and release a key, like `ArrowRight` or `Enter`."""
        codes = {"Enter": (13, "\r"), "Tab": (9, ""), "ArrowRight": (39, ""), "ArrowLeft": (37, ""), "Escape": (27, "")}
        code, text = codes[key]
        common = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.send("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **common, text=text)
        self.send("Input.dispatchKeyEvent", type="keyUp", **common)

    def screenshot(self, file: Path) -> None:
        """Write a picture of the window, PNG."""
        file.write_bytes(b64decode(self.send("Page.captureScreenshot", format="png")["data"]))

    def complaints(self) -> list[str]:
        """Return what the console said: errors, warnings and exceptions."""
        self.run("0")
        found = list[str]()
        for event in self._browser.events:
            if event.get("sessionId") != self._session:
                continue
            params = event["params"]
            if event["method"] == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
                found.append(params["entry"]["text"])
            elif event["method"] == "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                found.append(details.get("exception", {}).get("description") or details["text"])
            elif event["method"] == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
                found.append(" ".join(str(one.get("value")) for one in params["args"]))
        return found

    def close(self) -> None:
        """Close the tab."""
        self._browser.send("Target.closeTarget", targetId=self._target)

    def _context(self, title: str) -> int:
        """Return the execution context of the newest frame whose document has this title."""
        self.run("0")  # collects the events up to now
        gone = set[int]()
        for event in reversed(self._browser.events):
            if event.get("sessionId") != self._session:
                continue
            if event["method"] == "Runtime.executionContextsCleared":
                break
            if event["method"] == "Runtime.executionContextDestroyed":
                gone.add(event["params"]["executionContextId"])
            if event["method"] == "Runtime.executionContextCreated":
                context: int = event["params"]["context"]["id"]
                if context in gone:
                    continue
                try:
                    done = self.send(
                        "Runtime.evaluate", expression="document.title", returnByValue=True, contextId=context
                    )
                except PageError:
                    continue
                if done["result"].get("value") == title:
                    return context
        raise PageError(f"no frame with the title {title}")


class Frame:
    """A frame of a page, by the title of its document."""

    def __init__(self, page: Page, title: str) -> None:
        self.page = page
        self.title = title

    def run(self, expression: str) -> Any:
        """Return the value of an expression in the frame."""
        return self.page.run(expression, self.title)

    def wait(self, expression: str) -> Any:
        """Return the value of an expression in the frame as soon as it is true."""
        return self.page.wait(expression, self.title)

    def click(self, name: str) -> None:
        """Click the last button with this name, as a screen reader says it, once it is there."""
        self.wait(_CLICK % json.dumps(name))

    def fill(self, selector: str, value: str) -> None:
        """Fill in a field, or choose an option."""
        found = f"document.querySelector({json.dumps(selector)})"
        self.wait(f"Boolean({found})")
        event = "new Event('change', {bubbles: true})"
        self.run(f"(field => {{ field.value = {json.dumps(value)}; field.dispatchEvent({event}); }})({found})")

    def said(self) -> str:
        """Return what the page says about the last click, once it says it."""
        return self.wait("(said => said.className && said.textContent)(document.getElementById('said'))")


_CLICK = """
(() => {
  const named = one => (one.getAttribute("aria-label") || one.textContent) === %s;
  const all = [...document.querySelectorAll("button, summary")].reverse();
  const one = all.find(one => !one.disabled && !one.hidden && named(one));
  if (one) one.click();
  return Boolean(one);
})()
"""


@functools.cache
def browser() -> Browser:
    """Return the browser of this process, started at its first use. Without one the test is skipped."""
    started = Browser()
    atexit.register(started.close)
    return started


def keep_picture(page: Page, name: str) -> None:
    """Write a picture of the window into the folder MCP_TEST_PICTURES, if that is set."""
    if folder := os.environ.get("MCP_TEST_PICTURES"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(Path(folder, re.sub(r"[^\w-]+", "-", name)[:120] + ".png"))
