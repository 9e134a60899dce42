package catalog

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regent-proxy/regent/pkg/genai"
)

func load(t testing.TB, data string) *Catalog {
	t.Helper()
	var b []byte
	if data != "" {
		b = []byte(data)
	}
	c, err := Load(b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLookup(t *testing.T) {
	c := load(t, "")
	for _, x := range []struct{ provider, model, id string }{
		{"openai", "gpt-4o", "gpt-4o"},
		{"openai", "GPT-4o-2024-08-06", "gpt-4o"},
		{"openai", "gpt-4o-mini-2024-07-18", "gpt-4o-mini"},
		{"anthropic", "claude-3-5-haiku-20241022", "claude-3-5-haiku-latest"},
		{"unheard_of", "gpt-4o-mini", "gpt-4o-mini"},
		{"openai", "no-such-model-at-all", ""},
		{"openai", "", ""},
	} {
		for range 2 { // fresh, and remembered
			m := c.Lookup(x.provider, x.model)
			if m.ID() != x.id || m.Known() != (x.id != "") {
				t.Errorf("%s %s is %q, want %q", x.provider, x.model, m.ID(), x.id)
			}
		}
	}
	if w := c.Lookup("openai", "gpt-4o").ContextWindow(); w != 128000 {
		t.Errorf("gpt-4o reads %d", w)
	}
}

func TestLookupsRememberedAreBounded(t *testing.T) {
	c := load(t, "")
	for i := range 2 * maxKnown {
		c.Lookup("openai", fmt.Sprintf("no-such-%d", i))
	}
	if n := c.size.Load(); n > maxKnown+64 {
		t.Errorf("%d look-ups are remembered", n)
	}
	before := c.size.Load()
	if c.Lookup("openai", "gpt-4o"+strings.Repeat("x", maxName)).Known() || c.size.Load() != before {
		t.Error("an endless name is looked up and remembered")
	}
}

const own = `{"date":"2026-01-01","sources":["ours"],"providers":[{"id":"openai","name":"openai","models":[
 {"id":"house","match":{"or":[{"equals":"House-1"},{"and":[{"starts_with":"house-"},{"ends_with":"-x"}]},{"contains":"manor"},{"regex":"^villa-\\d+$"}]},
  "window":1000,"input":{"base":2,"tiers":[{"from":100,"price":4}]},"output":10,"cache_read":0.5,"cache_write":3,"output_audio":20,"reasoning":12},
 {"id":"gpt-4o","input":1,"output":1},
 {"id":"free","window":5}]}]}`

func TestOwnTableOutranks(t *testing.T) {
	c := load(t, own)
	for _, name := range []string{"house-1", "HOUSE-9-x", "the-manor", "villa-12"} {
		if id := c.Lookup("openai", name).ID(); id != "house" {
			t.Errorf("%s is %q", name, id)
		}
	}
	if id := c.Lookup("openai", "villa-x").ID(); id != "" {
		t.Errorf("villa-x is %q", id)
	}
	if usd, _ := c.Lookup("openai", "gpt-4o").Cost(genai.Usage{InputTokens: 1e6}); usd != 1 {
		t.Errorf("gpt-4o costs %v", usd)
	}
}

func TestCost(t *testing.T) {
	m := load(t, own).Lookup("openai", "house-1")
	for name, x := range map[string]struct {
		u    genai.Usage
		want float64 // of a million
	}{
		"plain":       {genai.Usage{InputTokens: 100, OutputTokens: 10}, 100*2 + 10*10},
		"second tier": {genai.Usage{InputTokens: 101}, 101 * 4},
		"cached":      {genai.Usage{InputTokens: 100, CacheReadTokens: 60, CacheWriteTokens: 30}, 60*0.5 + 30*3 + 10*2},
		"more cached": {genai.Usage{InputTokens: 50, CacheReadTokens: 80}, 50 * 0.5},
		"reasoning":   {genai.Usage{OutputTokens: 10, ReasoningTokens: 4}, 4*12 + 6*10},
		"audio":       {genai.Usage{OutputTokens: 10, AudioOutput: 4}, 4*20 + 6*10},
		"audio in":    {genai.Usage{InputTokens: 10, AudioInput: 4}, 10 * 2},
		"negative":    {genai.Usage{InputTokens: 10, CacheReadTokens: -5}, 10 * 2},
		"nothing":     {genai.Usage{}, 0},
	} {
		if usd, known := m.Cost(x.u); !known || math.Abs(usd*1e6-x.want) > 1e-6 {
			t.Errorf("%s: %v, want %v", name, usd*1e6, x.want)
		}
	}
	if _, known := load(t, own).Lookup("openai", "free").Cost(genai.Usage{InputTokens: 1}); known {
		t.Error("a model without a price has a cost")
	}
	if _, known := (Model{}).Cost(genai.Usage{InputTokens: 1}); known {
		t.Error("an unknown model has a cost")
	}
}

func TestBadTables(t *testing.T) {
	for name, data := range map[string]string{
		"no json":       `{`,
		"unknown key":   `{"providers":[{"id":"a","models":[{"id":"m","inptu":1}]}]}`,
		"empty rule":    `{"providers":[{"id":"a","models":[{"id":"m","match":{}}]}]}`,
		"bad regex":     `{"providers":[{"id":"a","models":[{"id":"m","match":{"regex":"("}}]}]}`,
		"price a word":  `{"providers":[{"id":"a","models":[{"id":"m","input":"dear"}]}]}`,
		"null provider": `{"providers":[null]}`,
		"null model":    `{"providers":[{"id":"a","models":[null]}]}`,
		"null rule":     `{"providers":[{"id":"a","models":[{"id":"m","match":{"or":[null]}}]}]}`,
		"two members":   `{"providers":[{"id":"a","models":[{"id":"m","match":{"equals":"a","contains":"b"}}]}]}`,
		"negative":      `{"providers":[{"id":"a","models":[{"id":"m","input":-1}]}]}`,
		"negative tier": `{"providers":[{"id":"a","models":[{"id":"m","input":{"base":1,"tiers":[{"from":1,"price":-1}]}}]}]}`,
		"not gzip":      "\x1f\x8bnonsense",
	} {
		if _, err := Load([]byte(data)); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestProvider(t *testing.T) {
	c := load(t, "")
	for _, x := range []struct{ host, dialect, want string }{
		{"api.openai.com", "openai", "openai"},
		{"my.openai.azure.com", "openai", "azure.ai.openai"},
		{"us-central1-aiplatform.googleapis.com", "gemini", "gcp.vertex_ai"},
		{"bedrock-runtime.us-east-1.amazonaws.com", "bedrock", "aws.bedrock"},
		{"API.GROQ.COM", "openai", "groq"},
		{"llm.internal", "anthropic", "anthropic"},
		{"evil-openrouter.ai", "openai", "openai"},
		{"openrouter.ai.evil.example", "openai", "openai"},
	} {
		if got := c.Provider(x.host, x.dialect); got != x.want {
			t.Errorf("%s is %s, want %s", x.host, got, x.want)
		}
	}
}

// corpora are texts of several kinds: what lies in this repository, and a few
// sentences in other languages.
func corpora(t testing.TB) map[string]string {
	t.Helper()
	read := func(pattern string) string {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		var b strings.Builder
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			b.Write(text)
		}
		s := b.String()
		return s[:min(len(s), 60_000)]
	}
	return map[string]string{
		"documentation": read("../../docs/*.md"),
		"Go code":       read("../call/*.go"),
		"Rego code":     read("../../policies/*/*.rego"),
		"French":        strings.Repeat("La médiathèque ouvrira ses portes dès neuf heures; les habitants du quartier y trouveront des livres, des journaux et un café où l'on pourra discuter à son aise. ", 20),
		"German":        strings.Repeat("Die Gemeindebibliothek öffnet morgens um neun; wer möchte, findet dort Bücher, Zeitschriften und eine Ecke, in der man sich in Ruhe unterhalten kann. ", 20),
		"Chinese":       strings.Repeat("图书馆早上九点开门，附近的居民可以在那里找到书籍、报纸和一个可以安静聊天的角落。", 40),
		"Russian":       strings.Repeat("Библиотека открывается в девять часов утра; жители района найдут там книги, газеты и уголок для спокойной беседы. ", 20),
		"prose":         strings.Repeat("The town library opens its doors at nine in the morning, and people from the neighbourhood come in to read the papers, borrow a few novels and talk quietly over coffee. ", 40),
		"JSON":          strings.Repeat(`{"id":"a81f","name":"Garden chair","price":49.5,"tags":["wood","outdoor"],"stock":{"berlin":12,"paris":0}},`, 40),
	}
}

// The estimate is within a quarter of the exact count on every kind of text, and
// within an eighth on the whole.
func TestEstimateError(t *testing.T) {
	m := load(t, "").Lookup("openai", "gpt-4o")
	var sum, n float64
	for kind, text := range corpora(t) {
		exact, ok := m.CountExact(text)
		if !ok {
			t.Fatal("gpt-4o has no exact count")
		}
		c := m.NewCount()
		c.Add([]byte(text))
		off := float64(c.Tokens(0))/float64(exact) - 1
		sum, n = sum+math.Abs(off), n+1
		t.Logf("%-14s %6d bytes %6d tokens, estimate %+.1f %%", kind, len(text), exact, 100*off)
		if math.Abs(off) > 0.25 {
			t.Errorf("%s: off by %.1f %%", kind, 100*off)
		}
	}
	t.Logf("mean of the absolute errors %.1f %%", 100*sum/n)
	if sum/n > 0.125 {
		t.Errorf("off by %.1f %% on the whole", 100*sum/n)
	}
}

func TestCountExact(t *testing.T) {
	c := load(t, "")
	if n, ok := c.Lookup("openai", "gpt-4o").CountExact("hello world"); !ok || n != 2 {
		t.Errorf("%d, %t", n, ok)
	}
	for _, m := range [][2]string{{"anthropic", "claude-sonnet-4-5"}, {"gcp.vertex_ai", "text-embedding-004"}, {"openai", "gpt-4.5-preview"}} {
		if _, ok := c.Lookup(m[0], m[1]).CountExact("hello"); ok {
			t.Errorf("%s, whose tokenizer is not known, counts exactly", m[1])
		}
	}
	if one, other := c.Lookup("anthropic", "claude-sonnet-4-5").family(), c.Lookup("aws.bedrock", "us.anthropic.claude-sonnet-4-5-v1:0").family(); one != other {
		t.Errorf("Claude is scaled by %v, on Bedrock by %v", one, other)
	}
	if _, ok := c.Lookup("openai", "gpt-4o").CountExact(strings.Repeat("a", maxExact+1)); ok {
		t.Error("a long text was counted exactly")
	}
}

func TestCountAllocatesNothing(t *testing.T) {
	m := load(t, "").Lookup("openai", "gpt-4o")
	text := []byte(strings.Repeat("some words, 12 numbers and 日本語. ", 50))
	c := m.NewCount()
	if n := testing.AllocsPerRun(100, func() { c.Add(text) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzEstimate(f *testing.F) {
	f.Add([]byte("hello \xff\xfe 日本"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if n := estimate(text); n < 0 || n > 2*float64(len(text))+1 || math.IsNaN(n) {
			t.Fatalf("%q is %v tokens", text, n)
		}
	})
}

func BenchmarkEstimate(b *testing.B) {
	for kind, text := range corpora(b) {
		b.Run(kind, func(b *testing.B) {
			data := []byte(text)
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				estimate(data)
			}
		})
	}
}

func BenchmarkLookup(b *testing.B) {
	c := load(b, "")
	for b.Loop() {
		c.Lookup("openai", "gpt-4o-2024-08-06")
	}
}
