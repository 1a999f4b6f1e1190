
"use strict";
// The host of the pages at /: each page is a document in a sandbox, and reaches this server through messages alone.
(() => {
  const DATA = "mcp-errortracking/ui";
  const FIRST = {
    issues: ["query-error-tracking-issues-list", {limit: 25, volumeResolution: 24}],
    issue: ["query-error-tracking-issue", {includeSparkline: true, includeBreakdown: true}],
    changes: ["error-tracking-changes-list", {limit: 50}],
    rules: ["error-tracking-assignment-rules-list", {}],
    "symbol-sets": ["error-tracking-symbol-sets-list", {limit: 100}],
  };
  const $ = id => document.getElementById(id);
  const needs = document.body.dataset, documents = new Map();
  const AGAIN = "Close this page, and start mcp-errortracking ui again: the address that it opens has access.";
  const WAIT_SECONDS = 5, ANSWER_SECONDS = 300;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let token = sessionStorage.getItem("token") || "", key = "", offered = null, frame = null, opened = null, last = 0;

  class Refused extends Error {}
  async function rpc(method, params) {
    const headers = {"Content-Type": "application/json", Accept: "application/json, text/event-stream",
      "MCP-Protocol-Version": "2025-11-25"};
    if (token) headers.Authorization = `Bearer ${token}`;
    if (key) headers[needs.key] = key;
    let response;
    try {
      response = await fetch("mcp", {method: "POST", headers, credentials: "omit", redirect: "error",
        signal: AbortSignal.timeout(ANSWER_SECONDS * 1000), body: JSON.stringify({jsonrpc: "2.0", id: ++last, method, params})});
    } catch { throw new Error("This server does not answer. Check that it runs, then try again."); }
    let answer = null;
    try { answer = await response.json(); } catch { /* not JSON: the status says enough */ }
    if (response.status === 401) {
      sessionStorage.removeItem("token");
      token = "";
      askForToken(needs.token === "once" ? `This page belongs to a server that has ended. ${AGAIN}`
        : "The server does not accept this token, or it has expired. Enter a valid one.");
      throw new Refused("The server does not accept the token of this page.");
    }
    if (!answer || !response.ok && !answer.error) throw new Error(`The server answered ${response.status}.`);
    if (answer.error) throw new Error(answer.error.message || answer.detail || `The server answered ${response.status}.`);
    return answer.result;
  }
  const isMissing = () => needs.token && !token || needs.key && !key;
  function askForToken(text) {
    close();
    $("access").hidden = false;
    $("problem").textContent = text || (needs.token === "once" ? `This page has no access to the server. ${AGAIN}` : "");
    const field = $("access").querySelector("input");
    if (field) field.focus();
  }
  function fail(text) { $("message").textContent = text; $("message").hidden = !text; }

  function close() {
    opened = null;  // nor does a page come that is still being read
    if (!frame) return;
    frame.contentWindow.postMessage({jsonrpc: "2.0", id: ++last, method: "ui/resource-teardown", params: {}}, "*");
    frame.remove();
    frame = null;
  }
  async function open(name, given) {
    const [tool, standard] = FIRST[name];
    close();
    fail("");
    if (isMissing()) { askForToken(); return; }
    $("access").hidden = true;
    const mine = opened = {tool, arguments: {...standard, ...given}};
    try {
      await listTools();
      if (!documents.has(name)) {
        const read = await rpc("resources/read", {uri: `ui://mcp-errortracking/${name}.html`});
        // A page needs no network. It inherits the limits of this document too: scripts and styles by their hashes.
        const limit = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; ` +
          `style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'">`;
        documents.set(name, read.contents[0].text.replace("<head>", `<head>${limit}`));
      }
    } catch (error) { if (opened === mine && !(error instanceof Refused)) fail(error.message); return; }
    if (opened !== mine) return;
    frame = document.createElement("iframe");
    frame.title = $(`tab-${name}`) ? $(`tab-${name}`).textContent : "Issue";
    frame.setAttribute("sandbox", "allow-scripts");
    frame.srcdoc = documents.get(name);
    const made = frame;
    // The scripts of a page run by their hashes: those of a newer server not here.
    frame.addEventListener("load", () => setTimeout(() => {
      if (frame !== made || opened.began) return;
      close();
      fail("This page is older than its server. Reload it.");
    }, WAIT_SECONDS * 1000));
    $("app").append(frame);
  }
  async function listTools() {
    if (offered) return;
    const names = new Set();
    let cursor;
    do {
      const page = await rpc("tools/list", cursor ? {cursor} : {});
      page.tools.forEach(tool => names.add(tool.name));
      cursor = page.nextCursor;
    } while (cursor);
    offered = names;
    for (const [name, [tool]] of Object.entries(FIRST)) if ($(`tab-${name}`)) $(`tab-${name}`).hidden = !offered.has(tool);
  }
  const context = () => ({theme: dark.matches ? "dark" : "light", displayMode: "inline", pages: true,
    toolInfo: {tool: {name: opened.tool, inputSchema: {type: "object"}}}});
  const callTool = (name, args) => rpc("tools/call", {name, arguments: args || {}, _meta: {[DATA]: true}});
  const asks = {
    "ui/initialize": () => (opened.began = true) && ({protocolVersion: "2026-01-26", hostInfo: {name: "mcp_errortracking", version: needs.version},
      hostCapabilities: {serverTools: {}, openLinks: {}}, hostContext: context()}),
    "tools/call": params => callTool(params.name, params.arguments),
    "ui/open-link": params => {
      if (!/^https?:\/\//.test(params.url)) throw new Error("Only web addresses can be opened.");
      window.open(params.url, "_blank", "noopener,noreferrer");
      return {};
    },
    [`${DATA}/open`]: params => { location.hash = `${params.page}/${params.arguments.issueId}`; return {}; },
    ping: () => ({}),
  };
  async function first(of, post) {
    post({method: "ui/notifications/tool-input", params: {arguments: of.arguments}});
    let result;
    try { result = await callTool(of.tool, of.arguments); }
    catch (error) { result = {content: [{type: "text", text: error.message}], isError: true}; }
    post({method: "ui/notifications/tool-result", params: result});
  }
  addEventListener("message", async event => {
    const m = event.data, shown = frame;
    if (!shown || event.source !== shown.contentWindow || !m || m.jsonrpc !== "2.0" || typeof m.method !== "string") return;
    const post = message => { if (shown === frame) shown.contentWindow.postMessage({jsonrpc: "2.0", ...message}, "*"); };
    if (m.method === "ui/notifications/initialized") await first(opened, post);
    if (m.method === "ui/notifications/size-changed") {
      const height = Number(m.params && m.params.height);
      if (height > 0) shown.style.setProperty("height", `${Math.min(height, 100000)}px`);
    }
    if (m.id === undefined) return;
    const ask = Object.hasOwn(asks, m.method) ? asks[m.method] : null;
    try {
      if (!ask) throw new Error("Method not found");
      post({id: m.id, result: await ask(m.params || {})});
    } catch (error) { post({id: m.id, error: {code: ask ? -32603 : -32601, message: error.message}}); }
  });
  dark.addEventListener("change", () => { if (frame) frame.contentWindow.postMessage(
    {jsonrpc: "2.0", method: "ui/notifications/host-context-changed", params: context()}, "*"); });

  const tabs = [...document.querySelectorAll("[role=tab]")];
  function show() {
    const [name, id] = location.hash.slice(1).split("/"), page = Object.hasOwn(FIRST, name) ? name : "";
    const tab = page === "issue" ? "issues" : page || "status";
    tabs.forEach(one => {
      const chosen = one.id === `tab-${tab}`;
      one.setAttribute("aria-selected", String(chosen));
      one.tabIndex = chosen ? 0 : -1;
    });
    $("status").hidden = Boolean(page);
    $("app").hidden = !page;
    $("app").setAttribute("aria-labelledby", `tab-${tab}`);
    if (page) open(page, page === "issue" ? {issueId: id} : {});
    else { close(); fail(""); }
  }
  tabs.forEach((tab, at) => {
    tab.addEventListener("click", () => {
      const to = tab.dataset.page;
      if (location.hash.slice(1) === to) show(); else location.hash = to;
    });
    tab.addEventListener("keydown", event => {
      const step = {ArrowRight: 1, ArrowLeft: -1}[event.key], seen = tabs.filter(one => !one.hidden);
      if (!step) return;
      event.preventDefault();
      seen[(seen.indexOf(tab) + step + seen.length) % seen.length].focus();
    });
  });
  $("access").addEventListener("submit", event => {
    event.preventDefault();
    const given = new FormData($("access"));
    token = String(given.get("token") || "").trim();
    key = String(given.get("key") || "").trim();
    if (token) sessionStorage.setItem("token", token);
    offered = null;
    $("access").reset();
    show();
  });
  addEventListener("hashchange", show);
  $("tabs").hidden = false;
  // `mcp-errortracking ui` opens this page with a code behind the #, which works once and reaches no log.
  const brought = /^#code=([\w-]+)$/.exec(location.hash);
  if (!brought) { show(); return; }
  history.replaceState(null, "", "#issues");
  fetch("token", {method: "POST", credentials: "omit", headers: {Authorization: `Bearer ${brought[1]}`}})
    .then(async response => {
      const answer = await response.json();
      if (response.ok) sessionStorage.setItem("token", token = answer.token);
      show();
      if (!response.ok && !token) askForToken(answer.detail);  // this tab may have the token: it was opened so before
    }).catch(() => fail("This server does not answer. Check that it runs, then try again."));
})();
