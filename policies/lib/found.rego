# METADATA
# title: Found
# description: Which findings refuse a call, and which are hidden.
package regent.lib.found

# METADATA
# title: Refused
# description: The entities among findings that a findings setting refuses.
refused(findings, setting) := {finding.entity |
	some finding in findings
	_named(finding, setting)
	finding.score >= setting.min_score
}

# METADATA
# title: Redactions
# description: The redact decisions that a redaction setting stands for.
redactions(setting) := by_class | by_entity if {
	setting.enabled
	by_class := {{"class": class, "with": setting["with"], "min_score": setting.min_score} | some class in setting.classes}
	by_entity := {{"entity": entity, "with": setting["with"], "min_score": setting.min_score} | some entity in setting.entities}
}

_named(finding, setting) if finding.class in setting.classes

_named(finding, setting) if finding.entity in setting.entities
