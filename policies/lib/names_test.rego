package regent.lib.names_test

import data.regent.lib.names

test_listed if {
	names.listed("gpt-4o", ["o3", "gpt-*"])
	names.listed("anthropic/claude:1", ["*claude*"])
	not names.listed("gpt-4o", [])
	not names.listed("gpt-4o", ["gpt-4"])
}
