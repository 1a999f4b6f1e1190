"""The vectors of the rule contract: filters, an event's properties, and what PostHog does with them."""

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("vectors.jsonl")
VECTORS: list[dict[str, Any]] = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
IDS = [str(vector["id"]) for vector in VECTORS]
COMPILED_FILE = FILE.with_name("compiled_vectors.jsonl")
COMPILED: list[dict[str, Any]] = [json.loads(line) for line in COMPILED_FILE.read_text(encoding="utf-8").splitlines()]
"""Vectors of values that PostHog compiles to something else than they seem to be: booleans, and lists of operators that
it joins with OR. Sources: rule contract 2.3, 2.5; posthog/hogql/property.py."""
