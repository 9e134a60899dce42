# METADATA
# title: Found
# description: Which findings are hidden.
package regent.lib.found

# METADATA
# title: Redactions
# description: The redact decisions that a redaction setting stands for.
redactions(setting) := by_class | by_entity if {
	setting.enabled
	by_class := {{"class": class, "with": setting["with"], "min_score": setting.min_score} | some class in setting.classes}
	by_entity := {{"entity": entity, "with": setting["with"], "min_score": setting.min_score} | some entity in setting.entities}
}
