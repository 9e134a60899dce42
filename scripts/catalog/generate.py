#!/usr/bin/env python3
"""Make pkg/catalog/models.json.gz from pinned, licensed packages.

  python3 scripts/catalog/generate.py

Prices, match rules and context windows are those of genai-prices (MIT); context
windows it lacks are litellm's (MIT). Both are fetched by pip, at the versions
below, into a virtual environment of this run's own. The output is the same for
the same versions and date.
"""
import datetime
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile
import venv
import zipfile

GENAI_PRICES = "0.2.3"
LITELLM = "1.109.1"
DATE = "2026-11-23"  # prices in force on this day

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "pkg" / "catalog" / "models.json.gz"

# gen_ai.provider.name of each provider that has one in the conventions, or in
# pkg/catalog's table of hosts.
NAMES = {
    "openai": "openai", "azure": "azure.ai.openai", "anthropic": "anthropic", "aws": "aws.bedrock", "google": "gcp.gemini",
    "cohere": "cohere", "mistral": "mistral_ai", "groq": "groq", "deepseek": "deepseek", "perplexity": "perplexity", "x-ai": "x_ai",
    "moonshotai": "moonshot_ai", "together": "together_ai", "openrouter": "openrouter", "cerebras": "cerebras", "fireworks": "fireworks_ai",
    "databricks": "databricks", "voyageai": "voyage_ai", "zai": "z_ai",
}
PRICES = {
    "input_mtok": "input", "output_mtok": "output", "cache_read_mtok": "cache_read", "cache_write_mtok": "cache_write",
    "input_audio_mtok": "input_audio", "output_audio_mtok": "output_audio", "input_image_mtok": "input_image",
    "output_image_mtok": "output_image", "output_reasoning_mtok": "reasoning",
}


def clause(c):
    """A match rule as JSON: {"equals": s}, {"or": [...]}, ..."""
    kind = type(c).__name__.removeprefix("Clause")
    if kind in ("Or", "And"):
        return {kind.lower(): [clause(x) for x in getattr(c, kind.lower() + "_")]}
    if kind == "Regex" and c.regex.startswith("^(?!.*") and c.regex.endswith(")"):
        return {"not": {"regex": c.regex[len("^(?!.*"):-1]}}  # RE2 has no look-ahead
    key = {"Equals": "equals", "StartsWith": "starts_with", "EndsWith": "ends_with", "Contains": "contains", "Regex": "regex"}[kind]
    return {key: getattr(c, key)}


def in_force(prices, day):
    """The price in force on a day: the last whose start has come."""
    if not isinstance(prices, list):
        return prices
    chosen = None
    for p in prices:
        c = p.constraint
        if c is None and chosen is None:
            chosen = p.prices
        elif type(c).__name__ == "StartDateConstraint" and c.start_date <= day:
            chosen = p.prices
    return chosen


def amount(v):
    """A price in US dollars a million tokens, or tiers of it by input size."""
    if hasattr(v, "tiers"):
        return {"base": float(v.base), "tiers": [{"from": t.start, "price": float(t.price)} for t in v.tiers]}
    return float(v)


def model(m, windows, day):
    p = in_force(m.prices, day)
    out = {"id": m.id, "match": clause(m.match)}
    window = m.context_window or windows.get(m.id.lower())
    if window:
        out["window"] = window
    for field, name in PRICES.items():
        v = getattr(p, field, None) if p else None
        if v is not None:
            out[name] = amount(v)
    return out


def windows_of(wheel):
    """Context windows by lower-case model name, of litellm's table."""
    with zipfile.ZipFile(wheel) as z:
        table = json.loads(z.read("litellm/model_prices_and_context_window_backup.json"))
    out = {}
    for name, entry in table.items():
        n = entry.get("max_input_tokens")
        if isinstance(n, int):
            out.setdefault(name.lower(), n)
            out.setdefault(name.lower().split("/")[-1], n)
    return out


def main():
    if "--inner" not in sys.argv:
        return outer()
    from genai_prices.data import providers
    windows = windows_of(sys.argv[sys.argv.index("--inner") + 1])
    day = datetime.date.fromisoformat(DATE)
    table = {
        "date": DATE,
        "sources": [f"genai-prices {GENAI_PRICES} (MIT)", f"litellm {LITELLM} (MIT): context windows"],
        "providers": [{"id": p.id, "name": NAMES.get(p.id, p.id), "models": [model(m, windows, day) for m in p.models]} for p in providers],
    }
    data = json.dumps(table, separators=(",", ":"), sort_keys=True).encode()
    with open(OUT, "wb") as f, gzip.GzipFile(fileobj=f, mode="wb", mtime=0, compresslevel=9, filename="") as z:
        z.write(data)
    print(f"{OUT.relative_to(ROOT)}: {sum(len(p['models']) for p in table['providers'])} models, {len(data)} bytes, {OUT.stat().st_size} compressed")


def outer():
    with tempfile.TemporaryDirectory() as tmp:
        venv.create(tmp, with_pip=True)
        python = f"{tmp}/bin/python"
        subprocess.run([python, "-m", "pip", "install", "-q", f"genai-prices=={GENAI_PRICES}"], check=True)
        subprocess.run([python, "-m", "pip", "download", "-q", "--no-deps", "-d", tmp, f"litellm=={LITELLM}"], check=True)
        wheel = next(pathlib.Path(tmp).glob("litellm-*.whl"))
        subprocess.run([python, __file__, "--inner", str(wheel)], check=True)


main()
