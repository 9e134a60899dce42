"""Reads spans' attributes (JSON, a list of objects) as Arize Phoenix does when they arrive, with its own code, and prints what it makes of them."""

import json
import sys
import sysconfig
import types

# The package's own __init__ would load the whole server, and what it depends on.
site = sysconfig.get_paths()["purelib"]
for name in ("phoenix", "phoenix.trace"):
    module = types.ModuleType(name)
    module.__path__ = [site + "/" + name.replace(".", "/")]
    sys.modules[name] = module

from phoenix.trace.gen_ai.conversion import get_openinference_attributes  # noqa: E402

json.dump([get_openinference_attributes(span) for span in json.load(sys.stdin)], sys.stdout)
