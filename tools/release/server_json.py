"""server.json, by which the MCP registry knows the server (schema of 2025-12-11)."""

import hashlib
import json
import re
import tomllib
from pathlib import Path
from typing import Any, cast

from mcp_errortracking import __version__
from mcp_errortracking.config import SETTINGS
from tools.release.names import BUNDLE, PACKAGE, PYPROJECT, Names, read_names

SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
_ASKED = ("key", "host", "project", "toolsets", "read_only", "roots")
"""Settings that a client asks its user for."""
_FORMATS = {"read_only": "boolean", "roots": "filepath"}
_LONGEST_DESCRIPTION = 100


def document(names: Names, bundle: Path | None = None, registry: str | None = None) -> dict[str, Any]:
    """Return server.json.

    Args:
        bundle: the desktop bundle of the release, which the registry wants with its hash.
        registry: the host where the release publishes the image; the repository names none.
    """
    project = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]
    variables = [_variable(field) for field in _ASKED]
    stdio = {"type": "stdio"}
    packages: list[dict[str, Any]] = [
        {
            "registryType": "pypi",
            "identifier": PACKAGE,
            "version": __version__,
            "runtimeHint": "uvx",
            "transport": stdio,
            "environmentVariables": variables,
        },
    ]
    if registry is not None:
        packages.append(
            {
                "registryType": "oci",
                "identifier": f"{names.image(registry)}:{__version__}",
                "runtimeHint": "docker",
                "packageArguments": [{"type": "positional", "value": "serve"}],
                "transport": stdio,
                "environmentVariables": [one for one in variables if one["name"] != "MCP_ROOTS"],
            }
        )
    if bundle is not None:
        packages.append(
            {
                "registryType": "mcpb",
                "identifier": f"{names.url}/releases/download/v{__version__}/{BUNDLE}",
                "version": __version__,
                "fileSha256": hashlib.sha256(bundle.read_bytes()).hexdigest(),
                "transport": stdio,
            }
        )
    return {
        "$schema": SCHEMA,
        "name": names.server,
        "title": "PostHog error tracking",
        "description": project["description"],
        "version": __version__,
        "repository": {"url": names.url, "source": "github"},
        "packages": packages,
    }


def write(_current: str = "") -> str:
    """Return the committed server.json; a release adds its image and its bundle."""
    return as_text(document(read_names()))


def as_text(data: dict[str, Any]) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _variable(field: str) -> dict[str, Any]:
    one = next(setting for setting in SETTINGS if setting.field == field)
    variable: dict[str, Any] = {"name": one.variable, "description": one.help}
    if field == "key":
        variable |= {"isRequired": True, "isSecret": True, "placeholder": "phx_..."}
    if field in _FORMATS:
        variable["format"] = _FORMATS[field]
    if field == "host":
        variable["default"] = one.default
    return variable


def problems(data: dict[str, Any]) -> list[str]:
    """Return what the registry would refuse: the rules of its schema, and of its check of packages."""
    found = list[str]()
    if data.get("$schema") != SCHEMA:
        found.append(f"$schema is not {SCHEMA}")
    if not re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", name := str(data.get("name", ""))) or len(name) > 200:
        found.append(f"the name {name!r} is not of the form io.github.owner/name")
    if not 1 <= len(str(data.get("description", ""))) <= _LONGEST_DESCRIPTION:
        found.append(f"the description has more than {_LONGEST_DESCRIPTION} characters, or none")
    if not re.fullmatch(r"\d+\.\d+\.\d+(?:[-+.\w]*)?", str(data.get("version", ""))):
        found.append("the version is not one version")
    for package in cast("list[dict[str, Any]]", data.get("packages", [])):
        kind, identifier = str(package.get("registryType")), str(package.get("identifier", ""))
        if not identifier or not isinstance(package.get("transport"), dict):
            found.append(f"the package {kind} lacks its identifier or its transport")
        if kind == "mcpb" and not re.fullmatch("[a-f0-9]{64}", str(package.get("fileSha256"))):
            found.append("the package mcpb lacks its hash")
        if kind == "mcpb" and not (identifier.startswith("https://github.com/") and "mcp" in identifier):
            found.append("the package mcpb is not a file of a release on GitHub")
        if kind == "oci" and (
            "version" in package or not re.fullmatch(r"[a-z0-9.]+/[a-z0-9._/-]+:[\w.-]+", identifier)
        ):
            found.append("the image of the package oci is not of the form registry/owner/name:version")
        if kind == "pypi" and package.get("version") != data.get("version"):
            found.append("the package pypi has another version")
    return found
