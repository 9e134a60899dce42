package regent.prod_test

import data.regent.request

test_previews_are_refused if {
	{deny.code | some deny in request.deny} == {"preview_model"} with input as {"llm": {"model": "large-1-preview"}}
}

test_experiments_are_refused if {
	count(request.deny) > 0 with input as {"llm": {"model": "large-2-experimental"}}
}

test_it_is_named if request.labels.environment == "prod" with input as {"llm": {"model": "large-1"}}
