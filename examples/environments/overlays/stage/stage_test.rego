package regent.stage_test

import data.regent.request

test_previews_pass if {
	count(request.deny) == 0 with input as {"llm": {"model": "large-1-preview"}}
}

test_it_is_named if request.labels.environment == "stage" with input as {"llm": {"model": "large-1"}}
