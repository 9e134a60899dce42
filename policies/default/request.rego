# METADATA
# title: Default request policy
# description: What the settings turn on, for requests. Your own rules merge with these.
# schemas:
#   - input: schema.input
#   - data.regent.settings: schema.settings
package regent.request

import data.regent.lib.domain
import data.regent.lib.found
import data.regent.lib.names
import data.regent.lib.residency
import data.regent.lib.sensitivity

# METADATA
# title: Uninspected
# description: Refuses a request that was not read in full.
deny contains {
	"code": "uninspected",
	"message": "this request could not be inspected in full",
	"status": 403,
} if {
	data.regent.settings.coverage.refuse_uninspected
	input.coverage.request != "full"
}

# METADATA
# title: Model not listed
# description: Refuses a model that is not among those the settings allow.
deny contains {
	"code": "model_not_allowed",
	"message": sprintf("the model %q is not allowed here", [input.llm.model]),
	"status": 403,
} if {
	data.regent.settings.models.allow != []
	not names.listed(input.llm.model, data.regent.settings.models.allow)
}

# METADATA
# title: Model denied
# description: Refuses a model that the settings deny.
deny contains {
	"code": "model_denied",
	"message": sprintf("the model %q is not allowed here", [input.llm.model]),
	"status": 403,
} if {
	some pattern in data.regent.settings.models.deny
	glob.match(pattern, null, input.llm.model)
}

# METADATA
# title: Tool not listed
# description: Refuses a request that offers a tool that is not among those the settings allow.
deny contains {
	"code": "tool_not_allowed",
	"message": sprintf("the tool %q is not allowed here", [tool.name]),
	"status": 403,
} if {
	data.regent.settings.tools.allow != []
	some tool in input.llm.tools
	not names.listed(tool.name, data.regent.settings.tools.allow)
}

# METADATA
# title: Tool denied
# description: Refuses a request that offers a tool that the settings deny.
deny contains {
	"code": "tool_denied",
	"message": sprintf("the tool %q is not allowed here", [tool.name]),
	"status": 403,
} if {
	some pattern in data.regent.settings.tools.deny
	some tool in input.llm.tools
	glob.match(pattern, null, tool.name)
}

# METADATA
# title: Blocked terms
# description: Refuses a request that holds a word of a blocked list. The words are not repeated to the client.
deny contains {
	"code": "blocked_term",
	"message": "this request holds a term that is not allowed here",
	"status": 403,
} if {
	some list in data.regent.settings.blocked_terms
	input.terms[list] != []
}

# METADATA
# title: Class of findings
# description: Refuses a request for findings of a class.
deny contains {
	"code": "finding",
	"message": sprintf("this request holds %s, which is not allowed here", [finding.entity]),
	"status": 403,
} if {
	some class in data.regent.settings.findings.request.classes
	some finding in input.findings
	finding.class == class
	finding.score >= data.regent.settings.findings.request.min_score
}

# METADATA
# title: Entity found
# description: Refuses a request for findings of an entity.
deny contains {
	"code": "finding",
	"message": sprintf("this request holds %s, which is not allowed here", [finding.entity]),
	"status": 403,
} if {
	some entity in data.regent.settings.findings.request.entities
	some finding in input.findings
	finding.entity == entity
	finding.score >= data.regent.settings.findings.request.min_score
}

# METADATA
# title: Redaction
# description: Hides what was found in the request.
redact contains redaction if some redaction in found.redactions(data.regent.settings.redaction.request)

# METADATA
# title: Route
# description: The target by sensitivity and domain, in a region that is allowed.
route["target"] := residency.target if data.regent.settings.routing.enabled

# METADATA
# title: Sensitivity label
labels["sensitivity"] := sensitivity.level if data.regent.settings.routing.enabled

# METADATA
# title: Domain label
labels["domain"] := domain.name if {
	data.regent.settings.routing.enabled
	domain.name != ""
}
