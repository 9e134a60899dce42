package regent.request

import data.regent.lib.authz

# METADATA
# title: Not granted
# description: Refuses what no grant covers.
deny contains {
	"code": "not_authorized",
	"message": sprintf("this caller may not do this with the model %q", [input.llm.model]),
	"status": 403,
} if {
	data.regent.settings.authz.enabled
	not authz.allowed
}
