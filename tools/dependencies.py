"""What is installed with this package: reviewed from the metadata on disk, and listed as a CycloneDX SBOM.

    python -m tools.dependencies review            # no network; exits with 1 if something is not as it should be
    python -m tools.dependencies sbom FILE.json

The review knows licences, the lock's pins and hashes, the reasons in docs/dependencies.md, and the releases that
`BAD` names. What was found out since is known to nobody without the network: `make audit` asks for that.
"""

import json
import re
import sys
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "dependencies.md"
LOCK = ROOT / "requirements-dev.lock"
OWN = "mcp_errortracking"

LICENCES = frozenset(
    ["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "MPL-2.0", "PSF-2.0", "Unlicense"]
)
"""Of what is installed beside this package: all let it be used and passed on with an MIT-licensed program."""

BAD: dict[tuple[str, str], str] = {
    ("h11", "0.14.0"): "accepts broken chunked bodies (CVE-2025-43859)",
    ("starlette", "0.49.0"): "quadratic time for Range headers (CVE-2025-62727)",
    ("python-multipart", "0.0.17"): "logs and time without bound on a broken boundary (CVE-2024-53981)",
}
"""Releases that must not be installed, by name and version, and why; reviewed with every `make lock`."""

_BY_CLASSIFIER = {
    "MIT License": "MIT",
    "BSD License": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}


def direct() -> dict[str, str]:
    """The requirements of pyproject.toml at run time, those of extras too, by canonical name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines: list[str] = [*project["dependencies"]]
    for extra in project.get("optional-dependencies", {}).values():
        lines += extra
    return {canonicalize_name(Requirement(line).name): line for line in lines}


def installed() -> dict[str, Distribution]:
    """All that is installed at run time, extras included, by canonical name; without this package.

    Raises:
        PackageNotFoundError: something that is required is not installed.
    """
    found = dict[str, Distribution]()
    waiting = [Requirement(line) for line in direct().values()]
    done = set[tuple[str, tuple[str, ...]]]()
    while waiting:
        requirement = waiting.pop()
        name, extras = canonicalize_name(requirement.name), tuple(sorted(requirement.extras))
        if (name, extras) in done:
            continue
        done.add((name, extras))
        found[name] = distribution(name)
        for line in found[name].requires or []:
            needed = Requirement(line)
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                waiting.append(needed)
    return dict(sorted(found.items()))


def licence(package: Distribution) -> str:
    """The licence as an SPDX expression where the metadata has one, or what it says instead; empty if nothing."""
    said = package.metadata.json
    for name in ("license_expression", "license"):
        text = str(said.get(name) or "").strip()
        if text and len(text) < 60:
            return text
    classifiers = said.get("classifier") or []
    names = [str(line).rpartition(" :: ")[2] for line in classifiers if str(line).startswith("License")]
    return " OR ".join(_BY_CLASSIFIER.get(name, name) for name in names)


def is_allowed(expression: str) -> bool:
    """Whether an SPDX expression asks for allowed licences only: with OR one of them is enough."""
    choices = [re.split(r"\s+AND\s+", choice.strip("() ")) for choice in re.split(r"\s+OR\s+", expression)]
    return any(all(part.strip("() ") in LICENCES for part in choice) for choice in choices)


def pins() -> dict[str, tuple[str, int]]:
    """The lock's versions by canonical name, and how many hashes each has."""
    found = dict[str, tuple[str, int]]()
    for block in re.split(r"\n(?=\S)", LOCK.read_text("utf-8")):
        if pin := re.match(r"([\w.-]+)(?:\[[\w,-]+\])?==([\w.+!]+)", block):
            found[canonicalize_name(pin[1])] = (pin[2], block.count("--hash=sha256:"))
    return found


def reasons() -> dict[str, str]:
    """Why each direct dependency is there, as docs/dependencies.md says."""
    rows = re.findall(r"^\| `([\w.-]+)` \| ([^|]+) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    return {canonicalize_name(name): why.strip() for name, why in rows}


def review() -> list[str]:
    """What is not as it should be, a sentence each."""
    try:
        packages = installed()
    except PackageNotFoundError as error:
        return [f"{error.name} is required and not installed: make install."]
    locked, why, wanted = pins(), reasons(), direct()
    problems = [f"{name} has no reason in docs/dependencies.md." for name in wanted if not why.get(name)]
    problems += [
        f"docs/dependencies.md gives a reason for {name}, which is not required." for name in why.keys() - wanted
    ]
    problems += [f"{name} is not pinned with a hash." for name, (_, hashes) in locked.items() if not hashes]
    for name, package in packages.items():
        if not is_allowed(licence(package)):
            problems.append(f"{name}: its licence, {licence(package) or 'which it does not name'}, is not on the list.")
        if name not in locked:
            problems.append(f"{name} is not in the lock: make lock.")
        elif locked[name][0] != package.version:
            problems.append(f"{name} {package.version} is installed, and {locked[name][0]} is locked: make install.")
    known = {name: version for name, (version, _) in locked.items()}
    problems += [f"{name} {version}: {said}." for (name, version), said in BAD.items() if known.get(name) == version]
    return problems


def sbom() -> dict[str, Any]:
    """The packages of a run as a CycloneDX 1.6 document; the same for the same packages."""
    own = distribution(OWN)
    packages = installed()
    root = _component(own, "application")
    components = [_component(package, "library") for package in packages.values()]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, json.dumps(components))}",
        "version": 1,
        "metadata": {"component": root},
        "components": components,
        "dependencies": [
            {"ref": root["bom-ref"], "dependsOn": sorted(_ref(packages[name]) for name in direct())},
            *({"ref": _ref(package), "dependsOn": _needs(package, packages)} for package in packages.values()),
        ],
    }


def _ref(package: Distribution) -> str:
    return f"pkg:pypi/{canonicalize_name(package.metadata['Name'])}@{package.version}"


def _component(package: Distribution, kind: str) -> dict[str, Any]:
    ref = _ref(package)
    name = canonicalize_name(package.metadata["Name"])
    licences = [{"expression": licence(package)}] if licence(package) else []
    return {"type": kind, "bom-ref": ref, "name": name, "version": package.version, "purl": ref, "licenses": licences}


def _needs(package: Distribution, packages: dict[str, Distribution]) -> list[str]:
    """What it needs of the packages that are there."""
    names = set[str]()
    for line in package.requires or []:
        needed = Requirement(line)
        if needed.marker is None or needed.marker.evaluate({"extra": ""}):
            names.add(canonicalize_name(needed.name))
    return sorted(_ref(packages[name]) for name in names & packages.keys())


def main(arguments: list[str]) -> int:
    """Runs a command of the command line."""
    if arguments[:1] == ["sbom"] and len(arguments) == 2:
        Path(arguments[1]).write_text(json.dumps(sbom(), indent=2) + "\n", "utf-8")
        return 0
    if arguments == ["review"]:
        problems = review()
        print("\n".join(problems) or f"{len(installed())} packages reviewed: licences, pins, hashes, reasons.")
        return 1 if problems else 0
    print((__doc__ or "").strip())
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
