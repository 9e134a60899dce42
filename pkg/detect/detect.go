// Package detect finds sensitive values and attacks in text.
//
// It knows nothing of JSON, Rego or Envoy: text goes in, whole or in chunks,
// and findings come out as byte ranges of that text. Most callers want
// [Set.Scan] for a whole text and [Set.NewStream] for a running one; the two
// agree on every text, however it is cut.
//
// One pass cuts the text into tokens, another looks for the literals of all
// secrets and terms. A token ends where no personal datum goes on; only one
// with digits, an at sign or the like is looked into, by hand-written checks
// that see the token and the 64 bytes before it, and the plain words between
// are passed eight bytes at a time. A literal's rule is tried
// once nothing that follows can change its answer. Both points depend on the
// text alone, not on how it came.
package detect

// Class is the family an entity belongs to.
type Class string

// Classes. Custom entities may bring their own.
const (
	PII          Class = "pii"
	Secret       Class = "secret"
	Injection    Class = "injection"
	Exfiltration Class = "exfiltration"
)

// Finding is one match: text[Start:End] is, with confidence Score, an Entity.
type Finding struct {
	Start, End int    // bytes, half open
	Entity     string // EMAIL, CREDIT_CARD, …
	Class      Class
	Score      float64 // 0 < Score ≤ 1
	// Continued marks a finding of a stream that goes on with the one before it,
	// which was too long to hold back whole: both stand for one value.
	Continued bool
}
