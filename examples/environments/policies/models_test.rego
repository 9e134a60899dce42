package regent.models_test

import data.regent.request

preview := {"llm": {"model": "large-1-preview"}}

# True of the tree itself, whatever an environment lays over it.
test_previews_are_refused_where_they_are_off if {
	some deny in request.deny with input as preview with data.regent.settings.custom.preview_models as false
	deny.code == "preview_model"
}

test_other_models_pass if {
	count(request.deny) == 0 with input as {"llm": {"model": "large-1"}}
}
