
"use strict";
// Everything that pages share: the wire to the host, text of others as text, and the states of a page.
const DATA = "mcp-errortracking/ui", DIRECTORY = "error-tracking-directory-list";
const obj = v => v !== null && typeof v === "object" && !Array.isArray(v) ? v : {};
const list = v => Array.isArray(v) ? v : [];
const isNumber = v => typeof v === "number" && Number.isFinite(v);

// Text that others wrote: control and bidirectional marks, and what is invisible, are shown as escapes (but for the mark
// that makes a character an emoji), and what is too long is cut.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u2800\ufff0-\ufffb]|(?!\ufe0f)\p{Default_Ignorable_Code_Point}/gu;
function plain(value, most = 2000) {
  const text = typeof value === "string" ? value : value === null || value === undefined ? "" : json(value);
  const cut = text.length > most ? text.slice(0, most).replace(/[\ud800-\udbff]$/, "") + "…" : text;
  return cut.replace(HIDDEN, c => {
    const code = c.codePointAt(0).toString(16);
    return code.length > 4 ? `\\u{${code}}` : "\\u" + code.padStart(4, "0");
  });
}
const words = (...values) => values.map(value => plain(value)).filter(Boolean).join(" ");
function json(value) {
  try { return JSON.stringify(value); } catch { return "(too deeply nested)"; }
}

// An element. Children are elements or text, never markup.
function h(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (value === undefined || value === null || value === false) continue;
    // Hosts may forbid forms to submit, and then a form has no event for it: Enter in a field is read here.
    if (name === "onenter") node.addEventListener("keydown", event => {
      if (event.key === "Enter" && event.target.tagName === "INPUT") { event.preventDefault(); value(); }
    });
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node && name !== "list" && typeof value !== "string") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat()) if (child !== null && child !== undefined && child !== false)
    node.append(child.nodeType ? child : document.createTextNode(String(child)));
  return node;
}
const theirs = (value, most) => h("bdi", {}, plain(value, most));
const $ = id => document.getElementById(id);
const NUMBERS = new Intl.NumberFormat(), TIMES = new Intl.DateTimeFormat(undefined, {dateStyle: "medium", timeStyle: "short"});
const number = v => isNumber(v) ? NUMBERS.format(v) : "–";
function time(value) {
  const at = typeof value === "string" ? new Date(value) : new Date(NaN);
  if (Number.isNaN(at.getTime())) return h("span", {class: "dim"}, "–");
  const utc = at.toISOString();
  return h("time", {datetime: utc, title: utc.slice(0, 19).replace("T", " ") + " UTC"}, TIMES.format(at));
}
const inSvg = (tag, attributes) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
};
function trend(values, className = "") {
  const counts = list(values).map(v => isNumber(v) ? v : obj(v).value).map(v => typeof v === "string" ? Number(v) : v).filter(isNumber).slice(0, 200);
  if (!counts.length) return null;
  const highest = Math.max(...counts), most = Math.max(1, highest), width = 120 / counts.length, bar = (width * .85).toFixed(2);
  const label = `Trend over ${counts.length} parts: at most ${number(highest)}, last ${number(counts.at(-1))}`;
  const svg = inSvg("svg", {viewBox: "0 0 120 26", preserveAspectRatio: "none", role: "img", "aria-label": label,
    class: "trend " + className});
  // One path for all bars: an element for each would cost more than the rest of a row.
  svg.append(inSvg("path", {fill: "currentColor", d: counts.map((count, i) => {
    const height = count > 0 ? Math.max(1, count / most * 26) : .5;
    return `M${(i * width).toFixed(2)} 26v-${height.toFixed(2)}h${bar}V26z`;
  }).join("")}));
  return svg;
}
// A list of which a part is rendered, and the rest on demand.
function paged(items, render, {size = 50, tag = "ul", label, noun = "rows"}) {
  const body = h(tag, {class: "rows", "aria-label": tag === "div" ? null : label}), box = h("div", {}, body);
  let shown = 0;
  const more = h("button", {type: "button", onclick: () => next(true)});
  function next(byHand) {
    const first = shown;
    body.append(...items.slice(shown, shown + size).map(item => {
      try { return render(item); } catch (error) {
        return h(tag === "div" ? "div" : "li", {class: "row bad"}, `This entry cannot be shown: ${plain(error.message, 200)}`);
      }
    }));
    shown = Math.min(items.length, shown + size);
    more.textContent = `Show ${Math.min(size, items.length - shown)} more of ${number(items.length)} ${noun}`;
    more.hidden = shown >= items.length;
    if (byHand) { const row = body.children[first]; row.tabIndex = -1; row.focus(); }
  }
  next(false);
  if (items.length > size) box.append(more);
  return box;
}
const option = (value, label, chosen) => h("option", {value, selected: value === chosen}, label);
const field = (label, control, grow) => h("label", {class: grow ? "grow" : ""}, label, control);
const select = (name, chosen, options) =>
  h("select", {name}, Object.entries(options).map(([value, label]) => option(value, label, chosen)));
