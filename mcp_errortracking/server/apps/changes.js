"use strict";
const LIST = "error-tracking-changes-list", UNDO = "error-tracking-changes-undo";
let rows = [], args = {};

function plan(data) {
  const by = obj(data.undo_by), made = obj(data.made_by);
  const part = (name, value) => value !== undefined && h("div", {}, h("dt", {}, name), h("dd", {}, value));
  return h("div", {}, h("dl", {}, part("Made by", theirs(made.called, 100)), part("With", h("code", {}, plain(made.arguments, 1000))),
    part("Undone by", theirs(by.call, 100)), part("Sends", h("code", {}, plain(by.arguments, 1000))),
    part("Restores", theirs(data.restores, 400)), part("The object is", theirs(data.object, 200))));
}
async function undo(event, change_) {
  const opener = event.currentTarget, free = busy(opener);
  say("Reading…");
  try {
    const answer = await call(UNDO, {id: change_.id, dry_run: true});
    if (answer.failed) { say(answer.text, "bad"); return; }
    const data = obj(answer.data), changed = data.object === "changed since";
    say("");
    const notes = notesOf(answer.text).filter(line => !/call again|Nothing was changed/.test(line));
    const body = h("div", {}, plan(data), ...notes.map(line => h("p", {class: changed ? "bad" : "dim"}, line)));
    if (!await ask(opener, `Undo change ${change_.id}`, body, changed ? "Undo anyway" : "Undo now", "danger")) return;
    if (await change(opener, UNDO, {id: change_.id, dry_run: false, ...(changed ? {force: true} : {})}, `Change ${change_.id} was undone.`))
      await app.reload();
  } catch (error) { say(error.message, "bad"); } finally { free(); }
}
function row(one) {
  const can = one.undo !== "none" && one.undo !== "unknown" && offers(UNDO);
  return h("li", {class: "row"}, h("div", {class: "what"},
    h("div", {}, h("span", {class: "name"}, `${plain(one.id, 20)}. `, theirs(one.called, 100)), " ", h("span", {class: "tag"}, plain(one.state, 60))),
    h("code", {}, plain(one.arguments, 400)), one.error && h("div", {class: "bad"}, theirs(one.error, 400)),
    h("div", {class: "dim"}, time(one.time), one.undoes !== undefined && ` · undoes ${plain(one.undoes, 20)}`, !can && one.undo && ` · undo: ${plain(one.undo, 60)}`)),
    can && h("div", {class: "bar"}, button("Undo", event => undo(event, one), {"aria-label": `Undo change ${plain(one.id, 20)}`, class: "danger"})));
}
const app = start({name: "changes", tool: LIST, show(data, given) {
  args = {...given};
  rows = list(data.results).map(obj);
  const limit = Number(args.limit) || 20, {before, ...latest} = args;
  const to = value => { args = value; app.setArguments(args); app.reload(); };
  $("out").replaceChildren(
    rows.length ? paged(rows, row, {label: "Changes, newest first", noun: "changes"}) : h("p", {}, "No change was made through this server in this project."),
    h("nav", {class: "bar", "aria-label": "Pages of the list"},
      before && button("Latest changes", () => to(latest)),
      rows.length >= limit && button("Older changes", () => to({...args, before: rows.at(-1).id}))));
}});
