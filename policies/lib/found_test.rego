package regent.lib.found_test

import data.regent.lib.found

test_redactions if {
	found.redactions({"enabled": true, "classes": ["pii"], "entities": ["X"], "with": "mask", "min_score": 0.1}) == {
		{"class": "pii", "min_score": 0.1, "with": "mask"},
		{"entity": "X", "min_score": 0.1, "with": "mask"},
	}
	not found.redactions({"enabled": false, "classes": ["pii"], "entities": [], "with": "mask", "min_score": 0})
}
