"""Tokens of o200k_base, by npm's gpt-tokenizer, which ships its vocabulary; installed into `.venv/tokenizer`."""

import json
import subprocess
from pathlib import Path

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
