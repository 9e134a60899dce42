package regent.request

import data.regent.settings

# METADATA
# title: Preview models only where the environment has them
deny contains {"code": "preview_model", "message": "preview models are not offered here", "status": 403} if {
	not settings.custom.preview_models
	endswith(input.llm.model, "-preview")
}

labels["environment"] := settings.custom.environment
