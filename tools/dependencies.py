"""Review of the run-time dependencies from the metadata on disk, and their list as a CycloneDX SBOM.

    python -m tools.dependencies review            # without the network; exits with 1 if there are problems
    python -m tools.dependencies sbom FILE.json

The review checks licences, the lock's pins and hashes, the reasons in docs/dependencies.md, and the releases that
`BAD` names. `make audit` asks the network for vulnerabilities found since.
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
"""Allowed licences of dependencies: each permits use and redistribution with an MIT-licensed program."""

BAD: dict[tuple[str, str], str] = {
    ("h11", "0.14.0"): "accepts broken chunked bodies (CVE-2025-43859)",
    ("starlette", "0.49.0"): "quadratic time for Range headers (CVE-2025-62727)",
    ("python-multipart", "0.0.17"): "logs and time without bound on a broken boundary (CVE-2024-53981)",
}
"""Reasons against releases that must not be installed, by name and version; updated with every `make lock`."""

_SPDX = {
    "Apache 2.0": "Apache-2.0",
    "MIT License": "MIT",
    "BSD License": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}


def direct() -> dict[str, str]:
    """Return the run-time requirements of pyproject.toml, including those of extras, by canonical name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines: list[str] = [*project["dependencies"]]
    for extra in project.get("optional-dependencies", {}).values():
        lines += extra
    return {canonicalize_name(Requirement(line).name): line for line in lines}


def installed() -> dict[str, Distribution]:
    """Return all packages of a run, including extras, by canonical name; without this package.

    Raises:
        PackageNotFoundError: a required package is not installed.
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
    """Return the licence as an SPDX expression, or as the metadata names it; empty if the metadata has none."""
    metadata = package.metadata.json
    for name in ("license_expression", "license"):
        text = str(metadata.get(name) or "").strip()
        if text and len(text) < 60:
            return _SPDX.get(text, text)
    classifiers = metadata.get("classifier") or []
    names = [str(line).rpartition(" :: ")[2] for line in classifiers if str(line).startswith("License")]
    return " OR ".join(_SPDX.get(name, name) for name in names)


def is_allowed(expression: str) -> bool:
    """True if an SPDX expression requires only allowed licences; of alternatives (OR), one is enough."""
    choices = [re.split(r"\s+AND\s+", choice.strip("() ")) for choice in re.split(r"\s+OR\s+", expression)]
    return any(all(part.strip("() ") in LICENCES for part in choice) for choice in choices)


def pins() -> dict[str, tuple[str, int]]:
    """Return the locked version and its number of hashes by canonical name."""
    found = dict[str, tuple[str, int]]()
    for block in re.split(r"\n(?=\S)", LOCK.read_text("utf-8")):
        if pin := re.match(r"([\w.-]+)(?:\[[\w,-]+\])?==([\w.+!]+)", block):
            found[canonicalize_name(pin[1])] = (pin[2], block.count("--hash=sha256:"))
    return found


def reasons() -> dict[str, str]:
    """Return the reason for each direct dependency from docs/dependencies.md."""
    rows = re.findall(r"^\| `([\w.-]+)` \| ([^|]+) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    return {canonicalize_name(name): reason.strip() for name, reason in rows}


def review() -> list[str]:
    """Return the problems, one sentence each."""
    try:
        packages = installed()
    except PackageNotFoundError as error:
        return [f"{error.name} is required but not installed. Run make install."]
    locked, known_reasons, required = pins(), reasons(), direct()
    problems = [f"{name} has no reason in docs/dependencies.md." for name in required if not known_reasons.get(name)]
    problems += [
        f"docs/dependencies.md gives a reason for {name}, which is not required."
        for name in known_reasons.keys() - required
    ]
    problems += [f"{name} is not pinned with a hash." for name, (_, hashes) in locked.items() if not hashes]
    for name, package in packages.items():
        if not is_allowed(licence(package)):
            problems.append(f"{name}: its licence, {licence(package) or 'unknown'}, is not on the list.")
        if name not in locked:
            problems.append(f"{name} is not in the lock. Run make lock.")
        elif locked[name][0] != package.version:
            problems.append(
                f"{name} {package.version} is installed, but {locked[name][0]} is locked. Run make install."
            )
    versions = {name: version for name, (version, _) in locked.items()}
    problems += [
        f"{name} {version}: {reason}." for (name, version), reason in BAD.items() if versions.get(name) == version
    ]
    return problems


def sbom() -> dict[str, Any]:
    """Return the packages of a run as a CycloneDX 1.6 document; the same packages give the same document."""
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
    """Return the references of the installed packages that a package requires."""
    names = set[str]()
    for line in package.requires or []:
        needed = Requirement(line)
        if needed.marker is None or needed.marker.evaluate({"extra": ""}):
            names.add(canonicalize_name(needed.name))
    return sorted(_ref(packages[name]) for name in names & packages.keys())


def main(arguments: list[str]) -> int:
    """Run a command of the command line and return the exit code."""
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
