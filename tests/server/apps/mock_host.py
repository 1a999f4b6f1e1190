"""A small MCP Apps host: a page in a browser that shows one of ours, with answers that a test gives."""

import json
from pathlib import Path
from typing import Any

from mcp_errortracking.server.apps.documents import document
from mcp_errortracking.server.apps.pages import DATA
from tests.browser import Frame, Page, browser
from tests.required import required_file

_AXE = Path(__file__).parents[3] / ".venv/node/node_modules/axe-core/axe.min.js"
_VIOLATIONS = "axe.run(document).then(r => r.violations.map(v => [v.impact, v.id, v.nodes[0].html]))"
_HOST = """
(() => {
  const setup = %s;
  document.documentElement.lang = "en";
  document.title = "host";
  window.seen = []; window.answers = setup.answers; window.ran = [];
  const frame = document.createElement("iframe");
  frame.title = "app"; frame.sandbox = "allow-scripts"; frame.srcdoc = setup.html;
  frame.style.cssText = "border:0;width:100%%;height:760px";
  window.frame = frame;
  window.post = message => frame.contentWindow.postMessage({jsonrpc: "2.0", ...message}, "*");
  addEventListener("message", event => {
    if (event.source !== frame.contentWindow) return;
    const m = event.data;
    window.seen.push(m);
    if (m.method === undefined || m.id === undefined) return;
    let result = {};
    if (m.method === "ui/initialize") result = {protocolVersion: "2026-01-26", hostInfo: {name: "mock", version: "1"},
      hostCapabilities: setup.can, hostContext: setup.context};
    if (m.method === "tools/call") {
      const given = window.answers[m.params.name];
      if (given === undefined || given === "never") return;
      result = Array.isArray(given) ? given.length > 1 ? given.shift() : given[0] : given;
    }
    if (m.method.startsWith("ui/") && m.method !== "ui/initialize" && !setup.can[m.method])
      return window.post({id: m.id, error: {code: -32601, message: "Method not found"}});
    window.post({id: m.id, result});
  });
  document.body.replaceChildren(frame);
  document.body.style.margin = "0";
})()
"""


def result(tool: str, data: Any, *, tools: list[str] | None = None, text: str = "text", error: bool = False) -> Any:
    """Return the result of a tool as the server gives it to a page."""
    page = {"tool": tool, "data": data, **({} if tools is None else {"tools": tools})}
    return {"content": [{"type": "text", "text": text}], "isError": error, "_meta": {DATA: page}}


def serious_problems(page: Page, frame: str | None = None) -> list[Any]:
    """Return what keeps people with a screen reader, or with weak sight, from using a page: as axe-core finds it."""
    page.run(f"{required_file(_AXE, 'axe-core').read_text('utf-8')}; 0", frame)
    return [one for one in page.run(_VIOLATIONS, frame) if one[0] in ("serious", "critical")]


class MockHost(Frame):
    """One of our pages in a host. `title` is that of its document."""

    def __init__(
        self,
        name: str,
        title: str,
        *,
        answers: dict[str, Any] | None = None,
        can: dict[str, Any] | None = None,
        context: dict[str, Any] | None = None,
        width: int = 1000,
        timezone: str = "UTC",
    ) -> None:
        super().__init__(browser().page(), title)
        self.page.size(width)
        self.page.send("Emulation.setTimezoneOverride", timezoneId=timezone)
        can = {"serverTools": {}, "openLinks": {}} if can is None else can
        setup = {"html": document(name), "answers": answers or {}, "can": can, "context": context or {}}
        self.page.run(_HOST % json.dumps(setup))
        self.page.wait("window.seen.some(m => m.method === 'ui/notifications/initialized')")

    def show(self, result: Any, arguments: dict[str, Any] | None = None) -> None:
        """Send the input and the result of the tool."""
        self.notify("ui/notifications/tool-input", {"arguments": arguments or {}})
        self.notify("ui/notifications/tool-result", result)

    def notify(self, method: str, params: Any) -> None:
        """Send a notification of the host."""
        self.page.run(f"window.post({json.dumps({'method': method, 'params': params})})")

    def calls(self, tool: str | None = None) -> list[dict[str, Any]]:
        """Return the arguments of the tool calls that the page made."""
        seen = self.page.run("window.seen.filter(m => m.method === 'tools/call').map(m => m.params)")
        return [one["arguments"] for one in seen if tool in (None, one["name"])]

    def close(self) -> None:
        """Close the tab."""
        self.page.close()
