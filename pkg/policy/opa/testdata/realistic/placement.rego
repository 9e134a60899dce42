package company.placement

import data.company.access

# sensitivity is the highest of what was found and what the team always is.
default sensitivity := "low"

sensitivity := "high" if access.team.always_sensitive

sensitivity := "high" if {
	some finding in input.findings
	finding.score >= data.tables.sensitive[finding.class]
}

# region is the first of the team's that the model is served in.
region := [name | some name in access.team.regions; name in access.model.regions][0]

# target is where calls of a sensitivity go in a region.
target := data.tables.targets[region][sensitivity]
