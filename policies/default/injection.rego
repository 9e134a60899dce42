package regent.request

# METADATA
# title: Injection
# description: Refuses a request that looks like an attack on the model.
deny contains {
	"code": "injection",
	"message": "this request looks like an attempt to take over the model",
	"status": 403,
} if {
	data.regent.settings.injection.action == "deny"
	_injected
}

# METADATA
# title: Injection label
labels["injection"] := "suspected" if {
	data.regent.settings.injection.action == "label"
	_injected
}

_injected if {
	some finding in input.findings
	finding.class == "injection"
	finding.score >= data.regent.settings.injection.min_score
	_watched_role(finding.role)
}

_watched_role(_) if data.regent.settings.injection.roles == []

_watched_role(role) if role in data.regent.settings.injection.roles
