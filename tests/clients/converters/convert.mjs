// Tool definitions on stdin as one library would send them to a model: `convert.mjs FOLDER LIBRARY`, where FOLDER holds
// node_modules. It prints a JSON object with the converted schema of each tool.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.argv[2]}/package.json`);
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
const tools = JSON.parse(readFileSync(0, "utf8"));

async function aiSdk() {
  const [{ generateText, jsonSchema, tool }, { createGoogleGenerativeAI }] = [await load("ai"), await load("@ai-sdk/google")];
  let body;
  const fetch = async (_url, options) => {
    body = JSON.parse(options.body);
    throw new Error("captured");
  };
  const model = createGoogleGenerativeAI({ apiKey: "none", fetch })("gemini-2.5-flash");
  const given = tools.map((one) => [one.name, tool({ description: one.description, inputSchema: jsonSchema(one.inputSchema) })]);
  await generateText({ model, maxRetries: 0, prompt: "x", tools: Object.fromEntries(given) }).catch((error) => {
    if (!body) throw error;
  });
  return body.tools[0].functionDeclarations.map((one) => [one.name, one.parameters ?? one.parametersJsonSchema ?? {}]);
}

async function langchain() {
  const { convertToGeminiTools } = await load("@langchain/google-common");
  const { tool } = await load("@langchain/core/tools");
  return tools.map((one) => {
    const given = tool(async () => "", { name: one.name, description: one.description, schema: one.inputSchema });
    return [one.name, convertToGeminiTools([given])[0].functionDeclarations[0].parameters ?? {}];
  });
}

const converters = { "@ai-sdk/google": aiSdk, "@langchain/google-common": langchain };
console.log(JSON.stringify(Object.fromEntries(await converters[process.argv[3]]())));
