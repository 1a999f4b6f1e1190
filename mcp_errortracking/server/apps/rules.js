"use strict";
const KINDS = ["assignment", "grouping", "suppression", "bypass", "severity"];
const listOf = kind => `error-tracking-${kind}-rules-list`, reorderOf = kind => `error-tracking-${kind}-rules-reorder`;
const SIMULATE = "error-tracking-rules-simulate", CHECK = "error-tracking-rules-check";
const held = {};  // of each kind: {rules, saved: ids in PostHog's order, error}

// Filters as a sentence.
function filters(node, depth = 0) {
  const one = obj(node);
  if (Array.isArray(one.values)) {
    const parts = one.values.slice(0, 30).map(value => depth < 6 ? filters(value, depth + 1) : "…").filter(Boolean);
    const text = parts.join(one.type === "OR" ? " or " : " and ");
    return depth > 1 && parts.length > 1 ? `(${text})` : text;
  }
  if (one.key === undefined) return "";
  return `${plain(one.key, 80)} ${plain(one.operator || "exact", 30)} ${one.value === undefined ? "" : plain(JSON.stringify(one.value), 200)}`.trim();
}
function outcome(rule) {
  const owner = obj(rule.assignee);
  return [owner.id !== undefined && words("assigns", owner.type, owner.id), rule.severity && words("severity", rule.severity),
    isNumber(rule.sampling_rate) && rule.sampling_rate < 1 && `${rule.sampling_rate * 100} % of them`, rule.description].filter(Boolean).map(one => plain(one, 200)).join(" · ");
}
const nameOf = rule => filters(rule.filters) || "every exception";
const ids = kind => held[kind].rules.map(rule => rule.id);
const isMoved = kind => ids(kind).join() !== held[kind].saved.join();

