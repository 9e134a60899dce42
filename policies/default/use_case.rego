package regent.request

import data.regent.lib.names
import data.regent.lib.use_case

# METADATA
# title: No use case
# description: Refuses a call that does not say what it is for.
deny contains {
	"code": "use_case_required",
	"message": sprintf("name the use case in the header %s", [data.regent.settings.use_cases.header]),
	"status": 403,
} if {
	data.regent.settings.use_cases.enabled
	data.regent.settings.use_cases.required
	use_case.name == ""
}

# METADATA
# title: Use case not listed
# description: Refuses a use case that is not among those the settings allow.
deny contains {
	"code": "use_case_not_allowed",
	"message": sprintf("the use case %q is not allowed here", [use_case.name]),
	"status": 403,
} if {
	data.regent.settings.use_cases.enabled
	use_case.name != ""
	not names.listed(use_case.name, data.regent.settings.use_cases.allow)
}

# METADATA
# title: Use case label
labels["use_case"] := use_case.name if {
	data.regent.settings.use_cases.enabled
	names.listed(use_case.name, data.regent.settings.use_cases.allow)
}
