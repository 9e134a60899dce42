package call

import (
	"github.com/regent-proxy/regent/pkg/call/phase"
	"github.com/regent-proxy/regent/pkg/policy"
)

// moreMetadata are the facts that most calls don't have, or that join the access
// log with the trace. Counts are of entities: what was found is never told.
func (c *call) moreMetadata(fields []phase.Field) []phase.Field {
	r := &c.rec
	text := func(name, value string) {
		if value != "" {
			fields = append(fields, phase.Field{Name: name, Value: value})
		}
	}
	text("trace_id", r.TraceID)
	text("team", r.Identity.Team)
	text("tenant", r.Identity.Tenant)
	text("app", r.Identity.App)
	text("upstream_model", r.UpstreamModel)
	text("error_type", r.ErrorType)
	if counts := entityCounts(r.RequestFindings, r.ResponseFindings); len(counts) > 0 {
		fields = append(fields, phase.Field{Name: "findings", Value: counts})
	}
	if r.FailedOpen {
		fields = append(fields, phase.Field{Name: "fail_open", Value: true})
	}
	return fields
}

// entityCounts adds findings up by entity, roles and parts together.
func entityCounts(lists ...[]policy.FindingFact) map[string]any {
	var counts map[string]any
	for _, list := range lists {
		for _, f := range list {
			if counts == nil {
				counts = map[string]any{}
			}
			before, _ := counts[f.Entity].(int64)
			counts[f.Entity] = before + int64(f.Count)
		}
	}
	return counts
}
