# METADATA
# title: Models by team
# description: Interns may use small models only.
package regent.request

# METADATA
# title: Small models for interns
deny contains {
	"code": "model_not_approved",
	"message": sprintf("%s is not approved for interns", [input.llm.model]),
	"status": 403,
} if {
	input.identity.team == "interns"
	not endswith(input.llm.model, "-mini")
}

# METADATA
# title: A human looks at large calls
review contains {
	"code": "large_call",
	"message": "calls of more than 2,000 tokens are looked at",
	"status": 409,
} if {
	input.tokens.input > 2000
}
