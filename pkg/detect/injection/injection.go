// Package injection finds prompt injections and jailbreaks: text that gives a
// language model orders its reader did not.
//
// A text first passes a prefilter that looks for the two halves of an order
// near each other, for chat-template markers and for hidden or encoded text;
// what it clears costs one look at each byte and no allocation. Around each
// place it stops at, a window is read with lookalikes, invisible runes,
// leetspeak and spacing undone, encoded parts are decoded and read again, and
// phrase classes in many languages and a linear model over hashed words and
// word pairs are added up to one score. The score of a text is that of its
// strongest window, so evidence never adds up over a long document, and an
// order buried in one is not thinned out by it.
package injection

import (
	_ "embed"
	"fmt"
	"math"
	"sync"
)

// Role says who the text speaks for: an order in a tool result weighs more
// than in a user's message, and a system prompt may give any order.
type Role string

// Roles. Any other value, and the empty one, is judged as a prompt that may
// contain foreign material.
const (
	System    Role = "system"
	Developer Role = "developer"
	User      Role = "user"
	Assistant Role = "assistant"
	Tool      Role = "tool"
)

// Thresholds of Result.Score. At Likely about 1 % of held-out benign prompts
// and documents are flagged (scripts/injection/README.md has the figures);
// Certain is for policies that refuse without a second look, Possible for
// logs.
const (
	Possible = 0.35
	Likely   = 0.5
	Certain  = 0.85
)

// Result is what Score says of one text.
type Result struct {
	Score      float64  // 0 to 1; see the thresholds
	Start, End int      // bytes of the strongest evidence, half open; 0, 0 without any
	Reasons    []string // names of the phrase classes found, strongest first; "model" where the model alone speaks; nil without any
}

// Options change what a Detector is built of. The zero value is the product.
type Options struct {
	Model   []byte // weights in the form MarshalModel writes; nil for the embedded ones
	NoModel bool   // phrase classes only
	NoRules bool   // the model only, on every window
}

// Detector scores texts. It holds no state between texts and may be used by
// any number of goroutines at once.
type Detector struct {
	p       *phrases
	model   *model
	noRules bool
	pool    sync.Pool
}

//go:embed phrases.txt
var phraseFile string

//go:embed model.bin
var modelFile []byte

// compiled is the phrase file, read once a process.
var compiled = sync.OnceValues(func() (*phrases, error) { return compilePhrases(phraseFile) })

// New builds a Detector; it fails where the options' model does not load.
func New(o Options) (*Detector, error) {
	p, err := compiled()
	if err != nil {
		return nil, fmt.Errorf("injection: %w", err)
	}
	d := &Detector{p: p, noRules: o.NoRules}
	d.pool.New = func() any { return newScanner(d) }
	if o.NoModel {
		return d, nil
	}
	weights := o.Model
	if weights == nil {
		weights = modelFile
	}
	if d.model, err = loadModel(weights); err != nil {
		return nil, fmt.Errorf("injection: %w", err)
	}
	return d, nil
}

// Sizes of the windows a long text is read in.
const (
	windowSize = 3072
	windowLead = 1024 // bytes before the place the prefilter stopped at
	windowTail = 256  // bytes read again by the next window
	windowMost = 8192 // bytes before it, where padding keeps the halves of an order apart
	glanceLead = 160
	glanceTail = 352
)

// Score judges one text as the role's. Its time grows with the length of the
// text; memory does not. A text of System or Developer scores 0 unless it
// hides characters.
func (d *Detector) Score(text []byte, role Role) Result {
	s := d.pool.Get().(*scanner)
	defer d.pool.Put(s)
	return s.score(text, role)
}

// squash maps evidence, in logits, to a score.
func squash(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