const button = (label, onclick, props) => h("button", {type: "button", onclick, ...props}, label);

// Fields for an assignee. The directory, if it is on offer, is read once somebody begins to choose.
const directory = new Map();
let choosers = 0;
function chooser(chosen) {
  const known = h("datalist", {id: `known-${++choosers}`}), {type, id} = obj(chosen);
  const kind = select("kind", type === "role" ? "role" : "user", {user: "User", role: "Role"});
  const who = h("input", {name: "who", list: known.id, autocomplete: "off", value: plain(id, 200)});
  async function suggest() {
    const of = kind.value === "role" ? "roles" : "people";
    if (!host.tools || !offers(DIRECTORY)) return;  // it is not in the default set
    if (!directory.has(of)) directory.set(of, read(DIRECTORY, {kind: of}).then(data => list(data.results).map(obj), () => []));
    known.replaceChildren(...(await directory.get(of)).slice(0, 500).map(one =>
      h("option", {value: plain(kind.value === "user" && one.detail || one.name || one.id, 200)}, plain(one.name, 100))));
  }
  who.addEventListener("focus", suggest);
  kind.addEventListener("change", suggest);
  return {fields: [field("Kind of assignee", kind), field("E-mail, name or id", h("span", {}, who, known), true)],
    value: () => who.value.trim() ? {type: kind.value, id: who.value.trim()} : null};
}

// The wire: JSON-RPC by messages to the window around this one.
const wire = (() => {
  const waiting = new Map(), on = {};
  let last = 0, closed = false;
  const post = message => { if (!closed) parent.postMessage({jsonrpc: "2.0", ...message}, "*"); };
  const notify = (method, params = {}) => post({method, params});
  const request = (method, params = {}, seconds = 120) => new Promise((resolve, reject) => {
    const id = ++last;
    const timer = setTimeout(() => { waiting.delete(id); reject(new Error("The client did not answer. Try again.")); },
      seconds * 1000);
    waiting.set(id, {resolve, reject, timer});
    post({id, method, params});
  });
  addEventListener("message", event => {
    const m = obj(event.data);
    if (event.source !== parent || m.jsonrpc !== "2.0" || closed) return;
    if (typeof m.method !== "string") {
      const one = waiting.get(m.id);
      if (!one) return;
      waiting.delete(m.id);
      clearTimeout(one.timer);
      if (m.error) one.reject(new Error(plain(obj(m.error).message) || "The client refused.")); else one.resolve(m.result);
      return;
    }
    const handler = Object.hasOwn(on, m.method) ? on[m.method] : m.method === "ping" ? () => ({}) : null;
    const result = handler ? handler(obj(m.params)) : null;
    if (m.id === undefined) return;
    post({id: m.id, ...(handler ? {result: result || {}} : {error: {code: -32601, message: "Method not found"}})});
    if (m.method === "ui/resource-teardown") {
      closed = true;
      for (const {timer} of waiting.values()) clearTimeout(timer);
      waiting.clear();
    }
  });
  return {request, notify, on};
})();

