package catalog

import (
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/tiktoken-go/tokenizer"
)

// family is a group of models with one way of cutting text into tokens.
type family struct {
	encoding tokenizer.Encoding // "" where it is not published
	// scale turns the estimate, which is fitted to o200k_base, into the family's.
	scale float64
}

// families by the beginning of a model's name; the first that fits. Scales other
// than OpenAI's are of the providers' own statements that their tokens are
// shorter; they are guesses, and usage settles them.
var families = []struct {
	prefix string
	family
}{
	{"gpt-4o", family{tokenizer.O200kBase, 1}},
	{"gpt-4.1", family{tokenizer.O200kBase, 1}},
	{"gpt-5", family{tokenizer.O200kBase, 1}},
	{"chatgpt-4o", family{tokenizer.O200kBase, 1}},
	{"o1", family{tokenizer.O200kBase, 1}},
	{"o3", family{tokenizer.O200kBase, 1}},
	{"o4", family{tokenizer.O200kBase, 1}},
	{"gpt-oss", family{tokenizer.O200kBase, 1}},
	{"gpt-4.", family{"", 1}}, // whose tokenizer is not stated
	{"gpt-4", family{tokenizer.Cl100kBase, 1.02}},
	{"gpt-3.5", family{tokenizer.Cl100kBase, 1.02}},
	{"text-embedding-3-", family{tokenizer.Cl100kBase, 1.02}},
	{"text-embedding-ada-", family{tokenizer.Cl100kBase, 1.02}},
	{"claude", family{"", 1.15}},
}

func (m Model) family() family {
	name := m.name
	if i := strings.LastIndexByte(name, '/'); i >= 0 { // gateways: openai/gpt-4o
		name = name[i+1:]
	}
	if i := strings.Index(name, "claude"); i > 0 { // Bedrock: us.anthropic.claude-…
		name = name[i:]
	}
	for _, f := range families {
		if strings.HasPrefix(name, f.prefix) {
			return f.family
		}
	}
	return family{"", 1.05}
}

// Count estimates the tokens of the texts added to it, without an allocation, by
// classes of words. docs/TOKENS.md has its error.
type Count struct {
	scale float64
	sum   float64
}

// NewCount begins an estimate for the model.
func (m Model) NewCount() *Count { return &Count{scale: m.family().scale} }

// Add counts text.
func (c *Count) Add(text []byte) { c.sum += estimate(text) }

// perMessage is what a message costs beside its text: its role and its borders.
const perMessage = 4

// Tokens is the estimate for what was added, in so many messages.
func (c *Count) Tokens(messages int) int64 {
	return int64(c.sum*c.scale+0.5) + int64(messages)*perMessage
}

// maxExact bounds the text that is cut into tokens for an exact count, in bytes:
// that takes about a tenth of a second a megabyte.
const maxExact = 256 << 10

// CountExact is the exact number of tokens of text, where the model's tokenizer
// is published and the text is not too long.
func (m Model) CountExact(text string) (n int64, exact bool) {
	f := m.family()
	if f.encoding == "" || len(text) > maxExact {
		return 0, false
	}
	codec, err := codecOf(f.encoding)
	if err != nil {
		return 0, false
	}
	count, err := codec.Count(text)
	return int64(count), err == nil
}

var codecs sync.Map // tokenizer.Encoding → tokenizer.Codec, made on first use

func codecOf(e tokenizer.Encoding) (tokenizer.Codec, error) {
	if c, ok := codecs.Load(e); ok {
		return c.(tokenizer.Codec), nil
	}
	c, err := tokenizer.Get(e)
	if err != nil {
		return nil, err
	}
	codecs.Store(e, c)
	return c, nil
}

// class is what a byte is to the estimate.
type class uint8

const (
	space class = iota
	newline
	letter
	digit
	mark
	wide // the first byte of a character outside ASCII
)

var classes = func() (t [256]class) {
	for i := range t {
		c := byte(i)
		switch {
		case c == ' ':
			t[i] = space
		case c == '\n' || c == '\r' || c == '\t':
			t[i] = newline
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			t[i] = letter
		case c >= '0' && c <= '9':
			t[i] = digit
		case c >= utf8.RuneSelf:
			t[i] = wide
		default:
			t[i] = mark
		}
	}
	return t
}()

// estimate walks text in runs of one class and adds what a run of that length
// costs. The weights were fitted to o200k_base on prose and code.
func estimate(text []byte) float64 {
	var sum float64
	for at := 0; at < len(text); {
		k := classes[text[at]]
		stop := at + 1
		if k == wide {
			stop = at + wideLen(text[at:])
			sum += wideCost(text[at:stop])
			at = stop
			continue
		}
		for stop < len(text) && classes[text[stop]] == k {
			stop++
		}
		sum += runCost(k, stop-at)
		at = stop
	}
	return sum
}

func runCost(k class, n int) float64 {
	switch k {
	case letter:
		return letterCost(n)
	case digit:
		return float64((n + 2) / 3)
	case mark:
		return 0.62 * float64(min(n, 4)) / float64(1+min(n, 4)/3)
	case newline:
		return 0.75
	}
	if n > 1 { // a single space is part of the word behind it
		return 0.55
	}
	return 0
}

// letterCost is the cost of a run of letters: a word is a token up to some
// length; what is much longer is no word, and is cut finely.
func letterCost(n int) float64 {
	switch {
	case n <= 6:
		return 1
	case n <= 12:
		return 1 + 0.07*float64(n-6)
	case n <= 20:
		return 1.42 + 0.2*float64(n-12)
	}
	return float64(n) / 2.6 // encoded data
}

// wideLen is the length of a run of characters outside ASCII.
func wideLen(text []byte) int {
	n := 0
	for n < len(text) && text[n] >= utf8.RuneSelf {
		n++
	}
	return n
}

// wideCost: a character of three bytes or more is most of a token; accented
// letters and other alphabets are a third of one.
func wideCost(run []byte) float64 {
	var sum float64
	for _, c := range run {
		switch {
		case c >= 0xE0:
			sum += 0.72
		case c >= 0xC0:
			sum += 0.34
		}
	}
	return sum
}
