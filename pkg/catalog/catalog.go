// Package catalog knows models: who provides them, what they cost, how much
// they can read, and about how many tokens a text is for them.
//
// Most callers want [Catalog.Lookup]: it never fails, and a model nobody knows
// costs nothing that could be stated.
package catalog

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/regent-proxy/regent/pkg/genai"
)

// embedded is made by scripts/catalog/generate.py from pinned packages; the
// licences of its sources are in NOTICE.
//
//go:embed models.json.gz
var embedded []byte

// Catalog is a table of models. It is immutable but for a bounded memory of past
// look-ups, and safe for concurrent use.
type Catalog struct {
	// Date is the day on which the built-in prices were in force, YYYY-MM-DD.
	Date string
	// Sources are where they come from.
	Sources   []string
	providers []*provider
	byName    map[string][]*provider

	known sync.Map // provider + NUL + model → *entry
	size  atomic.Int64
}

// maxKnown bounds the look-ups remembered: when there are as many, all are
// forgotten. Names come from clients, so what is remembered must not be theirs to
// fill for good. A name over maxName bytes is no model's, and is not looked up.
const (
	maxKnown = 4096
	maxName  = 256
)

type table struct {
	Date      string      `json:"date"`
	Sources   []string    `json:"sources"`
	Providers []*provider `json:"providers"`
}

type provider struct {
	ID     string   `json:"id"`
	Name   string   `json:"name"` // gen_ai.provider.name
	Models []*entry `json:"models"`
}

// entry is one model. Prices are US dollars a million tokens; a price that is
// absent is that of the plain token of its direction.
type entry struct {
	ID          string `json:"id"`
	Match       *match `json:"match"`
	Window      int64  `json:"window"` // tokens
	Input       *price `json:"input"`
	Output      *price `json:"output"`
	CacheRead   *price `json:"cache_read"`
	CacheWrite  *price `json:"cache_write"`
	InputAudio  *price `json:"input_audio"`
	OutputAudio *price `json:"output_audio"`
	InputImage  *price `json:"input_image"`
	OutputImage *price `json:"output_image"`
	Reasoning   *price `json:"reasoning"`
}

// Load reads the built-in table and, over it, data: a table of the same form,
// plain or gzipped, whose models outrank those built in. A nil data is none.
func Load(data []byte) (*Catalog, error) {
	c := &Catalog{byName: map[string][]*provider{}}
	if data != nil {
		if err := c.add(data); err != nil {
			return nil, fmt.Errorf("the model catalog: %w", err)
		}
	}
	if err := c.add(embedded); err != nil {
		return nil, fmt.Errorf("the built-in model catalog: %w", err)
	}
	return c, nil
}

func (c *Catalog) add(data []byte) error {
	data, err := unzipped(data)
	if err != nil {
		return err
	}
	var t table
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&t); err != nil {
		return err
	}
	for i, p := range t.Providers {
		if p == nil {
			return fmt.Errorf("providers[%d] is null", i)
		}
		for j, e := range p.Models {
			if e == nil {
				return fmt.Errorf("provider %s: models[%d] is null", p.ID, j)
			}
			if err := e.prepare(); err != nil {
				return fmt.Errorf("provider %s: model %s: %w", p.ID, e.ID, err)
			}
		}
		if p.Name == "" {
			p.Name = p.ID
		}
		c.providers = append(c.providers, p)
		c.byName[p.Name] = append(c.byName[p.Name], p)
	}
	c.Date, c.Sources = t.Date, append(c.Sources, t.Sources...)
	return nil
}

// maxTable bounds a table once decompressed, in bytes.
const maxTable = 64 << 20

func unzipped(data []byte) ([]byte, error) {
	if !bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		return data, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(z, maxTable))
}

func (e *entry) prepare() error {
	if e.Match == nil {
		e.Match = &match{Equals: &e.ID}
	}
	for _, p := range []*price{e.Input, e.Output, e.CacheRead, e.CacheWrite, e.InputAudio, e.OutputAudio, e.InputImage, e.OutputImage, e.Reasoning} {
		if p.negative() {
			return errors.New("a price is negative")
		}
	}
	return e.Match.prepare()
}

// Model is what the catalog knows of one model; the zero Model is unknown.
type Model struct {
	name  string // as asked for
	entry *entry
}

