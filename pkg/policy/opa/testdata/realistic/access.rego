package company.access

# team is the caller's, model the one asked for, as the tables know them.
team := data.tables.teams[input.identity.team]

model := data.tables.models[input.llm.model]
