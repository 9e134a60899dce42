package regent.request

import data.regent.lib.experiment as trial

# METADATA
# title: Experiment
# description: The experiment and variant that the call is part of.
experiment := {"name": trial.current.name, "variant": trial.current.variant.name} if {
	data.regent.settings.experiments != []
}

# METADATA
# title: Variant's model
route["model"] := trial.current.variant.model if {
	data.regent.settings.experiments != []
}
