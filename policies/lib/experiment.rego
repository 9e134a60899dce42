# METADATA
# title: Experiments
# description: Which experiment a call is part of, and its variant.
# schemas:
#   - input: schema.input
#   - data.regent.settings: schema.settings
package regent.lib.experiment

import data.regent.lib.names

# METADATA
# title: Current
# description: The first of the settings' experiments that the call fits and has a variant in.
current := _parts[0]

_parts := [part |
	some experiment in data.regent.settings.experiments
	_fits(experiment)
	at := regent.bucket(_key(experiment), experiment.name)
	some i, variant in experiment.variants
	low := sum([before.share | some j, before in experiment.variants; j < i])
	at >= low
	at < low + variant.share
	part := {"name": experiment.name, "variant": variant}
]

_fits(experiment) if {
	_listed(experiment, "models", input.llm.model)
	_listed(experiment, "teams", object.get(input.identity, "team", ""))
	_key(experiment) != ""
}

_listed(experiment, list, _) if object.get(experiment, list, []) == []

_listed(experiment, list, value) if names.listed(value, experiment[list])

_key(experiment) := object.get(input.identity, object.get(experiment, "key", "subject"), "")
