package regent.request

import data.regent.lib.residency

# METADATA
# title: No region
# description: Refuses a call that may be served in no region there is a target in.
deny contains {
	"code": "residency",
	"message": "there is no place where this call may be served",
	"status": 403,
} if {
	data.regent.settings.routing.enabled
	data.regent.settings.residency.enabled
	not residency.target
}

# METADATA
# title: Region label
labels["region"] := residency.region if {
	data.regent.settings.residency.enabled
	residency.region != ""
}
