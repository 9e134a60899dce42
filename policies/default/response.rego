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
# title: Findings
# description: Refuses a response for what was found in it.
deny contains {
	"code": "finding",
	"message": sprintf("this response holds %s, which is not allowed here", [entity]),
	"status": 403,
} if {
	some entity in found.refused(input.response.findings, data.regent.settings.findings.response)
}

# METADATA
# title: Tools
# description: Refuses a response that calls a tool the settings do not permit.
deny contains {
	"code": "tool_not_allowed",
	"message": sprintf("the tool %q is not allowed here", [tool]),
	"status": 403,
} if {
	some tool in input.response.tool_calls
	not names.permitted(tool, data.regent.settings.tools)
}

# METADATA
# title: Redaction
# description: Hides what was found in the response.
redact contains redaction if some redaction in found.redactions(data.regent.settings.redaction.response)
