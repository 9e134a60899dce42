package regent.request

import data.regent.lib.review as approval

# METADATA
# title: Human approval
# description: Parks a call until a human has approved it.
review contains {
	"code": reason.code,
	"message": sprintf("this call needs approval: %s", [reason.message]),
	"status": data.regent.settings.approval.status,
	"wait": data.regent.settings.approval.wait,
} if {
	data.regent.settings.approval.enabled
	some reason in approval.reasons
}
