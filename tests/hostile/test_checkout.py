"""No file of the working folder is run: a checkout that shadows every module and program, and the commands in it."""

import ast
import json
import os
import re
import subprocess
import sys
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

import mcp_errortracking
from mcp_errortracking import child
from mcp_errortracking.sandbox.process import Sandbox
from tests.workflows.source_maps.builds import copied

PACKAGE = Path(mcp_errortracking.__file__).parent
TOOL = "error-tracking-assignment-rules-list"
STARTS = {
    "console script": [str(Path(sys.executable).with_name("mcp-errortracking"))],
    "isolated": [sys.executable, "-I", "-m", "mcp_errortracking"],
    "safe path": [sys.executable, "-P", "-m", "mcp_errortracking"],
    "module": [sys.executable, "-m", "mcp_errortracking"],
}
"""The ways to start the server. Only the last has the checkout on the module path, until `__main__` removes it."""
SECRETS = {
    "POSTHOG_PERSONAL_API_KEY": "phx_canary",
    "MCP_SERVER_TOKEN": "canary-token",
    "AWS_SECRET_ACCESS_KEY": "canary",
}
HOOKS = ("sitecustomize", "usercustomize", "conftest", "runpy", "encodings", "uvloop", "watchfiles", "h2", "orjson")
PROGRAMS = ("git", "git.exe", "python", "python3", "sh", "ssh", "uv", "ldconfig", "gcc", "cc", "ld")


@cache
def before_main() -> frozenset[str]:
    """The modules that Python imports for `-m` before a package's own code runs: that code cannot guard them."""
    script = "import sys; print(' '.join(sys.modules))"
    with TemporaryDirectory() as folder:
        Path(folder, "tiny.py").write_text(script)
        command = [sys.executable, "-m", "tiny"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=50, check=True)
    return frozenset(name.partition(".")[0] for name in done.stdout.split())


def shadowed(start: str) -> set[str]:
    """The modules to shadow: the standard library, every installed one and the hooks of Python's own start.

    `-m` itself takes some modules and this package from the checkout before any code of ours runs.
    """
    names = {*sys.stdlib_module_names, *packages_distributions(), *HOOKS}
    names = {name for name in names if name.isidentifier()}
    return names - {"mcp_errortracking"} - before_main() if start == "module" else names | {"mcp_errortracking"}


def hostile_checkout(folder: Path, marker: Path, start: str) -> Path:
    """A checkout in which each file that could be run writes its name to `marker`."""
    folder.mkdir()
    for name in shadowed(start):
        (folder / f"{name}.py").write_text(f"open({str(marker)!r}, 'a').write({name!r} + '\\n')\n")
    groups = ("opentelemetry_context", "opentelemetry_propagator", "pydantic", "httpx", "uvicorn", "console_scripts")
    info = folder / "evil-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("".join(f"[{group}]\nevil = json:evil\n" for group in groups))
    for name in PROGRAMS:
        (folder / name).write_text(f"#!/bin/sh\necho {name} >> '{marker}'\n")
        (folder / name).chmod(0o755)
    (folder / "evil.pth").write_text(f"import sys; open({str(marker)!r}, 'a').write('pth')\n")
    (folder / "pyvenv.cfg").write_text("home = .\ninclude-system-site-packages = true\n")
    (folder / ".env").write_text("POSTHOG_HOST=http://127.0.0.1:9\nPYTHONPATH=.\n")
    return folder


def surroundings() -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("POSTHOG_", "MCP_", "PYTHON"))}
    return clean | {"HOME": "/nonexistent", "PATH": f".{os.pathsep}{os.environ['PATH']}"}


def ran(marker: Path) -> list[str]:
    return sorted(set(marker.read_text().split())) if marker.exists() else []


