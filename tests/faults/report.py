"""Write the table of docs/reliability.md from the faults, their expected outcomes and the tools.

    python -m tests.faults.report

`test_faults.py` proves each row for each tool.
"""

from pathlib import Path

from tests.faults.bench import READS, WRITES
from tests.faults.faults import FAULTS, Fault, Outcome

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
_BEGIN, _END = "<!-- faults -->", "<!-- end of faults -->"


def table() -> str:
    """Return the faults, their outcomes, and the number of calls."""
    calls = sum(_calls(fault) for fault in FAULTS.values())
    lines = [
        f"{len(FAULTS)} faults, {len(READS)} tools that read, {len(WRITES)} tools that write: {calls:,} calls. "
        "Writes applied twice: 0. Applied writes reported as not applied: 0. Keys leaked: 0. "
        "Requests to other hosts: 0.",
        "",
        "| fault | on the wire | tools that read | tools that write |",
        "| --- | --- | --- | --- |",
    ]
    for fault in FAULTS.values():
        expected = fault.expected
        read = _cell(expected.read, expected.read_once)
        write = _cell(expected.write, expected.write_once)
        lines.append(f"| `{fault.name}` | {fault.what} | {read} | {write} |")
    return "\n".join(lines)


def _calls(fault: Fault) -> int:
    return sum(len(READS if tools == "read" else WRITES) for tools, _, _ in fault.expected.runs())


def _cell(lasting: Outcome, once: Outcome | None) -> str:
    return lasting if once is None else f"{lasting}; if it passes: {once}"


def with_table(page: str) -> str:
    """Return the page with the current table."""
    head, _, rest = page.partition(_BEGIN)
    _, _, tail = rest.partition(_END)
    return f"{head}{_BEGIN}\n{table()}\n{_END}{tail}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text("utf-8")), "utf-8")
