"""The fixture tools, prompts and resources that the MCP conformance suite asks for, over the transports of the package.

python -m tests.clients.everything   # prints its address
"""

import asyncio
import base64
import socket
from typing import Any

import uvicorn
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, Tool

from mcp_errortracking.asgi import limits_of
from mcp_errortracking.config import HttpSettings
from mcp_errortracking.server.http.app import HttpOptions, build_app
from mcp_errortracking.server.http.protocol import TimedProtocol

_PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
_SILENCE = base64.b64encode(
    b"RIFF$\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00@\x1f\x00\x00\x80>\x00\x00\x02\x00\x10\x00data"
    b"\x00\x00\x00\x00"
).decode()
_JSON_SCHEMA_2020_12: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _resource(uri: str, text: str, kind: str = "text/plain") -> dict[str, Any]:
    return {"type": "resource", "resource": {"uri": uri, "mimeType": kind, "text": text}}


_IMAGE = {"type": "image", "data": _PIXEL, "mimeType": "image/png"}
_CACHED = {"ttlMs": 0, "cacheScope": "public", "resultType": "complete"}
_TOOLS: dict[str, list[dict[str, Any]]] = {
    "test_simple_text": [_text("This is a simple text response for testing.")],
    "test_image_content": [_IMAGE],
    "test_audio_content": [{"type": "audio", "data": _SILENCE, "mimeType": "audio/wav"}],
    "test_embedded_resource": [_resource("test://embedded-resource", "This is an embedded resource content.")],
    "test_multiple_content_types": [
        _text("Multiple content types test:"),
        _IMAGE,
        _resource("test://mixed-content-resource", '{"test":"data","value":123}', "application/json"),
    ],
    "test_error_handling": [_text("This tool intentionally returns an error for testing")],
    "test_tool_with_progress": [_text("done")],
    "json_schema_2020_12_tool": [_text("taken")],
}
_PROMPTS: dict[str, tuple[str, ...]] = {
    "test_simple_prompt": (),
    "test_prompt_with_arguments": ("arg1", "arg2"),
    "test_prompt_with_embedded_resource": ("resourceUri",),
    "test_prompt_with_image": (),
}


async def _call_tool(context: Any, params: Any) -> Any:
    if params.name not in _TOOLS:
        raise MCPError(INVALID_PARAMS, f"Unknown tool: {params.name}")
    if params.name == "test_tool_with_progress":
        for done in (0, 50, 100):
            await context.session.report_progress(done, 100)
            await asyncio.sleep(0)
    error = params.name == "test_error_handling"
    return {"content": _TOOLS[params.name], "isError": error, "resultType": "complete"}


async def _list_tools(_context: Any, _params: Any) -> Any:
    schemas = {"json_schema_2020_12_tool": _JSON_SCHEMA_2020_12}
    plain: dict[str, Any] = {"type": "object", "properties": {}}
    return {
        "tools": [
            Tool(name=name, description=name, input_schema=schemas.get(name, plain)).model_dump(
                by_alias=True, exclude_none=True
            )
            for name in _TOOLS
        ],
        **_CACHED,
    }


async def _list_prompts(_context: Any, _params: Any) -> Any:
    prompts = [
        {"name": name, "description": name, "arguments": [{"name": word, "required": True} for word in words]}
        for name, words in _PROMPTS.items()
    ]
    return {"prompts": prompts, **_CACHED}


async def _get_prompt(_context: Any, params: Any) -> Any:
    given = params.arguments or {}
    contents: dict[str, list[dict[str, Any]]] = {
        "test_simple_prompt": [_text("This is a simple prompt for testing.")],
        "test_prompt_with_arguments": [
            _text(f"Prompt with arguments: arg1='{given.get('arg1')}', arg2='{given.get('arg2')}'")
        ],
        "test_prompt_with_embedded_resource": [
            _resource(given.get("resourceUri", "test://example-resource"), "Embedded resource content for testing."),
            _text("Please process the embedded resource above."),
        ],
        "test_prompt_with_image": [_IMAGE, _text("Please analyze the image above.")],
    }
    if params.name not in contents:
        raise MCPError(INVALID_PARAMS, f"Unknown prompt: {params.name}")
    messages = [{"role": "user", "content": content} for content in contents[params.name]]
    return {"messages": messages, "resultType": "complete"}


async def _list_resources(_context: Any, _params: Any) -> Any:
    return {
        "resources": [
            {"uri": "test://static-text", "name": "text", "mimeType": "text/plain"},
            {"uri": "test://static-binary", "name": "image", "mimeType": "image/png"},
        ],
        **_CACHED,
    }


async def _list_templates(_context: Any, _params: Any) -> Any:
    template = {"uriTemplate": "test://template/{id}/data", "name": "template", "mimeType": "application/json"}
    return {"resourceTemplates": [template], **_CACHED}


async def _read_resource(_context: Any, params: Any) -> Any:
    uri = str(params.uri)
    if uri == "test://static-text":
        found = {"uri": uri, "mimeType": "text/plain", "text": "This is the content of the static text resource."}
    elif uri == "test://static-binary":
        found = {"uri": uri, "mimeType": "image/png", "blob": _PIXEL}
    elif uri.startswith("test://template/"):
        number = uri.split("/")[3]
        text = f'{{"id":"{number}","templateTest":true,"data":"Data for ID: {number}"}}'
        found = {"uri": uri, "mimeType": "application/json", "text": text}
    else:
        raise MCPError(INVALID_PARAMS, f"Unknown resource: {uri}", {"uri": uri})
    return {"contents": [found], **_CACHED}


async def _complete(_context: Any, _params: Any) -> Any:
    return {"completion": {"values": ["paris", "park"], "total": 2, "hasMore": False}, "resultType": "complete"}


async def _ready() -> str | None:
    return None


def main() -> None:
    """Serves it on a free port."""
    server: Server[Any] = Server(
        "everything",
        version="1",
        on_list_tools=_list_tools,
        on_call_tool=_call_tool,
        on_list_prompts=_list_prompts,
        on_get_prompt=_get_prompt,
        on_list_resources=_list_resources,
        on_list_resource_templates=_list_templates,
        on_read_resource=_read_resource,
        on_completion=_complete,
    )
    app = build_app(server, ready=_ready, options=HttpOptions(limits_of(HttpSettings())))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        uvicorn.Server(uvicorn.Config(app, http=TimedProtocol, log_level="warning")).run([listener])


if __name__ == "__main__":
    main()
