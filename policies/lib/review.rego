# METADATA
# title: Approval
# description: Why a human must approve a call.
# schemas:
#   - input: schema.input
#   - data.regent.settings: schema.settings
package regent.lib.review

import data.regent.lib.names

# METADATA
# title: Reasons
# description: Why, as codes and words.
reasons contains {"code": "cost", "message": sprintf("it may cost more than %v dollars", [data.regent.settings.approval.cost_usd])} if {
	data.regent.settings.approval.cost_usd > 0
	input.cost.estimated_usd >= data.regent.settings.approval.cost_usd
}

reasons contains {"code": "input_tokens", "message": sprintf("it has more than %v input tokens", [data.regent.settings.approval.input_tokens])} if {
	data.regent.settings.approval.input_tokens > 0
	input.tokens.input >= data.regent.settings.approval.input_tokens
}

reasons contains {"code": "model", "message": sprintf("the model %q is used with approval only", [input.llm.model])} if {
	names.listed(input.llm.model, data.regent.settings.approval.models)
}

reasons contains {"code": "tool", "message": sprintf("the tool %q is offered with approval only", [tool.name])} if {
	data.regent.settings.approval.tools != []
	some tool in input.llm.tools
	names.listed(tool.name, data.regent.settings.approval.tools)
}

reasons contains {"code": "finding", "message": sprintf("it holds %s", [finding.entity])} if {
	some class in data.regent.settings.approval.classes
	some finding in input.findings
	finding.class == class
	finding.score >= data.regent.settings.approval.min_score
}
