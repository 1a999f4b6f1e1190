"""What an agent pays to read us, in tokens of o200k_base:

    python -m benchmarks.tokens

The tokenizer is npm's gpt-tokenizer, which ships its vocabulary; npm installs it into `.venv/tokenizer` at first use.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

from mcp_errortracking.server.text import render
from mcp_errortracking.server.tools import tools

_HOME = Path(__file__).parents[1] / ".venv" / "tokenizer"
_PACKAGE = "gpt-tokenizer@4.0.0"
_COUNT = """
import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import { readFileSync } from "node:fs";
const texts = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(texts.map((text) => countTokens(text, { disallowedSpecial: new Set() }))));
"""


def count(texts: list[str]) -> list[int]:
    """The number of tokens of each text.

    Raises:
        subprocess.CalledProcessError: npm or node failed.
    """
    if not (_HOME / "node_modules" / "gpt-tokenizer").exists():
        _HOME.mkdir(parents=True, exist_ok=True)
        install = ["npm", "install", "--prefix", str(_HOME), "--ignore-scripts", "--no-fund", "--no-audit", "--silent"]
        subprocess.run([*install, _PACKAGE], check=True)
    (_HOME / "count.mjs").write_text(_COUNT, "utf-8")
    answer = subprocess.run(
        ["node", "count.mjs"], cwd=_HOME, input=json.dumps(texts), capture_output=True, text=True, check=True
    )
    return json.loads(answer.stdout)


def compact(data: Any) -> str:
    """JSON without white space."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False)


def rules(number: int) -> list[dict[str, Any]]:
    """Assignment rules as a project may hold them: no two alike."""
    kinds = ["TypeError", "ReferenceError", "ChunkLoadError", "ValueError", "TimeoutError", "KeyError"]
    return [
        {
            "id": f"0193{n:04x}-7a51-7{n:03x}-8000-3d0f1c9a{n * 977:04x}",
            "filters": {
                "type": "OR" if n % 3 else "AND",
                "values": [
                    {"key": "$exception_types", "type": "event", "value": [kinds[n % 6]], "operator": "exact"},
                    {"key": "$exception_sources", "type": "event", "value": f"src/area-{n}/", "operator": "icontains"},
                ],
            },
            "assignee": {"type": "user", "id": 1000 + n}
            if n % 2
            else {"type": "role", "id": f"0192{n:04x}-11aa-7{n:03x}-9000-77e0c2b1{n * 541:04x}"},
            "order_key": n,
            "disabled_data": None,
            "created_at": f"2026-08-{n % 28 + 1:02d}T14:15:{n % 60:02d}.{n * 1234 % 1000000:06d}Z",
            "updated_at": f"2026-09-{n % 28 + 1:02d}T09:05:{n % 60:02d}.{n * 4321 % 1000000:06d}Z",
        }
        for n in range(number)
    ]


def main() -> None:
    """Prints the cost of the tool list, tool by tool, and of a list of 20 rules."""
    definitions = [
        {"name": tool.name, "description": tool.description, "inputSchema": tool.input_schema} for tool in tools()
    ]
    page = {"count": 123, "next_offset": 20, "results": rules(20)}
    texts = [compact(definitions), *map(compact, definitions), render(page, []), compact(page)]
    whole, *each, text, as_json = count(texts)
    print("tokens of o200k_base\n")
    for definition, tokens in zip(definitions, each, strict=True):
        print(f"{tokens:6d}  {definition['name']}")
    print(f"{whole:6d}  the whole tool list (name, description, input schema of {len(definitions)} tools)\n")
    print(f"{text:6d}  a list of 20 assignment rules, as text")
    print(f"{as_json:6d}  the same as compact JSON (ratio {text / as_json:.2f})")


if __name__ == "__main__":
    main()
