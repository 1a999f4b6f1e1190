"""The names of the project where it is published. All follow from `[project.urls] Repository` of pyproject.toml.

Until that is set, the owner is the placeholder `OWNER`, which `make release-check` refuses to publish.
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PYPROJECT = ROOT / "pyproject.toml"
PLACEHOLDER = "OWNER"
NAME = "mcp-errortracking"
PACKAGE = "mcp_errortracking"
BUNDLE = f"{PACKAGE}.mcpb"
_REPOSITORY = re.compile(r"https://github\.com/([A-Za-z0-9][A-Za-z0-9-]{0,38})/([A-Za-z0-9._-]{1,100})")


@dataclass(frozen=True, slots=True)
class Names:
    """The names that a repository on GitHub gives the project."""

    owner: str = PLACEHOLDER
    repository: str = NAME

    @property
    def is_known(self) -> bool:
        """True if the owner is known."""
        return self.owner != PLACEHOLDER

    @property
    def url(self) -> str:
        return f"https://github.com/{self.owner}/{self.repository}"

    @property
    def server(self) -> str:
        """The name in the MCP registry, which the owner of that GitHub account may use."""
        return f"io.github.{self.owner}/{NAME}"

    def image(self, registry: str) -> str:
        """Return the container image at a registry, without a tag; names of images have no capital letters."""
        return f"{registry}/{self.owner.lower()}/{NAME}"


def read_names(pyproject: str | None = None) -> Names:
    """Return the names that pyproject.toml gives.

    Raises:
        ValueError: its repository is not one of GitHub.
    """
    text = PYPROJECT.read_text("utf-8") if pyproject is None else pyproject
    url = tomllib.loads(text)["project"].get("urls", {}).get("Repository")
    if url is None:
        return Names()
    if not (found := _REPOSITORY.fullmatch(url)):
        raise ValueError(f"Repository in pyproject.toml is {url!r}: give one like https://github.com/acme/{NAME}")
    return Names(*found.groups())


def with_repository(pyproject: str, owner: str, repository: str) -> str:
    """Return pyproject.toml with the repository.

    Raises:
        ValueError: the names cannot be those of a repository on GitHub.
    """
    url = f"https://github.com/{owner}/{repository}"
    if not _REPOSITORY.fullmatch(url) or owner == PLACEHOLDER:
        raise ValueError(f"{owner}/{repository} is not a repository of GitHub: give one like acme/{NAME}")
    table = f'[project.urls]\nRepository = "{url}"\nChangelog = "{url}/blob/main/CHANGELOG.md"\n\n'
    rest = re.sub(r"\[project\.urls\]\n(?:[^\[\n].*\n)*\n?", "", pyproject)
    return rest.replace("[project.scripts]\n", f"{table}[project.scripts]\n", 1)


def with_server_name(text: str) -> str:
    """Return README.md or the Dockerfile with the name of the server, which the registry looks for in both."""
    name = read_names().server
    text = re.sub(r"(<!-- mcp-name: )\S+( -->)", rf"\g<1>{name}\g<2>", text)
    return re.sub(r'(io\.modelcontextprotocol\.server\.name=")[^"]+(")', rf"\g<1>{name}\g<2>", text)