function move(kind, from, to, focus) {
  const {rules} = held[kind];
  if (to < 0 || to >= rules.length || from === to) return;
  rules.splice(to, 0, ...rules.splice(from, 1));
  section(kind);
  say(`Moved to place ${to + 1} of ${rules.length}. Save the order to apply it.`);
  const item = $(`k-${kind}`).querySelectorAll("li")[to];  // none if the rule went to a part that is not rendered
  const target = item && (item.querySelector(`[data-move="${focus}"]:not(:disabled)`) || item.querySelector("[data-move]:not(:disabled)"));
  if (target) target.focus();
}
async function save(event, kind) {
  const opener = event.currentTarget, {rules, saved} = held[kind], known = new Map(rules.map(rule => [rule.id, rule]));
  const listed = (title, order) => h("section", {}, h("h3", {}, title), h("ol", {}, order.map(id => h("li", {}, theirs(nameOf(known.get(id)), 200)))));
  if (!await ask(opener, `New order of the ${kind} rules`, h("div", {}, listed("Before", saved), listed("After", ids(kind))), "Save this order")) return;
  const before = saved.map((id, at) => ({id, order_key: known.get(id).order_key ?? at}));
  // The positions stay, so that no other rule moves; where some are equal they are numbered anew.
  let keys = before.map(one => one.order_key);
  if (new Set(keys).size < keys.length) keys = keys.map((_, at) => at);
  const orders = ids(kind).map((id, at) => ({id, order_key: keys[at]}));
  if (await change(opener, reorderOf(kind), {orders}, `The order of the ${kind} rules was saved.`)) {
    orders.forEach(({id, order_key}) => { known.get(id).order_key = order_key; });
    held[kind].saved = ids(kind);
    held[kind].undo = before;
    section(kind);
    $(`k-${kind}`).querySelector(".undo").focus();
  }
}
async function undo(event, kind) {
  const {undo: orders, rules} = held[kind];
  if (await change(event.currentTarget, reorderOf(kind), {orders}, `The order of the ${kind} rules is as it was.`)) {
    const place = new Map(orders.map((one, at) => [one.id, {at, key: one.order_key}]));
    rules.sort((a, b) => place.get(a.id).at - place.get(b.id).at);
    rules.forEach(rule => { rule.order_key = place.get(rule.id).key; });
    held[kind].saved = ids(kind);
    held[kind].undo = null;
    rendering(() => section(kind));
  }
}
const counted = new Map();  // the answer of the simulator, by rule: {text, failed}
async function count(kind, rule) {
  const slot = () => $(`n-${rule.id}`) || {};
  counted.delete(rule.id);
  Object.assign(slot(), {textContent: "Counting…", className: ""});
  try {
    const answer = await call(SIMULATE, {kind, id: rule.id}), data = obj(answer.data);
    counted.set(rule.id, {failed: answer.failed, text: !answer.failed && data.exceptions
      ? `Matches ${plain(data.exceptions, 120)} exceptions of ${plain(data.issues, 60)} issues in the last 7 days.`
      : !answer.failed && notesOf(answer.text).join(" ") || answer.text});
  } catch (error) { counted.set(rule.id, {failed: true, text: error.message}); }
  Object.assign(slot(), numberOf(rule));
}
const numberOf = rule => {
  const {text = "", failed = false} = counted.get(rule.id) || {};
  return {textContent: text, className: failed ? "bad" : ""};
};
async function simulate(event, kind, rules) {
  const free = busy(event.currentTarget);
  for (const [at, rule] of rules.entries()) {
    if (rules.length > 1) say(`Counting rule ${at + 1} of ${rules.length}…`);
    await count(kind, rule);
  }
  if (rules.length > 1) say(`Counted ${rules.length} ${kind} rules.`, "good");
  free();
}
let dragged = null;
function row(kind, rule, at, count) {
  // Of the reason only the message: the rest is an event, with the data of a person.
  const slot = Object.assign(h("div", {role: "status", id: `n-${rule.id}`}), numberOf(rule)), disabled = rule.disabled_data, why = obj(disabled).message || "PostHog gives no reason.";
  const can = offers(reorderOf(kind)) && count > 1, name = `rule ${at + 1}, ${plain(nameOf(rule), 80)}`;
  const mover = (text, to, title) => button(text, () => move(kind, at, to, text === "↑" ? "up" : "down"),
    {"aria-label": `${title} ${name}`, disabled: to < 0 || to >= count, "data-move": text === "↑" ? "up" : "down"});
  const item = h("li", {class: "row", draggable: can ? "true" : "false"},
    h("div", {class: "what"}, h("div", {}, h("span", {class: "name"}, `${at + 1}. `), h("code", {}, theirs(nameOf(rule), 600)), " ",
      disabled && h("span", {class: "tag bad"}, "disabled")),
      h("div", {class: "dim"}, theirs(outcome(rule), 300)), disabled && h("div", {class: "bad"}, "Disabled by PostHog: ", theirs(why, 500)), slot),
    h("div", {class: "bar"}, can && mover("↑", at - 1, "Move up"), can && mover("↓", at + 1, "Move down"),
      offers(SIMULATE) && button("Simulate", event => simulate(event, kind, [rule]), {"aria-label": `Simulate ${name}`})));
  if (can) {
    item.addEventListener("dragstart", event => { dragged = {kind, at}; item.classList.add("dragged"); event.dataTransfer.setData("text/plain", ""); });
    item.addEventListener("dragend", () => { dragged = null; item.classList.remove("dragged"); });
    item.addEventListener("dragover", event => { if (dragged && dragged.kind === kind) { event.preventDefault(); item.classList.add("over"); } });
    item.addEventListener("dragleave", () => item.classList.remove("over"));
    item.addEventListener("drop", event => { event.preventDefault(); item.classList.remove("over"); if (dragged && dragged.kind === kind) move(kind, dragged.at, at, "up"); });
  }
  return item;
}
function section(kind) {
  const one = held[kind], box = $(`k-${kind}`);
  const head = h("h2", {id: `t-${kind}`}, `${kind[0].toUpperCase()}${kind.slice(1)} rules`);
  if (!one) { box.replaceChildren(head, h("p", {class: "dim"}, "Loading…")); return; }
  if (one.error) { box.replaceChildren(head, h("p", {class: "bad"}, one.error), button("Load again", () => load(kind))); return; }
  const moved = isMoved(kind);
  box.replaceChildren(head, one.rules.length ? paged(one.rules, rule => row(kind, rule, one.rules.indexOf(rule), one.rules.length),
    {tag: "ol", size: 100, label: `${kind} rules in order`, noun: "rules"}) : h("p", {class: "dim"}, "There are none."),
    h("div", {class: "bar"}, one.rules.length > 1 && offers(SIMULATE) && button("Simulate all",
      event => simulate(event, kind, [...one.rules]), {"aria-label": `Simulate all ${kind} rules`}), moved && button("Save order", event => save(event, kind), {class: "main", "aria-label": `Save the order of the ${kind} rules`}),
      moved && button("Discard", () => { one.rules.sort((a, b) => one.saved.indexOf(a.id) - one.saved.indexOf(b.id)); rendering(() => section(kind)); }),
      !moved && one.undo && button("Undo the new order", event => undo(event, kind), {class: "undo"})));
}
function take(kind, data) {
  const rules = list(data.results).map(obj).filter(rule => typeof rule.id === "string");
  held[kind] = {rules, saved: rules.map(rule => rule.id)};
}
async function load(kind) {
  delete held[kind];
  rendering(() => section(kind));
  try { take(kind, await read(listOf(kind), {})); } catch (error) { held[kind] = {error: error.message}; }
  section(kind);
}
async function check(event) {
  const free = busy(event.currentTarget);
  try { const answer = await call(CHECK, {}); findings(list(obj(answer.data).results), answer); } catch (error) { say(error.message, "bad"); }
  free();
}
function findings(found, answer) {
  const rows = found.map(obj);
  $("findings").replaceChildren(answer && answer.failed ? h("p", {class: "bad"}, answer.text)
    : rows.length ? paged(rows, one => h("li", {class: "row"}, h("span", {class: one.level === "error" ? "tag bad" : "tag"}, plain(one.level, 20)),
      h("div", {class: "what"}, theirs(`${plain(one.kind, 40)}, place ${plain(one.order_key, 20) || "–"}: ${plain(one.finding, 600)}`, 700))), {label: "Findings", noun: "findings"})
      : h("p", {class: "good"}, "The check found nothing."));
}
start({name: "rules", tool: listOf("assignment"), show(data) {
  const results = list(data.results).map(obj), isCheck = results.length > 0 && results.every(one => one.finding !== undefined);
  $("out").replaceChildren(h("div", {class: "bar"}, offers(CHECK) && button("Check all rules", check)), h("section", {id: "findings", "aria-label": "Findings"}),
    ...KINDS.map(kind => h("section", {id: `k-${kind}`, "aria-labelledby": `t-${kind}`})));
  if (isCheck) findings(results);
  if (host.can.serverTools) { KINDS.forEach(load); return; }
  if (isCheck) return;
  const kind = KINDS.find(one => obj(obj(host.context.toolInfo).tool).name === listOf(one)) || "assignment";
  take(kind, data);
  section(kind);
}});
