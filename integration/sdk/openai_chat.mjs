// Uses OpenAI's Node library as an application would and prints what it got,
// one JSON line a step. Run: node openai_chat.mjs BASE_URL MODULES
import { createRequire } from "node:module";

const [base, modules] = process.argv.slice(2);
const OpenAI = createRequire(modules + "/package.json")("openai").OpenAI;
const client = new OpenAI({ baseURL: base + "/v1", apiKey: "test", maxRetries: 0, timeout: 30_000 });
const tools = [{
  type: "function",
  function: { name: "weather", parameters: { type: "object", properties: { city: { type: "string" }, days: { type: "integer" } } } },
}];

const show = (step, value) => console.log(JSON.stringify({ [step]: value }));
const ask = (text, more = {}, headers = {}) =>
  client.chat.completions.create({ model: "sim-small", messages: [{ role: "user", content: text }], ...more }, { headers });

async function all(stream) {
  const out = [];
  for await (const chunk of await stream) out.push(chunk);
  return out;
}

async function failure(step, more, headers) {
  try {
    const answer = ask("hello", more, headers);
    await (more.stream ? all(answer) : answer);
    show(step, "no error");
  } catch (e) {
    show(step, [e.constructor.name, e.status ?? null, e.code ?? null, e.message]);
  }
}

show("models", (await all(client.models.list())).map((m) => m.id));
show("chat", await ask("Grüße, 世界 😀"));
show("choices", await ask("hello", { n: 2, temperature: 0.5, user: "u" }));
show("stream", await all(ask("hello there", { stream: true })));
show("stream with usage", await all(ask("hello there", { stream: true, stream_options: { include_usage: true } })));

const messages = [{ role: "user", content: "Paris" }];
const first = await client.chat.completions.create({ model: "sim-small", messages, tools });
show("tool call", first);
messages.push(first.choices[0].message, { role: "tool", tool_call_id: first.choices[0].message.tool_calls[0].id, content: "rain" });
show("tool result", await client.chat.completions.create({ model: "sim-small", messages, tools }));
show("tool stream", await all(ask("Paris", { tools, stream: true })));
const runner = client.chat.completions.stream({ model: "sim-small", messages: [{ role: "user", content: "Rome" }], tools });
show("tool stream, put together", await runner.finalChatCompletion());

await failure("rate limited", {}, { "x-simulate": "status=429;retry-after=60" });
await failure("broken", {}, { "x-simulate": "status=500" });
await failure("broken inside a stream", { stream: true }, { "x-simulate": "fail=2" });
await failure("refused", {}, { "x-case": "deny" });
await failure("refused inside a stream", { stream: true }, { "x-case": "cut", "x-simulate": "secret" });
