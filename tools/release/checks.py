"""The checks before a release. None needs the network; what only the owner can do is listed at the end."""

import json
import re
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.parser import Parser
from importlib.metadata import metadata

import yaml

from mcp_errortracking import __version__
from tools.release import server_json
from tools.release.names import BUNDLE, PACKAGE, PYPROJECT, ROOT, Names, read_names

DIST = ROOT / "dist"
WORKFLOW = ROOT / ".github/workflows/release.yml"
ENVIRONMENT = "pypi"
REGISTRY_VARIABLE = "IMAGE_REGISTRY"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
BY_HAND = (
    f"Register the trusted publisher at the package index: project {PACKAGE}, workflow release.yml, environment "
    f"{ENVIRONMENT}.",
    f"Create the environment {ENVIRONMENT} in the repository's settings, with a reviewer who presses the button.",
    f"Set the variable {REGISTRY_VARIABLE} of the repository to the host where the workflow publishes the image.",
    "After the first release, make the container image public in its package settings.",
    "Publish a release on GitHub with the tag v{version}: that starts the workflow.",
)


@dataclass(frozen=True, slots=True)
class Check:
    """A check of the release: its subject, and what is missing with the next step; None if nothing is."""

    subject: str
    missing: str | None = None


def run_checks() -> list[Check]:
    """Return all checks, in the order in which they are best fixed."""
    names = read_names()
    checks: list[tuple[str, Callable[[Names], Iterator[str]]]] = [
        ("owner", _owner),
        ("versions", _versions),
        ("changelog", _changelog),
        ("Python versions", _pythons),
        ("server.json", _server_json),
        ("names of the server", _names),
        ("workflow", _workflow),
        ("wheel and source", _distributions),
        ("desktop bundle", _bundle),
        ("SBOM", _sbom),
    ]
    return [Check(subject, "; ".join(found) or None) for subject, check in checks for found in [list(check(names))]]


def _owner(names: Names) -> Iterator[str]:
    if not names.is_known:
        yield "the repository is not known: run .venv/bin/python -m tools.release own OWNER/REPOSITORY"


def _versions(_names: Names) -> Iterator[str]:
    chart = yaml.safe_load((ROOT / "deploy/helm/mcp-errortracking/Chart.yaml").read_text("utf-8"))
    others = {
        "manifest.json": json.loads((ROOT / "manifest.json").read_text("utf-8"))["version"],
        "server.json": json.loads((ROOT / "server.json").read_text("utf-8"))["version"],
        "the Helm chart": chart["version"],
        "the installed package": metadata(PACKAGE)["Version"],
    }
    for place, version in others.items():
        if version != __version__:
            yield f"{place} has {version}, and the package {__version__}"


def _changelog(_names: Names) -> Iterator[str]:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    unreleased = text.partition("## Unreleased\n")[2].partition("\n## ")[0]
    if unreleased.strip():
        yield f"CHANGELOG.md has unreleased changes: move them below a heading ## {__version__}, or raise the version"
    if f"\n## {__version__}\n" not in text:
        yield f"CHANGELOG.md has no heading ## {__version__}"


def _pythons(_names: Names) -> Iterator[str]:
    project = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]
    declared = re.findall(r"Python :: (\d+\.\d+)", "\n".join(project["classifiers"]))
    if tuple(declared) != PYTHONS:
        yield f"pyproject.toml declares {', '.join(declared)}, and {', '.join(PYTHONS)} are meant"
    if project["requires-python"] != f">={PYTHONS[0]}":
        yield f"requires-python is not >={PYTHONS[0]}"


def _server_json(_names: Names) -> Iterator[str]:
    text = (ROOT / "server.json").read_text("utf-8")
    if text != server_json.write():
        yield "it is stale: make reference"
    yield from server_json.problems(json.loads(text))


def _names(names: Names) -> Iterator[str]:
    if f"mcp-name: {names.server}" not in (ROOT / "README.md").read_text("utf-8"):
        yield f"README.md lacks the line mcp-name: {names.server}"
    if f'io.modelcontextprotocol.server.name="{names.server}"' not in (ROOT / "deploy/Dockerfile").read_text("utf-8"):
        yield f"deploy/Dockerfile lacks the label with {names.server}"


def _workflow(_names: Names) -> Iterator[str]:
    text = WORKFLOW.read_text("utf-8")
    jobs = yaml.safe_load(text)["jobs"]
    if jobs["pypi"].get("environment", {}).get("name") != ENVIRONMENT:
        yield f"the job pypi does not run in the environment {ENVIRONMENT}"
    if f"vars.{REGISTRY_VARIABLE}" not in str(jobs["image"].get("env")):
        yield f"the job image does not take the host of its registry from the variable {REGISTRY_VARIABLE}"
    for action in re.findall(r"uses: (\S+)", text):
        if not re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", action):
            yield f"{action} is not pinned to a commit"


def _distributions(names: Names) -> Iterator[str]:
    wheels = list(DIST.glob(f"{PACKAGE}-{__version__}-*.whl"))
    if len(wheels) != 1 or not (DIST / f"{PACKAGE}-{__version__}.tar.gz").is_file():
        yield "they are not built: make build"
        return
    with zipfile.ZipFile(wheels[0]) as wheel:
        inside = wheel.namelist()
        (described,) = [name for name in inside if name.endswith(".dist-info/METADATA")]
        message = Parser().parsestr(wheel.read(described).decode())
    folders = (f"{PACKAGE}/", f"{PACKAGE}-{__version__}.dist-info/")
    if strays := [name for name in inside if not name.startswith(folders)]:
        yield f"the wheel holds {strays[0]}, which is not the package"
    if f"mcp-name: {names.server}" not in str(message.get_payload()):
        yield "the wheel is older than the name of the server: make build"
    if [word for word in message.get_all("Classifier", []) if word.endswith(PYTHONS[-1])] == []:
        yield "the wheel is older than the declared Python versions: make build"


def _bundle(_names: Names) -> Iterator[str]:
    if not (DIST / BUNDLE).is_file():
        yield "it is not packed: .ci/bundle"


def _sbom(_names: Names) -> Iterator[str]:
    file = DIST / "sbom.cdx.json"
    if not file.is_file():
        yield "it is not written: make sbom"
    elif json.loads(file.read_text("utf-8"))["metadata"]["component"].get("version") != __version__:
        yield "it is of another version: make sbom"
