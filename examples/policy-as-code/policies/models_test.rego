package models_test

import data.regent.request

test_interns_get_small_models if {
	some deny in request.deny with input as {"identity": {"team": "interns"}, "llm": {"model": "gpt-4o"}}
	deny.code == "model_not_approved"
}

test_others_get_any_model if {
	count(request.deny) == 0 with input as {"identity": {"team": "search"}, "llm": {"model": "gpt-4o"}}
}
