// Drives an MCP server with the protocol's official clients: node mcp.mjs URL TOKEN ERA, ERA being legacy, auto or a version.
import { setTimeout as sleep } from "node:timers/promises";

const [url, token, era] = process.argv.slice(2);
const headers = { Authorization: `Bearer ${token}` };
const info = { name: "sluice-tests", version: "1" };

async function legacy() {
  const { Client } = await import("@modelcontextprotocol/sdk/client/index.js");
  const { StreamableHTTPClientTransport } = await import("@modelcontextprotocol/sdk/client/streamableHttp.js");
  const client = new Client(info);
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
  return client;
}

async function newest(mode) {
  const { Client, StreamableHTTPClientTransport } = await import("@modelcontextprotocol/client");
  const options = mode === "default" ? {} : { versionNegotiation: { mode: mode === "auto" ? "auto" : { pin: mode } } };
  const client = new Client(info, options);
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
  return client;
}

const client = era === "legacy" ? await legacy() : await newest(era);
const out = { server: client.getServerVersion?.(), instructions: client.getInstructions?.() };
out.negotiated = client.getNegotiatedProtocolVersion?.() ?? null;
await client.ping?.().catch(() => null);
const { tools } = await client.listTools();
out.tools = tools;
const call = async (name, args) => {
  try {
    return await client.callTool({ name, arguments: args });
  } catch (error) {
    return { thrown: String(error.message ?? error), code: error.code };
  }
};
out.list = await call("deploy_list", { limit: 5 });
out.ask = await call("chat_ask", { question: "Which policy blocked prod?" });
out.bad = await call("deploy_list", { limit: "many" });
out.missing = await call("no_such_tool", {});
await client.close();
await sleep(10);
console.log(JSON.stringify(out));
