"""Sends a conversation with personal values in every place that holds text, by
an official library, and prints what the application gets back, one JSON line a
step. Run: restored.py BASE_URL LIBRARY, with {"text": ..., "value": ...} on
standard input."""

import json
import sys

BASE, LIBRARY = sys.argv[1:3]
given = json.load(sys.stdin)
TEXT, VALUE = given["text"], given["value"]
SCHEMA = {"type": "object", "properties": {"to": {"type": "string"}, "lines": {"type": "array", "items": {"type": "string"}}}}


def show(step, value):
    print(json.dumps({step: value}, ensure_ascii=False))


def openai_library():
    import openai

    client = openai.OpenAI(base_url=BASE + "/v1", api_key="test", max_retries=0, timeout=30)
    earlier = {"id": "call_1", "type": "function", "function": {"name": "send", "arguments": json.dumps({"to": VALUE, "lines": [VALUE]})}}
    ask = dict(
        model="sim-small",
        user="u1",
        tools=[{"type": "function", "function": {"name": "send", "description": "writes to " + VALUE, "parameters": SCHEMA}}],
        messages=[
            {"role": "system", "content": "You work for " + VALUE},
            {"role": "user", "content": [{"type": "text", "text": "Write to " + VALUE}]},
            {"role": "assistant", "content": None, "tool_calls": [earlier]},
            {"role": "tool", "tool_call_id": "call_1", "content": json.dumps({"sent to": VALUE})},
            {"role": "user", "content": TEXT},
        ],
    )
    message = client.chat.completions.create(**ask).choices[0].message
    show("text", message.content)
    show("tool", json.loads(message.tool_calls[0].function.arguments))
    text = ""
    for chunk in client.chat.completions.create(stream=True, **ask):
        for choice in chunk.choices:
            text += choice.delta.content or ""
    show("streamed text", text)
    with client.chat.completions.stream(**ask) as stream:
        message = stream.get_final_completion().choices[0].message
    show("put together text", message.content)
    show("streamed tool", json.loads(message.tool_calls[0].function.arguments))


def anthropic_library():
    import anthropic

    client = anthropic.Anthropic(base_url=BASE, api_key="test", max_retries=0, timeout=30)
    ask = dict(
        model="claude-sim",
        max_tokens=100,
        system="You work for " + VALUE,
        tools=[{"name": "send", "description": "writes to " + VALUE, "input_schema": SCHEMA}],
        messages=[
            {"role": "user", "content": "Write to " + VALUE},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "send", "input": {"to": VALUE}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "sent to " + VALUE}, {"type": "text", "text": TEXT}]},
        ],
    )
    message = client.messages.create(**ask)
    show("text", message.content[0].text)
    show("tool", message.content[1].input)
    with client.messages.stream(**ask) as stream:
        show("streamed text", "".join(stream.text_stream))
        show("streamed tool", stream.get_final_message().content[1].input)


{"openai": openai_library, "anthropic": anthropic_library}[LIBRARY]()
