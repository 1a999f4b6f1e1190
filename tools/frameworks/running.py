"""Build an app, upload its maps, run it, and resolve the exceptions that its SDK sends."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.sandbox_process import SandboxProcess
from tools.frameworks.apps import DRIVER, PLACES, App, copy_sources
from tools.frameworks.capture import Capture
from tools.frameworks.events import issue_id, seed
from tools.frameworks.records import ROOT, write_record

_QUIET = {
    "CI": "1",
    "ASTRO_TELEMETRY_DISABLED": "1",
    "EXPO_NO_TELEMETRY": "1",
    "NEXT_TELEMETRY_DISABLED": "1",
    "NG_CLI_ANALYTICS": "false",
    "NUXT_TELEMETRY_DISABLED": "1",
    "WRANGLER_SEND_METRICS": "false",
}
_BUILD = Path(tempfile.gettempdir(), "shop")
"""The folder of the builds. Some bundlers write it into their maps, so it is the same in each run."""
_KEPT = ("$exception_list", "$lib", "$lib_version", "$release_id")
_CODE = ("pre_context", "context_line", "post_context")
"""Lines of the bundle, which posthog-node sends with a frame."""
_SHOWN = ("source", "line", "function")
_RELEASE = "1.0.0"
_NODE = Path(__file__).parents[2] / ".venv/node/node_modules/node/bin"
"""The Node of .ci/node-tools: some frameworks need a newer one than the system's."""


class BuildError(Exception):
    """A step failed; the text says which."""


