# METADATA
# title: Sensitivity
# description: How sensitive a call is, from its headers, findings and terms.
# schemas:
#   - input: schema.input
#   - data.regent.settings: schema.settings
package regent.lib.sensitivity

# METADATA
# title: Level
# description: high or low. What a client states can raise it, and lower it only where trust_low says so.
# scope: document
default level := "low"

level := "high" if stated == "high"

level := "high" if {
	not _trusted_low
	_found
}

# METADATA
# title: Stated
# description: What the client states, in lower case. It is a claim.
stated := lower(input.http.headers[data.regent.settings.routing.sensitivity.header])

_trusted_low if {
	stated == "low"
	data.regent.settings.routing.sensitivity.trust_low
}

_found if {
	some finding in input.findings
	finding.score >= data.regent.settings.routing.sensitivity.scores[finding.class]
}

_found if {
	some list in data.regent.settings.routing.sensitivity.terms
	input.terms[list] != []
}
