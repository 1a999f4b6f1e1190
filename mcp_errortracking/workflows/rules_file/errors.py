"""Errors of a rules file, each with its place in the file."""


class RulesFileError(Exception):
    """A rules file, or a map of owners, that cannot be used. `problems` are lines such as `rules.yaml:7: ...`."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class MissingYamlError(Exception):
    """The YAML library is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "This command reads YAML, and ruamel.yaml is not installed. Install the extra: "
            'pip install "mcp_errortracking[rules]"'
        )
