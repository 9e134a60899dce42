// Package catalog knows models: who provides them, what they cost, how much
// they can read, and how many tokens a text is for them.
//
// Most callers want [Catalog.Lookup]: it never fails, and a model nobody knows
// costs nothing that could be stated.
package catalog

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/regent-proxy/regent/pkg/genai"
)

//go:embed prices.json
var embedded []byte

// Catalog is a table of models. It is immutable and safe for concurrent use.
type Catalog struct {
	// Date is the day the prices were taken down, YYYY-MM-DD.
	Date   string
	models map[string]*entry
}

type entry struct {
	Input      *float64 `json:"input"`       // US dollars a million tokens
	CacheRead  *float64 `json:"cache_read"`  // where absent, as input
	CacheWrite *float64 `json:"cache_write"` // where absent, as input
	Output     *float64 `json:"output"`
	Window     int64    `json:"window"` // tokens
}

// Load reads a table: {"date","models":{"provider/model":{"input","output",…}}}.
// A nil data is the embedded one.
func Load(data []byte) (*Catalog, error) {
	if data == nil {
		data = embedded
	}
	var table struct {
		Date   string            `json:"date"`
		Models map[string]*entry `json:"models"`
	}
	if err := json.Unmarshal(data, &table); err != nil {
		return nil, fmt.Errorf("read the model catalog: %w", err)
	}
	return &Catalog{Date: table.Date, models: table.Models}, nil
}

// Model is what the catalog knows of one model; the zero Model is unknown.
type Model struct {
	name  string
	entry *entry
}

// Lookup finds a model by provider and name. A dated or otherwise suffixed name
// ("gpt-4o-2024-08-06") is found by the longest known name it begins with.
func (c *Catalog) Lookup(provider, model string) Model {
	model = strings.ToLower(model)
	for _, prefix := range []string{provider + "/", ""} {
		for name := prefix + model; len(name) > len(prefix); name = cutSuffix(name) {
			if e := c.models[name]; e != nil {
				return Model{name: name, entry: e}
			}
		}
	}
	return Model{}
}

// cutSuffix drops the last dash-separated part of a name.
func cutSuffix(name string) string {
	i := strings.LastIndexAny(name, "-@:")
	if i < 0 {
		return ""
	}
	return name[:i]
}

// Known reports whether the catalog has the model.
func (m Model) Known() bool { return m.entry != nil }

// ContextWindow is how many tokens the model reads, 0 where unknown.
func (m Model) ContextWindow() int64 {
	if m.entry == nil {
		return 0
	}
	return m.entry.Window
}

// Cost is what u costs in US dollars; false where the price is not known.
// Cached reads and writes are subsets of the input and priced by themselves.
func (m Model) Cost(u genai.Usage) (usd float64, known bool) {
	if m.entry == nil || m.entry.Input == nil {
		return 0, false
	}
	plain := u.InputTokens - u.CacheReadTokens - u.CacheWriteTokens
	usd = float64(max(plain, 0))**m.entry.Input +
		float64(u.CacheReadTokens)*or(m.entry.CacheRead, m.entry.Input) +
		float64(u.CacheWriteTokens)*or(m.entry.CacheWrite, m.entry.Input)
	if m.entry.Output != nil {
		usd += float64(u.OutputTokens) * *m.entry.Output
	}
	return usd / 1e6, true
}

func or(price, instead *float64) float64 {
	if price != nil {
		return *price
	}
	return *instead
}

// Count estimates the tokens of texts added to it.
type Count struct{ bytes int }

// NewCount begins an estimate for the model.
func (m Model) NewCount() *Count { return &Count{} }

// Add counts text.
func (c *Count) Add(text []byte) { c.bytes += len(text) }

// Tokens is the estimate for what was added, in so many messages.
func (c *Count) Tokens(messages int) int64 { return int64(c.bytes+3)/4 + int64(messages)*4 }
