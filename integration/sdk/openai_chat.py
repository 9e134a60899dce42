"""Uses OpenAI's Python library as an application would and prints what it got,
one JSON line a step. Run: openai_chat.py BASE_URL"""

import json
import sys

import openai

client = openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key="test", max_retries=0, timeout=30)
TOOLS = [{
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}},
    },
}]


def show(step, value):
    print(json.dumps({step: value}, sort_keys=True, ensure_ascii=False))


def ask(text, **more):
    return client.chat.completions.create(model="sim-small", messages=[{"role": "user", "content": text}], **more)


def failure(step, **more):
    try:
        for _ in ask("hello", stream=True, **more) if more.pop("stream", False) else [ask("hello", **more)]:
            pass
        show(step, "no error")
    except openai.APIError as e:
        show(step, [type(e).__name__, getattr(e, "status_code", None), e.code, e.message])


show("models", [m.id for m in client.models.list()])
show("chat", ask("Grüße, 世界 😀").model_dump())
show("choices", ask("hello", n=2, temperature=0.5, user="u").model_dump())
show("stream", [c.model_dump() for c in ask("hello there", stream=True)])
show("stream with usage", [c.model_dump() for c in ask("hello there", stream=True, stream_options={"include_usage": True})])

messages = [{"role": "user", "content": "Paris"}]
first = client.chat.completions.create(model="sim-small", messages=messages, tools=TOOLS)
show("tool call", first.model_dump())
call = first.choices[0].message.tool_calls[0]
messages += [first.choices[0].message.model_dump(exclude_none=True), {"role": "tool", "tool_call_id": call.id, "content": "rain"}]
show("tool result", client.chat.completions.create(model="sim-small", messages=messages, tools=TOOLS).model_dump())
show("tool stream", [c.model_dump() for c in ask("Paris", tools=TOOLS, stream=True)])

with client.chat.completions.stream(model="sim-small", messages=[{"role": "user", "content": "Rome"}], tools=TOOLS) as stream:
    show("tool stream, put together", stream.get_final_completion().model_dump())

failure("rate limited", extra_headers={"x-simulate": "status=429;retry-after=60"})
failure("broken", extra_headers={"x-simulate": "status=500"})
failure("broken inside a stream", stream=True, extra_headers={"x-simulate": "fail=2"})
failure("refused", extra_headers={"x-case": "deny"})
failure("refused inside a stream", stream=True, extra_headers={"x-case": "cut", "x-simulate": "secret"})