// Lookup finds a model by gen_ai.provider.name and name, dated names included.
// A provider that does not list the model may serve another's: a gateway in
// OpenAI's format, say. So the others are tried then, in the table's order.
func (c *Catalog) Lookup(provider, model string) Model {
	if model == "" || len(model) > maxName {
		return Model{}
	}
	name := strings.ToLower(model)
	key := provider + "\x00" + name
	if e, ok := c.known.Load(key); ok {
		return Model{name: name, entry: e.(*entry)}
	}
	e := c.find(provider, name)
	if c.size.Load() >= maxKnown {
		c.known.Clear()
		c.size.Store(0)
	}
	if _, there := c.known.LoadOrStore(key, e); !there {
		c.size.Add(1)
	}
	return Model{name: name, entry: e}
}

func (c *Catalog) find(provider, name string) *entry {
	for _, p := range c.byName[provider] {
		if e := p.find(name); e != nil {
			return e
		}
	}
	for _, first := range []string{"openai", "anthropic", "gcp.gemini", "mistral_ai", "cohere"} {
		for _, p := range c.byName[first] {
			if e := p.find(name); e != nil {
				return e
			}
		}
	}
	for _, p := range c.providers {
		if e := p.find(name); e != nil {
			return e
		}
	}
	return nil
}

func (p *provider) find(name string) *entry {
	for _, e := range p.Models {
		if e.Match.fits(name) {
			return e
		}
	}
	return nil
}

// Known reports whether the catalog has the model.
func (m Model) Known() bool { return m.entry != nil }

// ID is the catalog's own name of the model, "" where unknown.
func (m Model) ID() string {
	if m.entry == nil {
		return ""
	}
	return m.entry.ID
}

// ContextWindow is how many tokens the model reads, 0 where unknown.
func (m Model) ContextWindow() int64 {
	if m.entry == nil {
		return 0
	}
	return m.entry.Window
}

// Cost is what u costs in US dollars; false where the price is not known. Each
// token is priced once, by its most particular class: cached reads and writes,
// audio and images are subsets of their direction's tokens.
func (m Model) Cost(u genai.Usage) (usd float64, known bool) {
	e := m.entry
	if e == nil || e.Input == nil {
		return 0, false
	}
	size := u.InputTokens // tiers go by the whole input
	in := rest{u.InputTokens}
	usd = in.take(u.CacheReadTokens, e.CacheRead.or(e.Input), size) +
		in.take(u.CacheWriteTokens, e.CacheWrite.or(e.Input), size) +
		in.take(u.AudioInput, e.InputAudio.or(e.Input), size) +
		in.take(u.ImageInput, e.InputImage.or(e.Input), size) +
		in.take(in.left, e.Input, size)
	out := rest{u.OutputTokens}
	usd += out.take(u.ReasoningTokens, e.Reasoning.or(e.Output), size) +
		out.take(u.AudioOutput, e.OutputAudio.or(e.Output), size) +
		out.take(u.ImageOutput, e.OutputImage.or(e.Output), size) +
		out.take(out.left, e.Output, size)
	return usd / 1e6, true
}

// rest is what is left to price of a direction's tokens.
type rest struct{ left int64 }

func (r *rest) take(n int64, p *price, size int64) float64 {
	n = min(max(n, 0), r.left)
	r.left -= n
	return float64(n) * p.at(size)
}

// price is a price, or one by tiers of the input's size: the last whose start the
// input is over holds for the whole call.
type price struct {
	base  float64
	tiers []tier
}

type tier struct {
	From  int64   `json:"from"` // tokens of input
	Price float64 `json:"price"`
}

func (p *price) or(instead *price) *price {
	if p != nil {
		return p
	}
	return instead
}

func (p *price) negative() bool {
	if p == nil {
		return false
	}
	for _, t := range p.tiers {
		if t.Price < 0 {
			return true
		}
	}
	return p.base < 0
}

func (p *price) at(size int64) float64 {
	if p == nil {
		return 0
	}
	usd := p.base
	for _, t := range p.tiers {
		if size > t.From {
			usd = t.Price
		}
	}
	return usd
}

// UnmarshalJSON reads a number, or {"base","tiers":[{"from","price"}]}.
func (p *price) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '{' {
		var tiered struct {
			Base  float64 `json:"base"`
			Tiers []tier  `json:"tiers"`
		}
		if err := json.Unmarshal(data, &tiered); err != nil {
			return err
		}
		p.base, p.tiers = tiered.Base, tiered.Tiers
		return nil
	}
	return json.Unmarshal(data, &p.base)
}
