// The main job with the TypeScript SDK: node main_job.mjs MODULES SDK TRANSPORT ERA TARGET
//   SDK: sdk (1.x) or client (2.x); ERA: legacy or a version; TARGET: an address, or the command for stdio as JSON.
// Prints one JSON object: the protocol version and what each step gave.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, sdk, transport, era, target] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(createRequire(`${modules}/any.js`).resolve(name)).href);
const parts =
  sdk === "sdk"
    ? ["client/index.js", "client/stdio.js", "client/sse.js", "client/streamableHttp.js"].map((p) => `@modelcontextprotocol/sdk/${p}`)
    : ["@modelcontextprotocol/client", "@modelcontextprotocol/client/stdio"];
const all = {};
for (const part of parts) Object.assign(all, await load(part));

const over = {
  stdio: () => {
    const [command, ...args] = JSON.parse(target);
    return new all.StdioClientTransport({ command, args, env: { ...process.env }, stderr: "ignore" });
  },
  sse: () => new all.SSEClientTransport(new URL(`${target}/sse`)),
  http: () => new all.StreamableHTTPClientTransport(new URL(`${target}/mcp`)),
}[transport];
const mode = era === "legacy" ? "legacy" : { pin: era };
const client = new all.Client({ name: "main-job", version: "1" }, { versionNegotiation: { mode } });
await client.connect(over());

const call = async (tool, args) => {
  const answer = await client.callTool({ name: `error-tracking-assignment-rules-${tool}`, arguments: args });
  return { error: answer.isError ?? false, text: answer.content[0].text, data: answer.structuredContent };
};
const filters = { type: "AND", values: [{ key: "$browser", operator: "exact", value: "Chrome", type: "event" }] };
const tools = (await client.listTools()).tools.map((tool) => tool.name);
const created = await call("create", { filters, assignee: { type: "user", id: 1 } });
const found = await call("retrieve", { id: created.data.id });
const destroyed = await call("destroy", { id: created.data.id });
const gone = await call("retrieve", { id: created.data.id });
const version = client.getNegotiatedProtocolVersion?.() ?? null;
await client.close();
process.stdout.write(JSON.stringify({ version, tools, created, found, destroyed, gone }));