class Bench:
    """The programs and folders that all apps share."""

    def __init__(self, driver: Path) -> None:
        self._driver = driver
        shutil.copytree(DRIVER, driver, dirs_exist_ok=True)
        _install(driver)

    def run(self, app: App, *, keep: bool = False) -> Iterator[dict[str, Any]]:
        """Yield the record of each exception of an app: one of the browser, one of the server.

        Raises:
            BuildError: a step failed, or a frame was resolved to another place than the one written.
        """
        shutil.rmtree(_BUILD, ignore_errors=True)
        folder, before = _BUILD / app.name, _BUILD / "before"
        try:
            copy_sources(app, folder)
            _install(folder)
            version = json.loads((folder / "node_modules" / app.package / "package.json").read_text("utf-8"))["version"]
            _run(app.build, folder)
            shutil.copytree(folder / app.output, before, symlinks=True)
            with SandboxProcess({"projects": [{"id": 1}]}) as sandbox:
                output = _ours(sandbox, "upload", str(folder / app.output), "--release", _RELEASE, cwd=folder)
                print(output)
                print(_ours(sandbox, "check", str(folder / app.output), "--release", _RELEASE, cwd=folder))
            for where, event in self._events(app, folder):
                resolved = _resolve(app, folder, event)
                record = {"where": where, "version": version, "resolved": resolved, "event": event}
                write_record(app, record, before, folder / app.output, folder)
                yield record
        finally:
            if keep:
                print(folder)
            else:
                shutil.rmtree(_BUILD, ignore_errors=True)

    def _events(self, app: App, folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
        if app.node:
            with Capture() as capture:
                _run(app.node, folder, CAPTURE=capture.url)
                yield app.program, _event(capture, folder)
        if app.site:
            with Capture(folder / app.site) as capture:
                self._browse(capture.url, capture)
                yield "Chromium", _event(capture, folder)
        if app.server:
            if app.fails_at:
                with Capture() as capture, _serving(app, folder, CAPTURE=capture.url) as url:
                    httpx.get(url + app.fails_at, timeout=60)
                    yield app.program, _event(capture, folder)
            if app.has_page:
                with Capture() as capture, _serving(app, folder, CAPTURE=capture.url) as url:
                    self._browse(url, capture)
                    yield "Chromium", _event(capture, folder)

    def _browse(self, page: str, capture: Capture) -> None:
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        if not chromium:
            raise BuildError("install Chromium")
        command = ["node", str(self._driver / "browse.mjs"), str(self._driver / "node_modules"), chromium, page]
        done = subprocess.run([*command, capture.url], capture_output=True, text=True, timeout=120)
        if done.returncode or not capture.exceptions:
            raise BuildError(f"the browser sent no exception: {done.stdout}\n{done.stderr}")


def _install(folder: Path) -> None:
    """Install what the lock names. `npm ci` refuses the locks of apps with an optional package that no registry has."""
    _run("npm install --no-fund --no-audit --silent", folder)


def lock(folder: Path) -> None:
    """Write the lock of a folder's packages: exact versions and hashes, and no registry's host."""
    options = "--package-lock-only --ignore-scripts --omit-lockfile-registry-resolved"
    _run(f"npm install {options} --no-fund --no-audit --silent", folder)


def _environment(**variables: str) -> dict[str, str]:
    return os.environ | _QUIET | {"PATH": f"{_NODE}:{os.environ['PATH']}"} | variables


def _run(command: str, folder: Path, **variables: str) -> str:
    environment = _environment(**variables)
    done = subprocess.run(command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, timeout=900)
    if done.returncode:
        raise BuildError(f"{command} failed ({done.returncode}):\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def _ours(sandbox: SandboxProcess, *words: str, cwd: Path) -> str:
    command = [sys.executable, "-m", "mcp_errortracking", "source-maps", *words]
    variables = {
        "POSTHOG_HOST": sandbox.url,
        "POSTHOG_PERSONAL_API_KEY": sandbox.key,
        "POSTHOG_PROJECT_ID": str(sandbox.project_id),
    }
    done = subprocess.run(command, cwd=cwd, env=os.environ | variables, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise BuildError(f"source-maps {words[0]} failed ({done.returncode}):\n{done.stdout}\n{done.stderr[-4000:]}")
    return done.stdout


@contextmanager
def _serving(app: App, folder: Path, **variables: str) -> Generator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = _environment(**variables, PORT=str(port), HOST="127.0.0.1", NODE_ENV="production")
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            f"exec {app.server}",
            shell=True,
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            for _ in range(120):
                try:
                    httpx.get(f"http://127.0.0.1:{port}/", timeout=30)
                    break
                except httpx.TransportError:
                    if process.poll() is not None:
                        break
                    time.sleep(0.5)
            else:
                raise BuildError("the server did not start")
            if process.poll() is not None:
                raise BuildError(f"the server ended: {log.read_text()[-3000:]}")
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGTERM)  # with what npx has started
            process.wait()


def _event(capture: Capture, folder: Path) -> dict[str, Any]:
    found = capture.first(20)
    if found is None:
        raise BuildError("no exception arrived")
    event = {name: found["properties"][name] for name in _KEPT if name in found["properties"]}
    for one in event["$exception_list"]:
        frames = one["stacktrace"]["frames"]
        one["stacktrace"]["frames"] = [
            {name: value for name, value in frame.items() if name not in _CODE} for frame in frames
        ]
    text = json.dumps(event).replace(str(folder), ROOT)
    return json.loads(re.sub(r"http://127\.0\.0\.1:\d+", "https://shop.example", text))


def _resolve(app: App, folder: Path, event: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the frames of the throwing module that `source-maps resolve --issue` shows as they were written.

    Raises:
        BuildError: the innermost frame is not the place that throws.
    """
    with SandboxProcess(seed([event])) as sandbox:
        _ours(sandbox, "upload-only", str(folder / app.output), cwd=folder)
        print("   ", *(f"{one.get('type')}: {one.get('value')}" for one in event["$exception_list"]))
        result = json.loads(_ours(sandbox, "resolve", "--issue", issue_id(0), "--json", cwd=folder))
    frames = [*result["frames"], *({**frame, "resolved": True} for frame in result.get("readable", []))]
    for frame in frames:
        shown = (frame.get(name) for name in ("source", "line", "function", "verdict"))
        print("   ", frame.get("minified"), frame.get("minified_function"), *shown)
    written = [
        {name: str(frame[name]).removeprefix(f"{folder}/") if name == "source" else frame[name] for name in _SHOWN}
        for frame in frames
        if frame["resolved"]
    ]
    expected = [{"source": app.cart, **place} for place in PLACES]
    if written[:1] != expected[:1]:
        raise BuildError(f"{expected[0]} was resolved to {written[:1]}")
    return [place for place in expected if place in written]
