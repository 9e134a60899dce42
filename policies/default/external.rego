package regent.request

import data.regent.lib.names
import data.regent.lib.residency

# METADATA
# title: Findings for an external API
# description: Refuses a call to an external target for findings that may not leave, even hidden.
deny contains {
	"code": "external_finding",
	"message": sprintf("this request holds %s, which may not leave for an external API", [finding.entity]),
	"status": 403,
} if {
	data.regent.settings.external.enabled
	_is_external
	some class in data.regent.settings.external.classes
	some finding in input.findings
	finding.class == class
	finding.score >= data.regent.settings.external.min_score
}

# METADATA
# title: External APIs by team
# description: Refuses a call to an external target of a team that may not make one.
deny contains {
	"code": "external_not_allowed",
	"message": "this caller may not use external APIs",
	"status": 403,
} if {
	data.regent.settings.external.enabled
	data.regent.settings.external.teams != []
	_is_external
	not names.listed(object.get(input.identity, "team", ""), data.regent.settings.external.teams)
}

# METADATA
# title: Attachments for an external API
# description: Refuses a call to an external target with content that is not text.
deny contains {
	"code": "external_attachment",
	"message": "content that is not text may not leave for an external API",
	"status": 403,
} if {
	data.regent.settings.external.enabled
	not data.regent.settings.external.attachments
	_is_external
	input.llm.attachments != []
}

_is_external if residency.target in data.regent.settings.external.targets
