"""Uses one provider's official library as an application would and prints what
it got, one JSON line a step. Run: clients.py BASE_URL LIBRARY"""

import json
import sys

BASE = sys.argv[1]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]}
HEADERS = ("ResponseMetadata", "sdk_http_response")  # of which Envoy adds some
PERSONAL = "write to ann@example.org"
LEAK = "+secret+chunk=3"  # of a model's name: the simulated provider leaks a key in its stream


def plain(value):
    """The value as JSON can hold it."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if k not in HEADERS}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, bytes):
        return value.decode()
    return value


def show(step, value):
    print(json.dumps({step: plain(value)}, sort_keys=True, ensure_ascii=False, default=str))


def refused(call):
    """Shows how a call of a model that the policy denies fails."""
    try:
        call()
        show("refused", "answered")
    except Exception as e:  # each library has its own
        show("refused", [type(e).__name__, str(e)])


def openai_library():
    import openai

    client = openai.OpenAI(base_url=BASE + "/v1", api_key="test", max_retries=0)
    tools = [{"type": "function", "name": "weather", "parameters": SCHEMA}]
    ask = lambda text, **more: client.responses.create(model="sim-small", input=text, **more)
    show("responses", ask("Grüße"))
    show("responses stream", list(ask("hello there", stream=True)))
    show("responses tool", ask("Paris", tools=tools))
    show("responses tool stream", list(ask("Paris", tools=tools, stream=True)))
    with client.responses.stream(model="sim-small", input="hello there") as stream:
        stream.until_done()
        show("responses put together", stream.get_final_response().output_text)
    show("redacted", ask(PERSONAL).output_text)
    events = client.responses.create(model="sim-small" + LEAK, input="key?", stream=True)
    show("leak", "".join(e.delta if e.type == "response.output_text.delta" else "\n" + e.response.output_text if e.type == "response.completed" else "" for e in events))
    show("completions", client.completions.create(model="sim-small", prompt="once"))
    show("completions stream", list(client.completions.create(model="sim-small", prompt="once", stream=True)))
    show("embeddings", client.embeddings.create(model="sim-small", input=["a", "b"]))
    show("moderations", client.moderations.create(model="sim-small", input="a"))
    refused(lambda: list(client.responses.create(model="sim-denied", input="hello", stream=True)))


def anthropic_library():
    import anthropic

    client = anthropic.Anthropic(base_url=BASE, api_key="test", max_retries=0)
    tools = [{"name": "weather", "input_schema": SCHEMA}]
    ask = lambda text, **more: client.messages.create(model="claude-sim", max_tokens=100, messages=[{"role": "user", "content": text}], **more)
    show("messages", ask("Grüße", system="be kind"))
    show("stream", list(ask("hello there", stream=True)))
    show("thinking stream", list(ask("hello there", stream=True, extra_headers={"x-simulate": "reasoning"})))
    show("tool", ask("Paris", tools=tools))
    with client.messages.stream(model="claude-sim", max_tokens=100, messages=[{"role": "user", "content": "Rome"}], tools=tools) as stream:
        show("tool stream, put together", stream.get_final_message())
    show("count", client.messages.count_tokens(model="claude-sim", messages=[{"role": "user", "content": "hello"}]))
    with client.messages.stream(model="claude-sim" + LEAK, max_tokens=100, messages=[{"role": "user", "content": "key?"}]) as stream:
        show("leak", "".join(stream.text_stream))
    show("redacted", ask(PERSONAL))
    try:
        list(ask("hello", stream=True, extra_headers={"x-simulate": "fail=3"}))
    except anthropic.APIError as e:
        show("broken inside a stream", [type(e).__name__, str(e)])
    refused(lambda: client.messages.create(model="sim-denied", max_tokens=100, messages=[{"role": "user", "content": "hello"}]))


def google_library():
    from google import genai
    from google.genai import types

    client = genai.Client(api_key="test", http_options=types.HttpOptions(base_url=BASE))
    tools = [types.Tool(function_declarations=[types.FunctionDeclaration(name="weather", parameters_json_schema=SCHEMA)])]
    config = types.GenerateContentConfig(tools=tools, automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True))
    show("generate", client.models.generate_content(model="gemini-sim", contents="Grüße").to_json_dict())
    show("stream", [c.to_json_dict() for c in client.models.generate_content_stream(model="gemini-sim", contents="hello there")])
    show("tool", client.models.generate_content(model="gemini-sim", contents="Paris", config=config).to_json_dict())
    show("tool stream", [c.to_json_dict() for c in client.models.generate_content_stream(model="gemini-sim", contents="Paris", config=config)])
    show("count", client.models.count_tokens(model="gemini-sim", contents="hello").total_tokens)
    show("redacted", client.models.generate_content(model="gemini-sim", contents=PERSONAL).text)
    show("leak", "".join(c.text for c in client.models.generate_content_stream(model="gemini-sim" + LEAK, contents="key?")))
    refused(lambda: client.models.generate_content(model="sim-denied", contents="hello"))


def bedrock_library():
    import boto3
    from botocore.config import Config

    client = boto3.client(
        "bedrock-runtime", endpoint_url=BASE, region_name="eu-west-1", aws_access_key_id="test", aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )
    model = "anthropic.claude-sim-v1:0"
    messages = lambda text: [{"role": "user", "content": [{"text": text}]}]
    tools = {"tools": [{"toolSpec": {"name": "weather", "inputSchema": {"json": SCHEMA}}}]}
    show("converse", client.converse(modelId=model, messages=messages("Grüße")))
    show("converse by ARN", client.converse(modelId="arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-sim", messages=messages("hello")))
    show("converse stream", list(client.converse_stream(modelId=model, messages=messages("hello there"))["stream"]))
    show("tool", client.converse(modelId=model, messages=messages("Paris"), toolConfig=tools))
    show("tool stream", list(client.converse_stream(modelId=model, messages=messages("Paris"), toolConfig=tools)["stream"]))
    body = json.dumps({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 100, "messages": [{"role": "user", "content": "hello there"}]})
    show("invoke", json.loads(client.invoke_model(modelId=model, body=body)["body"].read()))
    show("invoke stream", list(client.invoke_model_with_response_stream(modelId=model, body=body)["body"]))
    show("redacted", client.converse(modelId=model, messages=messages(PERSONAL)))
    stream = client.converse_stream(modelId=model + LEAK, messages=messages("key?"))["stream"]
    show("leak", "".join(e["contentBlockDelta"]["delta"]["text"] for e in stream if "contentBlockDelta" in e))
    stream = client.invoke_model_with_response_stream(modelId=model + LEAK, body=body)["body"]
    show("leak by invoke", "".join(json.loads(e["chunk"]["bytes"]).get("delta", {}).get("text", "") for e in stream))
    refused(lambda: client.converse(modelId="sim-denied", messages=messages("hello")))


def cohere_library():
    import cohere

    client = cohere.ClientV2(api_key="test", base_url=BASE)
    tools = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]
    messages = lambda text: [{"role": "user", "content": text}]
    show("chat", client.chat(model="command-sim", messages=messages("Grüße")))
    show("stream", list(client.chat_stream(model="command-sim", messages=messages("hello there"))))
    show("tool", client.chat(model="command-sim", messages=messages("Paris"), tools=tools))
    show("tool stream", list(client.chat_stream(model="command-sim", messages=messages("Paris"), tools=tools)))
    show("redacted", client.chat(model="command-sim", messages=messages(PERSONAL)))
    events = client.chat_stream(model="command-sim" + LEAK, messages=messages("key?"))
    show("leak", "".join(e.delta.message.content.text for e in events if e.type == "content-delta"))
    refused(lambda: client.chat(model="sim-denied", messages=messages("hello")))


def mistral_library():
    from mistralai.client import Mistral

    client = Mistral(api_key="test", server_url=BASE)
    tools = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]
    messages = lambda text: [{"role": "user", "content": text}]
    show("chat", client.chat.complete(model="mistral-sim", messages=messages("Grüße")))
    show("stream", list(client.chat.stream(model="mistral-sim", messages=messages("hello there"))))
    show("tool", client.chat.complete(model="mistral-sim", messages=messages("Paris"), tools=tools))
    show("redacted", client.chat.complete(model="mistral-sim", messages=messages(PERSONAL)))
    events = client.chat.stream(model="mistral-sim" + LEAK, messages=messages("key?"))
    show("leak", "".join(e.data.choices[0].delta.content or "" for e in events if e.data.choices))
    refused(lambda: client.chat.complete(model="sim-denied", messages=messages("hello")))


def ollama_library():
    import ollama

    client = ollama.Client(host=BASE)
    tools = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]
    messages = lambda text: [{"role": "user", "content": text}]
    show("chat", client.chat(model="sim", messages=messages("Grüße")))
    show("stream", list(client.chat(model="sim", messages=messages("hello there"), stream=True)))
    show("tool", client.chat(model="sim", messages=messages("Paris"), tools=tools))
    show("tool stream", list(client.chat(model="sim", messages=messages("Paris"), tools=tools, stream=True)))
    show("generate", client.generate(model="sim", prompt="hello"))
    show("generate stream", list(client.generate(model="sim", prompt="hello", stream=True)))
    show("embed", client.embed(model="sim", input=["a", "b"]))
    show("redacted", client.chat(model="sim", messages=messages(PERSONAL)))
    show("leak", "".join(c.message.content for c in client.chat(model="sim" + LEAK, messages=messages("key?"), stream=True)))
    show("leak by generate", "".join(c.response for c in client.generate(model="sim" + LEAK, prompt="key?", stream=True)))
    refused(lambda: client.chat(model="sim-denied", messages=messages("hello")))


def mcp_library():
    import asyncio

    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async def talk():
        async with streamable_http_client(BASE + "/mcp") as streams:
            async with ClientSession(streams[0], streams[1]) as session:
                await session.initialize()
                show("tools", await session.list_tools())
                show("call", await session.call_tool("echo", {"text": "hello"}))
                show("redacted", await session.call_tool("echo", {"text": PERSONAL}))

    asyncio.run(talk())


globals()[sys.argv[2] + "_library"]()
