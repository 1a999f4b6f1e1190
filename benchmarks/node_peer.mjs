// The fast peer, `ts-minimal`: the rules as one lists them in ten minutes with the TypeScript SDK, over stdio.
//   node benchmarks/node_peer.mjs    with the packages of .ci/node-tools
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const packages = createRequire(new URL("../.venv/node/package.json", import.meta.url));
const load = (name) => import(pathToFileURL(packages.resolve(name)).href);
const { McpServer } = await load("@modelcontextprotocol/sdk/server/mcp.js");
const { StdioServerTransport } = await load("@modelcontextprotocol/sdk/server/stdio.js");
const { z } = await load("zod");

const { POSTHOG_HOST, POSTHOG_PROJECT_ID, POSTHOG_PERSONAL_API_KEY } = process.env;
const base = `${POSTHOG_HOST}/api/projects/${POSTHOG_PROJECT_ID}/error_tracking`;
const headers = { Authorization: `Bearer ${POSTHOG_PERSONAL_API_KEY}` };

const server = new McpServer({ name: "ts-minimal", version: "1.0.0" });
server.registerTool(
  "assignment_rules_list",
  {
    description: "List error tracking assignment rules.",
    inputSchema: { limit: z.number().int().optional(), offset: z.number().int().optional() },
  },
  async (given) => {
    const response = await fetch(`${base}/assignment_rules/?${new URLSearchParams(given)}`, { headers });
    if (!response.ok) throw new Error(`PostHog answered ${response.status}`);
    return { content: [{ type: "text", text: JSON.stringify(await response.json()) }] };
  },
);
await server.connect(new StdioServerTransport());
