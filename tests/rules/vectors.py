"""The vectors of the rule contract: filters, an event's properties, and what PostHog does with them."""

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("vectors.jsonl")
VECTORS: list[dict[str, Any]] = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
IDS = [str(vector["id"]) for vector in VECTORS]
