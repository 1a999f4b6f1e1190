"""Dependencies are few, reviewed and listed; and the threat model names tests that exist."""

import json
import re
from pathlib import Path

import pytest

from tools import dependencies

ROOT = Path(__file__).parents[1]
SECURITY = (ROOT / "SECURITY.md").read_text("utf-8")


def test_every_dependency_is_reviewed() -> None:
    assert dependencies.review() == []


def test_a_package_without_reason_pin_or_licence_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dependencies, "LICENCES", frozenset(["MIT"]))
    monkeypatch.setattr(dependencies, "reasons", lambda: {"anyio": "x", "left-pad": "y"})
    monkeypatch.setattr(dependencies, "pins", lambda: {"anyio": ("1.0", 0), "h11": ("0.14.0", 3)})

    found = "\n".join(dependencies.review())

    assert "mcp has no reason" in found
    assert "a reason for left-pad, which is not required" in found
    assert "anyio is not pinned with a hash" in found
    assert "1.0 is locked" in found
    assert "uvicorn: its licence, BSD-3-Clause, is not on the list" in found
    assert "uvicorn is not in the lock" in found
    assert "h11 0.14.0: accepts broken chunked bodies" in found


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [("MIT", True), ("GPL-3.0-only", False), ("GPL-3.0-only OR MIT", True), ("MIT AND GPL-2.0", False), ("", False)],
)
def test_licences_are_read_as_expressions(expression: str, allowed: bool) -> None:
    assert dependencies.is_allowed(expression) == allowed


def test_the_sbom_lists_what_a_run_needs(tmp_path: Path) -> None:
    file = tmp_path / "sbom.json"
    assert dependencies.main(["sbom", str(file)]) == 0
    sbom = json.loads(file.read_text("utf-8"))

    components = {component["name"]: component for component in sbom["components"]}
    assert (sbom["bomFormat"], sbom["specVersion"]) == ("CycloneDX", "1.6")
    assert set(dependencies.direct()) <= components.keys()
    assert "pytest" not in components
    assert all(component["version"] and component["licenses"] for component in components.values())
    references = {component["bom-ref"] for component in [*components.values(), sbom["metadata"]["component"]]}
    assert {entry["ref"] for entry in sbom["dependencies"]} == references
    assert {needed for entry in sbom["dependencies"] for needed in entry["dependsOn"]} <= references
    assert dependencies.sbom() == sbom


def test_every_proof_that_the_threat_model_names_exists() -> None:
    proofs = re.findall(r"^- `(tests/[\w/]+\.py)(?:::(\w+))?`$", SECURITY, re.MULTILINE)
    assert len(proofs) > 20
    for file, test in proofs:
        text = (ROOT / file).read_text("utf-8")
        assert not test or re.search(rf"^(?:async )?def {test}\(", text, re.MULTILINE), f"{file}::{test}"


def test_every_boundary_of_the_threat_model_has_a_promise_and_a_proof() -> None:
    boundaries = re.split(r"^### ", SECURITY, flags=re.MULTILINE)[1:]
    assert len(boundaries) == 9
    for boundary in boundaries:
        assert "Promise:" in boundary, boundary.splitlines()[0]
        assert "- `tests/" in boundary, boundary.splitlines()[0]
