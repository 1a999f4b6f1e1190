"""Compare the strict reading of maps with `symbolic`, on generated maps and on those of npm packages:

    python -m tests.workflows.source_maps.map_oracle FOLDER_OF_PACKAGES [--record]

`.ci/source-maps` installs what this needs. `--record` writes the verdicts on the generated maps for the tests.
"""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mcp_errortracking.workflows.problems import InvalidMapError
from mcp_errortracking.workflows.source_maps.maps.strict import read_strictly
from tests.workflows.source_maps.generated_maps import VERDICTS_FILE, generated_maps

_PYTHON = Path(".venv/symbolic/bin/python")
_SCRIPT = Path(__file__).with_name("symbolic_verdicts.py")
_LEAST = 500
"""Maps of packages that are compared at least."""


def verdicts(paths: Sequence[Path]) -> str:
    """Return the verdict of `symbolic` on each map: 1 or 0."""
    names = "".join(f"{path}\n" for path in paths)
    ran = subprocess.run([_PYTHON, _SCRIPT], input=names, capture_output=True, text=True, check=True)
    return ran.stdout.replace("\n", "")


def main() -> None:
    """Compare, and exit with 1 if a verdict differs."""
    with tempfile.TemporaryDirectory() as folder:
        paths: list[Path] = []
        for number, (_, content) in enumerate(generated_maps()):
            paths.append(Path(folder) / str(number))
            paths[-1].write_bytes(content)
        made = verdicts(paths)
    lines = "".join(f"{made[at : at + 100]}\n" for at in range(0, len(made), 100))
    if "--record" in sys.argv:
        VERDICTS_FILE.write_text(lines, "ascii")
    elif VERDICTS_FILE.read_text("ascii") != lines:
        sys.exit("The recorded verdicts on generated maps are not those of symbolic: run this with --record.")
    real = sorted(Path(sys.argv[1]).rglob("*.map"))
    real = [path for path in real if b'"mappings"' in path.read_bytes()]
    wrong = [
        f"{path}: {ours}" for path, read in zip(real, verdicts(real), strict=True) if (ours := _differs(path, read))
    ]
    print(f"{len(made)} generated maps, {len(real)} of packages, {len(wrong)} of them with another verdict.")
    print("\n".join(wrong))
    if wrong or len(real) < _LEAST:
        sys.exit(f"At least {_LEAST} maps of packages with the same verdicts are needed.")


def _differs(path: Path, read: str) -> str:
    """Return our verdict if it is not the one of `symbolic`; a map that we repair counts as refused."""
    try:
        repairs = read_strictly(path.read_bytes()).repairs
    except InvalidMapError as error:
        return error.explanation.why if read == "1" else ""
    return "read" if (read == "1") == bool(repairs) else ""


if __name__ == "__main__":
    main()