@pytest.mark.parametrize(
    "start", [pytest.param(name, marks=() if name == "module" else pytest.mark.thorough) for name in STARTS]
)
def test_a_command_with_the_sandbox_runs_no_file_of_the_checkout(start: str, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    folder = hostile_checkout(tmp_path / "checkout", marker, start)
    command = [*STARTS[start], "call", TOOL, "--sandbox"]

    done = subprocess.run(
        command, cwd=folder, env=surroundings(), capture_output=True, text=True, timeout=50, check=False
    )

    assert ran(marker) == []
    assert (done.returncode, done.stdout[:6]) == (0, "4 of 4"), done.stderr


@pytest.mark.parametrize("start", ["console script", pytest.param("module", marks=pytest.mark.thorough)])
@pytest.mark.anyio
async def test_a_session_over_stdio_runs_no_file_of_the_checkout(start: str, tmp_path: Path) -> None:
    """Make calls whose modules are imported at first use: uploads, compression, the history of a checkout."""
    marker = tmp_path / "ran"
    folder = hostile_checkout(tmp_path / "checkout", marker, start)
    copied(folder / "dist", "webpack")
    (folder / ".git" / "refs").mkdir(parents=True)
    (folder / ".git" / "HEAD").write_text(f"{'5' * 40}\n")
    command, *arguments = [*STARTS[start], "--sandbox", "--structured", "always", "--log-level", "error"]
    server = StdioServerParameters(command=command, args=arguments, cwd=folder, env=surroundings())

    async with Client(stdio_client(server)) as client:
        stack = "at o.parse (https://shop.example/webpack/shop.js:1:307)"
        replies = [
            await client.call_tool(tool, arguments)
            for tool, arguments in (
                ("source-maps-resolve", {"stack": stack, "folder": "dist", "commits": True}),
                ("source-maps-upload", {"folder": "dist", "version": "1.0"}),
                ("source-maps-check", {"folder": "dist", "version": "1.0"}),
                ("error-tracking-symbol-sets-list", {}),
            )
        ]

    assert ran(marker) == []
    assert [reply.is_error for reply in replies] == [False] * 4, replies[0].content
    assert [frame["resolved"] for frame in (replies[0].structured_content or {})["frames"]] == [True]


@pytest.mark.thorough
def test_the_demo_runs_no_file_of_the_checkout(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    folder = hostile_checkout(tmp_path / "checkout", marker, "console script")

    command = [*STARTS["console script"], "demo"]
    done = subprocess.run(
        command, cwd=folder, env=surroundings(), capture_output=True, text=True, timeout=50, check=False
    )

    assert ran(marker) == []
    assert done.returncode == 0, done.stderr


def test_every_module_that_a_child_imports_is_shadowed() -> None:
    """The checkout above would be no proof if it left out a module that a run imports."""
    script = (
        "import json, sys\n"
        "from mcp_errortracking.cli.main import main\n"
        f"main(['call', {TOOL!r}, '--sandbox'])\n"
        "import mcp_errortracking.sandbox.app, mcp_errortracking.workflows.source_maps.jobs.upload\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))\n"
    )
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, timeout=50, check=True)

    imported = set(json.loads(done.stdout.splitlines()[-1]))
    ours = shadowed("isolated")
    compiled = {name for name in imported if name.startswith("_") or "__" in name or name == "cython_runtime"}
    assert len(imported) > 100
    assert imported - ours - compiled == set()


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_the_sandbox_inherits_no_secret_and_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    with Sandbox() as sandbox:
        process = Path("/proc", str(sandbox._process.pid))
        given = (process / "environ").read_bytes()
        folder = (process / "cwd").readlink()

    assert b"PATH=" in given
    assert [secret for secret in SECRETS.values() if secret.encode() in given] == []
    assert b"PYTHONPATH" not in given
    assert folder == child.FOLDER


def test_a_child_gets_no_relative_entry_of_the_module_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["", ".", "lib", *[entry for entry in sys.path if entry != str(PACKAGE.parent)]])

    command = child.command("mcp_errortracking", "--version")
    path = json.loads(command[4])

    assert command[1] == "-I"
    assert all(os.path.isabs(entry) for entry in (command[0], *path))
    assert path[-1] == str(PACKAGE.parent)
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=50, check=True)
    assert done.stdout == f"mcp_errortracking {mcp_errortracking.__version__}\n"


STARTERS = {"webbrowser", "subprocess", "multiprocessing", "pty", "popen2", "pickle", "marshal", "shelve"}
CALLS = {"open_process", "run_process", "create_subprocess_exec", "create_subprocess_shell", "system", "popen"}
OTHERS = {"execv", "execve", "spawnv", "startfile", "StdioServerParameters", "eval", "exec"}
WORDS = re.compile(rf"\b({'|'.join(STARTERS | CALLS | OTHERS)})\b")


def test_only_these_modules_start_a_process() -> None:
    """Read from the code: no other module of the package can start a program, or make objects of what it reads."""
    found = set[str]()
    for file in PACKAGE.rglob("*.py"):
        source = file.read_text("utf-8")
        if not WORDS.search(source):
            continue  # parsing takes most of the time
        for node in ast.walk(ast.parse(source)):
            names = {alias.name for alias in node.names} if isinstance(node, ast.Import) else set[str]()
            if isinstance(node, ast.ImportFrom):
                names = {str(node.module), *(alias.name for alias in node.names)}
            if isinstance(node, ast.Attribute):
                names = {node.attr} & (CALLS | {"execv", "execve", "spawnv", "startfile"})
            if isinstance(node, ast.Name):
                names = {node.id} & {"StdioServerParameters", "eval", "exec", "__import__"}
            if {name.partition(".")[0] for name in names} & (STARTERS | CALLS | OTHERS):
                found.add(file.relative_to(PACKAGE).as_posix())

    assert found == {
        "sandbox/process.py",
        "demo/tour.py",
        "cli/login.py",  # the user's browser
        "cli/ui.py",  # the same
        "clients/program.py",  # the command of a client that the user named
    }


def test_the_desktop_bundle_starts_in_isolated_mode_and_not_in_its_own_folder() -> None:
    """A tool may write to the working folder: in the bundle's folder that would change what runs at the next start."""
    manifest = json.loads((Path(__file__).parents[2] / "manifest.json").read_text("utf-8"))
    started = manifest["server"]["mcp_config"]["args"]

    assert started[-4:] == ["python", "-I", "-m", "mcp_errortracking"]
    assert "--directory" not in started
    assert started[started.index("--project") + 1] == "${__dirname}"
