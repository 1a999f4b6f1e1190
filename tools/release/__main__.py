"""Commands of a release:

python -m tools.release check [--tag v1.2.3]        say what is missing; exits with 1 if something is
python -m tools.release own OWNER/REPOSITORY        write the repository on GitHub into every file that names it
python -m tools.release server-json BUNDLE --registry HOST
                                                    print server.json with the bundle and the image of the release
"""

import argparse
import re
import sys
from pathlib import Path

from mcp_errortracking import __version__
from tools.reference import write_all
from tools.release.checks import BY_HAND, REGISTRY_VARIABLE, run_checks
from tools.release.names import PYPROJECT, read_names, with_repository
from tools.release.server_json import as_text, document


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.release")
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check")
    check.add_argument("--tag", help="the tag of the release, which must be v and the version")
    commands.add_parser("own").add_argument("repository", metavar="OWNER/REPOSITORY")
    published = commands.add_parser("server-json")
    published.add_argument("bundle", type=Path)
    published.add_argument("--registry", type=_registry, required=True, help="the host where the image is published")
    options = parser.parse_args(words)
    if options.command == "own":
        return _own(options.repository)
    if options.command == "server-json":
        print(as_text(document(read_names(), options.bundle, options.registry)), end="")
        return 0
    return _check(options.tag)


def _registry(host: str) -> str:
    if not re.fullmatch(r"[a-z0-9.-]+", host):
        raise argparse.ArgumentTypeError(
            f"{host!r} is not a host: set the variable {REGISTRY_VARIABLE} of the repository"
        )
    return host


def _check(tag: str | None) -> int:
    checks = run_checks()
    for one in checks:
        print(f"{'missing' if one.missing else 'ok':8}{one.subject}{f': {one.missing}' if one.missing else ''}")
    if wrong := tag is not None and tag != f"v{__version__}":
        print(f"missing tag: it is {tag}, and the version {__version__}")
    print("By hand:")
    for step in BY_HAND:
        print(f"- {step.format(version=__version__)}")
    return 1 if wrong or any(one.missing for one in checks) else 0


def _own(repository: str) -> int:
    owner, _, name = repository.partition("/")
    try:
        text = with_repository(PYPROJECT.read_text("utf-8"), owner, name)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    PYPROJECT.write_text(text, "utf-8")
    write_all()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
