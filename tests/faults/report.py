"""Writes the table of docs/reliability.md anew, from the faults, what must come of each, and the tools there are.

    python -m tests.faults.report

That it is true is what `test_faults.py` shows, for each row and each tool.
"""

from pathlib import Path

from tests.faults.bench import READS, WRITES
from tests.faults.faults import FAULTS, Fault, Outcome

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
_BEGIN, _END = "<!-- faults -->", "<!-- end of faults -->"


def table() -> str:
    """The faults, what comes of them, and how many calls were made to see it."""
    calls = sum(_calls(fault) for fault in FAULTS.values())
    lines = [
        f"{len(FAULTS)} faults, {len(READS)} tools that read, {len(WRITES)} that write: {calls:,} calls. "
        "Writes applied twice: 0. Writes told as not applied that were: 0. Keys told: 0. Other hosts spoken to: 0.",
        "",
        f"| fault | on the wire | {len(READS)} tools that read | {len(WRITES)} tools that write | calls |",
        "| --- | --- | --- | --- | ---: |",
    ]
    for fault in FAULTS.values():
        expected = fault.expected
        read = _cell(expected.read, expected.read_once)
        write = _cell(expected.write, expected.write_once)
        lines.append(f"| `{fault.name}` | {fault.what} | {read} | {write} | {_calls(fault)} |")
    return "\n".join(lines)


def _calls(fault: Fault) -> int:
    return sum(len(READS if tools == "read" else WRITES) for tools, _, _ in fault.expected.runs())


def _cell(lasting: Outcome, once: Outcome | None) -> str:
    return lasting if once is None else f"{lasting}; if it passes: {once}"


def with_table(page: str) -> str:
    """The page with its table as it must be now."""
    head, _, rest = page.partition(_BEGIN)
    _, _, tail = rest.partition(_END)
    return f"{head}{_BEGIN}\n{table()}\n{_END}{tail}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text("utf-8")), "utf-8")
