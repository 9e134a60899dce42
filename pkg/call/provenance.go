package call

import (
	"strings"

	"go.opentelemetry.io/otel/baggage"

	"github.com/regent-proxy/regent/pkg/call/phase"
	"github.com/regent-proxy/regent/pkg/genai"
)

// ProvenanceSettings say where callers name what a request is made of.
type ProvenanceSettings struct{ PromptID, PromptVersion, DataSources ProvenanceSource }

// ProvenanceSource is where one fact of the provenance is read: the header
// first, then the member of the baggage header (W3C Baggage). Both may be "".
type ProvenanceSource struct{ Header, Baggage string }

// maxSource bounds a word of the provenance, in bytes; a longer one is no id and
// is left out.
const maxSource = 256

// provenanceOf is what the request's head names. What the body names is added
// once it is read.
func provenanceOf(s *ProvenanceSettings, head *phase.RequestHead) (p genai.Provenance) {
	if *s == (ProvenanceSettings{}) {
		return p
	}
	var members baggage.Baggage
	if header := head.Headers.Get("baggage"); header != "" {
		members, _ = baggage.Parse(header) // a malformed one names nothing
	}
	one := func(from ProvenanceSource) string {
		word := strings.TrimSpace(header(head, from.Header))
		if word == "" && from.Baggage != "" {
			word = strings.TrimSpace(members.Member(from.Baggage).Value())
		}
		return word
	}
	p.PromptID, p.PromptVersion = bounded(one(s.PromptID)), bounded(one(s.PromptVersion))
	for each := range strings.SplitSeq(one(s.DataSources), ",") {
		p.AddSource(bounded(strings.TrimSpace(each)))
	}
	return p
}

func bounded(word string) string {
	if len(word) > maxSource {
		return ""
	}
	return word
}

// addProvenance takes over what the body names. It outranks the head for the
// prompt, since the provider acts on it; data sources are joined.
func (c *call) addProvenance(body *genai.Provenance) {
	p := &c.rec.Provenance
	if body.PromptID != "" {
		p.PromptID, p.PromptVersion = body.PromptID, body.PromptVersion
	}
	for _, source := range body.DataSources {
		p.AddSource(source)
	}
}
