// Runs many commands of PostHog's own command line in one process: what takes long is building its thousand tools.
//
// node official.mjs CLI < commands.json, where CLI is the program and commands.json a list of texts such as
// `call --json TOOL {...}`, in which @3@ stands for the id that the command at place 3 answered. Prints a list of
// {output, error, requests}: what each command came to, or the message it failed with, and what it asked of PostHog.
// With `--offline` after CLI no PostHog is needed: every request is answered with an object that has an id and no rows.
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";

const program = pathToFileURL(process.argv[2]).href;
const offline = process.argv[3] === "--offline";
const commands = JSON.parse(readFileSync(0, "utf8"));

// The program runs one command once it is loaded. Here what runs commands is handed out instead.
registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    if (url !== program) return loaded;
    const source = Buffer.from(loaded.source).toString();
    const end = source.lastIndexOf("\nmain().catch(");
    if (end === -1) throw new Error("the program does not end as it used to: adapt official.mjs");
    return { ...loaded, source: `${source.slice(0, end)}\nexport { buildExec };\n` };
  },
});
const { buildExec } = await import(program);

let requests = [];
const send = globalThis.fetch;
globalThis.fetch = (target, options = {}) => {
  const url = new URL(target);
  const body = options.body ? JSON.parse(options.body) : null;
  const query = Object.fromEntries(url.searchParams);
  requests.push({ method: options.method ?? "GET", path: url.pathname, query, body });
  if (offline) return Promise.resolve(Response.json({ id: "x", results: [] }));
  return send(target, options);
};
const { context, execTool } = await buildExec();

const results = [];
for (const text of commands) {
  requests = [];
  const command = text.replace(/@(\d+)@/g, (_, place) => JSON.parse(results[place].output).id);
  let output = "";
  let error = null;
  try {
    const result = await execTool.handler(context, { command });
    output = typeof result === "string" ? result : JSON.stringify(result);
  } catch (caught) {
    error = caught instanceof Error ? caught.message : String(caught);
  }
  results.push({ output, error, requests });
}
process.stdout.write(JSON.stringify(results), () => process.exit(0));
