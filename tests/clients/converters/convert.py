"""Tool definitions on stdin as one library would send them to a model: `convert.py LIBRARY`, run in `.venv/converters`.

It prints a JSON object with the converted schema of each tool.
"""

# pyright: reportMissingImports=false, reportMissingTypeStubs=false, reportAttributeAccessIssue=false

import json
import os
import sys
from typing import Any

Tool = dict[str, Any]
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"


def _google_genai(tool: Tool) -> Any:
    from google.genai import _mcp_utils
    from mcp import types

    converted = _mcp_utils.mcp_to_gemini_tool(types.Tool.model_validate(tool))
    return converted.model_dump(mode="json", exclude_none=True)["function_declarations"][0].get("parameters", {})


def _google_adk(tool: Tool) -> Any:
    from google.adk.tools._gemini_schema_util import _to_gemini_schema

    return _to_gemini_schema(tool["inputSchema"]).model_dump(mode="json", exclude_none=True)


def _langchain_google_genai(tool: Tool) -> Any:
    from langchain_google_genai._function_utils import convert_to_genai_function_declarations as convert

    given = {"name": tool["name"], "description": tool["description"], "parameters": tool["inputSchema"]}
    converted = convert([given])[0].model_dump(mode="json", exclude_none=True)
    return converted["function_declarations"][0].get("parameters", {})


def _openai_agents(tool: Tool) -> Any:
    from agents.strict_schema import ensure_strict_json_schema

    return ensure_strict_json_schema(tool["inputSchema"])


def _litellm(tool: Tool) -> Any:
    from litellm.llms.vertex_ai.gemini.vertex_and_google_ai_studio_gemini import VertexGeminiConfig

    function = {"name": tool["name"], "description": tool["description"], "parameters": tool["inputSchema"]}
    converted = VertexGeminiConfig().map_openai_params(
        {"tools": [{"type": "function", "function": function}]}, {}, "gemini-2.5-flash", False
    )
    return converted["tools"][0]["function_declarations"][0].get("parameters", {})


CONVERTERS = {
    "google-genai": _google_genai,
    "google-adk": _google_adk,
    "langchain-google-genai": _langchain_google_genai,
    "openai-agents": _openai_agents,
    "litellm": _litellm,
}

if __name__ == "__main__":
    tools: list[Tool] = json.load(sys.stdin)
    convert = CONVERTERS[sys.argv[1]]
    print(json.dumps({tool["name"]: convert(tool) for tool in tools}))