const host = {can: {}, context: {}, tools: null};
const offers = tool => Boolean(host.can.serverTools) && (!host.tools || host.tools.includes(tool));
const textOf = result => list(obj(result).content).filter(c => obj(c).type === "text").map(c => plain(c.text, 20000)).join("\n");
const notesOf = text => text.split("\n").filter(line => line.startsWith("Note: ")).map(line => line.slice(6));
const own = result => obj(obj(obj(result)._meta)[DATA]);
const dataOf = result => own(result).data ?? obj(result).structuredContent;

// Call a tool through the host.
async function call(tool, args) {
  if (!host.can.serverTools) throw new Error("This client does not let a page call tools. Ask the assistant.");
  const result = obj(await wire.request("tools/call", {name: tool, arguments: args, _meta: {[DATA]: true}}));
  if (Array.isArray(own(result).tools)) host.tools = own(result).tools;
  return {failed: result.isError === true, data: dataOf(result), text: textOf(result) || "No text was returned."};
}
// Read with a tool: its data, or an error with the text of the failure.
async function read(tool, args) {
  const answer = await call(tool, args);
  if (answer.failed) throw new Error(answer.text);
  return obj(answer.data);
}

const say = (text, className = "") => { $("said").className = className; $("said").textContent = text; };
// What has the focus loses it when it is replaced, or disabled: then the control with its name gets it, or the whole content.
const keyOf = control => `${control.tagName} ${control.name || ""} ${control.getAttribute("aria-label") || control.textContent}`;
function refocus(key) {
  if (document.activeElement !== document.body) return;
  const again = [...$("out").querySelectorAll("button, input, select, summary")].find(one => !one.disabled && !one.hidden && keyOf(one) === key);
  (again || Object.assign($("out"), {tabIndex: -1})).focus({preventScroll: true});
}
function rendering(render) {
  const had = document.activeElement, key = $("out").contains(had) && keyOf(had);
  render();
  if (key) refocus(key);
}
// Disable a button while it works. Returns the function that enables it.
function busy(opener) {
  if (!opener) return () => {};
  const had = document.activeElement === opener, key = keyOf(opener);
  opener.disabled = true;
  return () => {
    opener.disabled = false;
    if (had && opener.isConnected) { if (document.activeElement === document.body) opener.focus(); }
    else if (had) refocus(key);
  };
}
// A question in a dialog: true if its button was pressed.
function ask(opener, title, body, label, className = "main") {
  return new Promise(resolve => {
    const close = answer => {
      box.close();
      box.remove();
      document.body.style.removeProperty("min-height");
      if (opener) opener.focus();
      resolve(answer);
    };
    const box = h("dialog", {"aria-label": title, oncancel: event => { event.preventDefault(); close(false); }},
      h("form", {onenter: () => close(true)}, h("h2", {}, title), body,
        h("div", {class: "bar"}, button("Cancel", () => close(false)), button(label, () => close(true), {class: className}))));
    document.body.append(box);
    box.showModal();
    // The window may be as high as the page: the dialog stands where the reader is, and the page grows to hold it.
    const height = box.offsetHeight + 16, at = scrollY + (opener ? opener.getBoundingClientRect().top : 0) - 40;
    document.body.style.setProperty("min-height", `${height + 8}px`);
    box.style.setProperty("top", `${Math.max(8, Math.min(at, document.documentElement.scrollHeight - height))}px`);
  });
}
// Change something with a tool, behind its button. Returns the answer, or null if nothing was done.
async function change(opener, tool, args, done) {
  const free = busy(opener);
  say("Working…");
  try {
    let answer = await call(tool, args);
    const error = obj(obj(answer.data).error);
    if (answer.failed && error.code === "confirmation_required" && typeof error.confirm === "string") {
      if (!await ask(opener, "Please confirm", h("pre", {}, plain(error.question, 8000)), "Confirm")) {
        say("Nothing was changed.");
        return null;
      }
      answer = await call(tool, {...args, confirm: error.confirm});
    }
    if (answer.failed) { say(answer.text, "bad"); return null; }
    say([done, ...notesOf(answer.text)].join("\n"), "good");
    // Ids and what the user chose: a name in PostHog is text of others, and no fence would stand around it here.
    if (host.can.updateModelContext) wire.request("ui/update-model-context", {content: [{type: "text",
      text: `The user did this in a page: ${tool} with ${plain(args, 1000)}`}]}).catch(() => {});
    return answer;
  } catch (error) {
    say(error.message, "bad");
    return null;
  } finally {
    free();
  }
}
function openLink(url) {
  if (typeof url !== "string" || !/^https?:\/\//.test(url)) return null;
  return button("Open in PostHog", async () => {
    try { await wire.request("ui/open-link", {url}); } catch { say(`This client opens no links. The address is ${plain(url)}`); }
  }, {title: plain(url, 300)});
}

// The states of a page. `page`: {name, tool, arguments, show(data, args), empty(data)}.
function start(page) {
  let args = {}, shown = false;
  const state = (text, retry) => {
    $("state").replaceChildren(...(text ? [h("p", {}, text)] : []), ...(retry ? [button("Load again", load)] : []));
  };
  const fail = text => { $("out").replaceChildren(); state(null); $("state").append(h("p", {class: "bad", role: "alert"}, text),
    button("Load again", load)); };
  async function load() {
    const first = !shown;
    if (first) state("Loading…");
    try {
      show(await read(page.toolFor ? page.toolFor(args) : page.tool, {...page.arguments, ...args}));
    } catch (error) { if (first) fail(error.message); else say(error.message, "bad"); }
  }
  function show(data) {
    state(null);
    shown = true;
    try { rendering(() => page.show(obj(data), args)); } catch (error) { fail(`This result cannot be shown: ${plain(error.message)}`); }
  }
  const theme = context => {
    Object.assign(host.context, context);
    if (context.theme === "dark" || context.theme === "light") document.documentElement.dataset.theme = context.theme;
    for (const [name, value] of Object.entries(obj(obj(context.styles).variables)))
      if (/^--[\w-]+$/.test(name) && typeof value === "string") document.documentElement.style.setProperty(name, value);
  };
  wire.on["ui/notifications/tool-input"] = params => { args = obj(params.arguments); if (!shown) state("Loading…"); };
  wire.on["ui/notifications/tool-result"] = result => {
    if (Array.isArray(own(result).tools)) host.tools = own(result).tools;
    const data = dataOf(result);
    if (result.isError) fail(textOf(result) || "The tool failed.");
    else if (data) show(data);
    else if (host.can.serverTools) load();
    else { state(null); $("out").replaceChildren(h("pre", {}, textOf(result) || "Nothing to show.")); }
  };
  wire.on["ui/notifications/tool-cancelled"] = params =>
    state(`Cancelled${params.reason ? ": " + plain(params.reason, 300) : "."}`, host.can.serverTools);
  wire.on["ui/notifications/host-context-changed"] = theme;
  wire.on["ui/resource-teardown"] = () => ({});
  if (matchMedia("(prefers-color-scheme: dark)").matches) theme({theme: "dark"});
  let timer;
  new ResizeObserver(() => { clearTimeout(timer); timer = setTimeout(() => wire.notify("ui/notifications/size-changed",
    {width: Math.ceil(document.documentElement.scrollWidth), height: Math.ceil(document.documentElement.getBoundingClientRect().height)}), 50); })
    .observe(document.body);
  state("Waiting for the result…");
  wire.request("ui/initialize", {protocolVersion: "2026-01-26", appInfo: {name: page.name, version: "1"},
    appCapabilities: {availableDisplayModes: ["inline", "fullscreen"]}}, 20).then(result => {
    host.can = obj(obj(result).hostCapabilities);
    theme(obj(obj(result).hostContext));
    wire.notify("ui/notifications/initialized");
  }).catch(error => fail(`No MCP client around this page: ${error.message}`));
  return {reload: load, setArguments: value => { args = value; }};
}
