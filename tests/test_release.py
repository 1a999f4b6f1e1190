"""Publishing: server.json, the names that follow from the repository, the checks, and the rights of the workflow."""

import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from mcp_errortracking import __version__
from mcp_errortracking.cli.main import parse
from mcp_errortracking.config import VARIABLES
from tools import reference
from tools.release import __main__ as command
from tools.release import checks, names, server_json
from tools.release.checks import PYTHONS, WORKFLOW

ROOT = Path(__file__).parents[1]
JOBS: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text("utf-8"))["jobs"]
KNOWN = names.Names("Acme-Inc", "tools.repo")
FILES = (
    *("pyproject.toml", "README.md", "CHANGELOG.md", "server.json", "manifest.json", "deploy/Dockerfile"),
    *("deploy/helm/mcp-errortracking/Chart.yaml", "deploy/helm/mcp-errortracking/values.yaml"),
    ".github/workflows/release.yml",
)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the files that a release concerns, on which the commands work."""
    for file in FILES:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    for module in (names, checks):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    for module in (names, checks, server_json, command):
        monkeypatch.setattr(module, "PYPROJECT", tmp_path / "pyproject.toml")
    monkeypatch.setattr(checks, "DIST", tmp_path / "dist")
    monkeypatch.setattr(checks, "WORKFLOW", tmp_path / ".github/workflows/release.yml")
    copied = {tmp_path / file.relative_to(ROOT): write for file, write in reference.WRITTEN.items()}
    monkeypatch.setattr(reference, "WRITTEN", {file: write for file, write in copied.items() if file.exists()})
    return tmp_path


def build(tree: Path) -> None:
    """Put what `make build sbom` and `.ci/bundle` write into the copy, as far as the checks look at it."""
    dist = tree / "dist"
    dist.mkdir(exist_ok=True)
    described = f"mcp_errortracking-{__version__}.dist-info/METADATA"
    with zipfile.ZipFile(dist / f"mcp_errortracking-{__version__}-py3-none-any.whl", "w") as wheel:
        wheel.writestr("mcp_errortracking/__init__.py", "")
        classifiers = "".join(f"Classifier: Programming Language :: Python :: {version}\n" for version in PYTHONS)
        wheel.writestr(described, f"Name: x\n{classifiers}\n{(tree / 'README.md').read_text('utf-8')}")
    (dist / f"mcp_errortracking-{__version__}.tar.gz").touch()
    (dist / names.BUNDLE).write_bytes(b"a bundle")
    (dist / "sbom.cdx.json").write_text(json.dumps({"metadata": {"component": {"version": __version__}}}))


def missing() -> dict[str, str]:
    return {check.subject: check.missing for check in checks.run_checks() if check.missing}


def test_a_release_without_owner_and_builds_is_not_ready(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = missing()
    assert found["owner"].endswith("run .venv/bin/python -m tools.release own OWNER/REPOSITORY")
    assert found["wheel and source"] == "they are not built: make build"
    assert found["desktop bundle"] == "it is not packed: .ci/bundle"
    assert found["SBOM"] == "it is not written: make sbom"
    assert found.keys() & {"versions", "Python versions", "server.json", "names of the server", "workflow"} == set()

    assert command.main(["check"]) == 1
    said = capsys.readouterr().out
    assert "missing owner: the repository is not known" in said
    assert f"with the tag v{__version__}" in said


def test_one_command_writes_the_owner_everywhere_and_the_release_is_ready(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["own", "Acme-Inc/tools.repo"]) == 0
    build(tree)
    changelog = tree / "CHANGELOG.md"
    changelog.write_text(
        re.sub(r"## Unreleased\n.*?(?=\n## )", "## Unreleased\n", changelog.read_text(), flags=re.DOTALL)
    )

    assert missing() == {}
    assert command.main(["check", "--tag", f"v{__version__}"]) == 0
    assert command.main(["check", "--tag", "v9.9.9"]) == 1
    assert f"missing tag: it is v9.9.9, and the version {__version__}" in capsys.readouterr().out
    written = json.loads((tree / "server.json").read_text())
    assert written["name"] == "io.github.Acme-Inc/mcp-errortracking"
    assert written["repository"]["url"] == "https://github.com/Acme-Inc/tools.repo"
    assert [package["registryType"] for package in written["packages"]] == ["pypi"]
    assert "<!-- mcp-name: io.github.Acme-Inc/mcp-errortracking -->" in (tree / "README.md").read_text()
    assert 'server.name="io.github.Acme-Inc/mcp-errortracking"' in (tree / "deploy/Dockerfile").read_text()
    assert not [file for file in FILES if "OWNER" in (tree / file).read_text()]

    assert command.main(["own", "other/place"]) == 0  # it can be changed again
    text = (tree / "pyproject.toml").read_text()
    assert text.count("[project.urls]") == 1
    assert "Acme-Inc" not in "".join((tree / file).read_text() for file in FILES)
    assert missing()["wheel and source"] == "the wheel is older than the name of the server: make build"


@pytest.mark.parametrize("repository", ["acme", "OWNER/x", "a b/c", "https://github.com/acme/x", "acme/x/y", "a_b/c"])
def test_what_is_no_repository_is_not_written(tree: Path, repository: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["own", repository]) == 2
    assert "is not a repository of GitHub" in capsys.readouterr().err
    assert (tree / "pyproject.toml").read_text() == (ROOT / "pyproject.toml").read_text()


@pytest.mark.parametrize(
    ("file", "change", "subject", "says"),
    [
        ("manifest.json", lambda text: text.replace(__version__, "9.9.9", 1), "versions", "manifest.json has 9.9.9"),
        ("pyproject.toml", lambda text: text.replace(" :: 3.14", " :: 3.15"), "Python versions", "3.15"),
        ("server.json", lambda text: text.replace("uvx", "uv"), "server.json", "it is stale: make reference"),
        ("README.md", lambda text: text.replace("mcp-name", "name"), "names of the server", "README.md lacks the line"),
        (
            "deploy/Dockerfile",
            lambda text: text.replace("io.github.", "io.gitlab."),
            "names of the server",
            "deploy/Dockerfile lacks the label",
        ),
        (
            ".github/workflows/release.yml",
            lambda text: re.sub(r"(upload-artifact)@\w+", r"\1@v7", text),
            "workflow",
            "actions/upload-artifact@v7 is not pinned to a commit",
        ),
        (
            ".github/workflows/release.yml",
            lambda text: text.replace("vars.IMAGE_REGISTRY", "vars.OTHER"),
            "workflow",
            "does not take the host of its registry from the variable IMAGE_REGISTRY",
        ),
        (
            ".github/workflows/release.yml",
            lambda text: text.replace("name: pypi\n", "name: production\n"),
            "workflow",
            "does not run in the environment pypi",
        ),
    ],
)
def test_a_mistake_is_found(tree: Path, file: str, change: Callable[[str], str], subject: str, says: str) -> None:
    text = (tree / file).read_text()
    assert change(text) != text
    (tree / file).write_text(change(text))

    assert says in missing()[subject]


def good(tmp_path: Path) -> dict[str, Any]:
    bundle = tmp_path / names.BUNDLE
    bundle.write_bytes(b"a bundle")
    return server_json.document(KNOWN, bundle, "images.example")


def test_the_registry_takes_server_json(tmp_path: Path) -> None:
    document = good(tmp_path)

    assert server_json.problems(document) == []
    pypi, oci, mcpb = document["packages"]
    assert (pypi["identifier"], pypi["version"]) == ("mcp_errortracking", __version__)
    assert oci["identifier"] == f"images.example/acme-inc/mcp-errortracking:{__version__}"
    assert mcpb["identifier"] == (
        f"https://github.com/Acme-Inc/tools.repo/releases/download/v{__version__}/mcp_errortracking.mcpb"
    )
    assert mcpb["fileSha256"] == "cd98c950d629c66548537b4ecd68dab3e8cf59974ba6e40df5a1a7354b39db5f"
    # The image serves HTTP unless it is started for a client.
    assert parse([argument["value"] for argument in oci["packageArguments"]]).run.__name__ == "run_serve"


def test_server_json_asks_for_real_settings(tmp_path: Path) -> None:
    for package in good(tmp_path)["packages"][:2]:
        asked = {one["name"]: one for one in package["environmentVariables"]}
        assert asked.keys() <= set(VARIABLES)
        assert [name for name, one in asked.items() if one.get("isRequired")] == ["POSTHOG_PERSONAL_API_KEY"]
        assert [name for name, one in asked.items() if one.get("isSecret")] == ["POSTHOG_PERSONAL_API_KEY"]
        assert {one.get("format", "string") for one in asked.values()} <= {"string", "boolean", "filepath"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"$schema": "https://static.modelcontextprotocol.io/schemas/2025-07-09/server.schema.json"}, "$schema is not"),
        ({"name": "mcp-errortracking"}, "is not of the form"),
        ({"name": "io.github.a/b/c"}, "is not of the form"),
        ({"description": "x" * 101}, "more than 100 characters"),
        ({"description": ""}, "more than 100 characters"),
        ({"version": ">=1.0"}, "the version is not one version"),
        ({"packages": [{"registryType": "pypi", "identifier": "x", "version": "0"}]}, "lacks its identifier or its"),
        ({"packages": [{"registryType": "pypi", "identifier": "x", "transport": {}}]}, "pypi has another version"),
        (
            {"packages": [{"registryType": "mcpb", "identifier": "https://github.com/mcp", "transport": {}}]},
            "mcpb lacks its hash",
        ),
        (
            {"packages": [{"registryType": "oci", "identifier": "images.example/Acme/x:1", "transport": {}}]},
            "not of the form registry/owner/name:version",
        ),
        (
            {
                "packages": [
                    {"registryType": "oci", "identifier": "images.example/acme/x:1", "version": "1", "transport": {}}
                ]
            },
            "not of the form registry/owner/name:version",
        ),
    ],
)
def test_what_the_registry_would_refuse_is_found(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    assert any(says in problem for problem in server_json.problems(good(tmp_path) | change))


def test_each_job_has_the_rights_that_it_needs_and_no_other() -> None:
    workflow = yaml.safe_load(WORKFLOW.read_text("utf-8"))
    assert workflow["permissions"] == {}
    assert workflow[True] == {"release": {"types": ["published"]}}  # YAML reads "on" as true
    assert {name: job["permissions"] for name, job in JOBS.items()} == {
        "test": {"contents": "read"},
        "build": {"contents": "read"},
        "pypi": {"id-token": "write"},
        "image": {"contents": "read", "packages": "write", "id-token": "write", "attestations": "write"},
        "assets": {"contents": "write", "id-token": "write", "attestations": "write"},
        "registry": {"id-token": "write"},
    }
    # Jobs with rights run nothing of the repository, except to build the image, which happens in a container.
    for name in ("pypi", "assets", "registry"):
        assert not [step for step in JOBS[name]["steps"] if "checkout" in step.get("uses", "")], name
    assert all(
        step["with"]["persist-credentials"] is False
        for job in JOBS.values()
        for step in job["steps"]
        if "actions/checkout@" in step.get("uses", "")
    )


def test_the_workflow_does_what_a_release_needs() -> None:
    assert tuple(JOBS["test"]["strategy"]["matrix"]["python"]) == PYTHONS
    assert {name: job.get("needs") for name, job in JOBS.items()} == {
        "test": None,
        "build": "test",
        "pypi": "build",
        "image": "build",
        "assets": "build",
        "registry": ["pypi", "image", "assets"],
    }
    image = next(step["with"] for step in JOBS["image"]["steps"] if step.get("id") == "push")
    assert (image["platforms"], image["sbom"], image["provenance"]) == ("linux/amd64,linux/arm64", True, "mode=max")
    assert image["file"] == "deploy/Dockerfile"
    publish = JOBS["pypi"]["steps"][-1]
    assert publish["uses"].startswith("pypa/gh-action-pypi-publish@")
    assert publish["with"] == {"attestations": True}
    commands = [step["run"] for step in JOBS["build"]["steps"] if "run" in step]
    assert commands[0] == "make PYTHON=python build sbom"
    assert commands[1] == ".ci/bundle"
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in ("build", "sbom", "test", "release-check"):
        assert f"\n{target}: install\n" in makefile
    released = [line.strip() for line in JOBS["build"]["steps"][-1]["with"]["path"].splitlines()]
    assert released == [f"dist/{names.BUNDLE}", "dist/sbom.cdx.json", "dist/server.json"]


def test_a_release_names_its_image_at_the_registry_of_the_owner(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command.main(["own", "Acme-Inc/tools.repo"])
    bundle = tree / names.BUNDLE
    bundle.write_bytes(b"a bundle")
    assert command.main(["server-json", str(bundle), "--registry", "images.example"]) == 0
    packages = json.loads(capsys.readouterr().out)["packages"]
    assert packages[1]["identifier"] == f"images.example/acme-inc/mcp-errortracking:{__version__}"
    assert [package["registryType"] for package in packages] == ["pypi", "oci", "mcpb"]

    for registry in ("", "https://images.example", "a/b"):
        with pytest.raises(SystemExit, match="2"):
            command.main(["server-json", str(bundle), "--registry", registry])
        assert "set the variable IMAGE_REGISTRY of the repository" in capsys.readouterr().err
    (write,) = [step for step in JOBS["build"]["steps"] if "server-json" in step.get("run", "")]
    assert write["env"] == {"REGISTRY": "${{ vars.IMAGE_REGISTRY }}"}
    (log_in,) = [step for step in JOBS["image"]["steps"] if "docker/login-action" in step.get("uses", "")]
    assert log_in["with"]["registry"] == "${{ vars.IMAGE_REGISTRY }}"


def test_no_file_names_the_host_of_a_package_registry() -> None:
    hosts = [
        ".".join(parts)
        for parts in (("ghcr", "io"), ("docker", "io"), ("pypi", "org"), ("npmjs", "org"), ("unpkg", "com"))
    ]
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    found = list[str]()
    for name in listed.splitlines():
        text = (ROOT / name).read_bytes().decode("utf-8", "replace") if (ROOT / name).is_file() else ""
        found += [f"{name}: {host}" for host in hosts if host in text]
    assert found == []
