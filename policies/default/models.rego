package regent.request

import data.regent.lib.names

# METADATA
# title: Model not listed for the team
# description: Refuses a model that is not among those the settings allow the caller's team.
deny contains {
	"code": "model_not_allowed_for_team",
	"message": sprintf("the model %q is not allowed for this team", [input.llm.model]),
	"status": 403,
} if {
	data.regent.settings.models.teams != {}
	allow := object.get(_own, "allow", [])
	allow != []
	not names.listed(input.llm.model, allow)
}

# METADATA
# title: Model denied to the team
# description: Refuses a model that the settings deny the caller's team.
deny contains {
	"code": "model_denied_to_team",
	"message": sprintf("the model %q is not allowed for this team", [input.llm.model]),
	"status": 403,
} if {
	data.regent.settings.models.teams != {}
	names.listed(input.llm.model, object.get(_own, "deny", []))
}

_own := data.regent.settings.models.teams[input.identity.team]
