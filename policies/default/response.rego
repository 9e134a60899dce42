# METADATA
# title: Default response policy
# description: What the settings turn on, for responses. Your own rules merge with these.
# schemas:
#   - input: schema.input
#   - data.regent.settings: schema.settings
package regent.response

import data.regent.lib.found
import data.regent.lib.names

# METADATA
# title: Unread
# description: Refuses a response of which nothing was read, such as damaged JSON.
deny contains {
	"code": "unread_response",
	"message": "this response could not be inspected",
	"status": 403,
} if {
	data.regent.settings.coverage.refuse_unread_responses
	input.coverage.response == "none"
}

# METADATA
# title: Class of findings
# description: Refuses a response for findings of a class.
deny contains {
	"code": "finding",
	"message": sprintf("this response holds %s, which is not allowed here", [finding.entity]),
	"status": 403,
} if {
	some class in data.regent.settings.findings.response.classes
	some finding in input.response.findings
	finding.class == class
	finding.score >= data.regent.settings.findings.response.min_score
}

# METADATA
# title: Entity found
# description: Refuses a response for findings of an entity.
deny contains {
	"code": "finding",
	"message": sprintf("this response holds %s, which is not allowed here", [finding.entity]),
	"status": 403,
} if {
	some entity in data.regent.settings.findings.response.entities
	some finding in input.response.findings
	finding.entity == entity
	finding.score >= data.regent.settings.findings.response.min_score
}

# METADATA
# title: Tool not listed
# description: Refuses a response that calls a tool that is not among those the settings allow.
deny contains {
	"code": "tool_not_allowed",
	"message": "this response calls a tool that is not allowed here", # a model names it: not repeated
	"status": 403,
} if {
	data.regent.settings.tools.allow != []
	some tool in input.response.tool_calls
	not names.listed(tool, data.regent.settings.tools.allow)
}

# METADATA
# title: Tool denied
# description: Refuses a response that calls a tool that the settings deny.
deny contains {
	"code": "tool_denied",
	"message": "this response calls a tool that is not allowed here", # a model names it: not repeated
	"status": 403,
} if {
	some pattern in data.regent.settings.tools.deny
	some tool in input.response.tool_calls
	glob.match(pattern, null, tool)
}

# METADATA
# title: Redaction
# description: Hides what was found in the response.
redact contains redaction if some redaction in found.redactions(data.regent.settings.redaction.response)

# METADATA
# title: Canary
# description: Hides what must not come back from a system prompt.
redact contains {"entity": "CANARY", "with": "label"} if {
	some finding in input.response.findings
	finding.entity == "CANARY"
}
