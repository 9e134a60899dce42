package call

import (
	"bytes"
	"slices"
	"sort"

	"github.com/regent-proxy/regent/pkg/catalog"
	"github.com/regent-proxy/regent/pkg/detect"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/jsonspan"
	"github.com/regent-proxy/regent/pkg/policy"
)

// found is one finding with the text it lies in.
type found struct {
	text    int // index of the texts it was found among
	finding detect.Finding
	view    *jsonspan.Map // of the text, back to the document's bytes
	value   string        // what was found, decoded
	escaped bool          // it has escapes in it
	remote  bool          // by the remote detector
}

// facts are what a document's texts hold: kept for the edits after the decision.
type facts struct {
	texts    []genai.Text
	findings []found
	local    int // how many of findings are not the remote detector's: the first
	splices  []jsonspan.Splice
	whole    [1]detect.Finding // of the one in hand
}

// readFacts builds the policy's input from the request and what is found in it.
func (c *call) readFacts(request *genai.Request, body []byte) *facts {
	in := &c.input
	*in = policy.Input{
		Phase:    policy.Request,
		Call:     policy.CallFacts{ID: c.rec.ID, Started: c.rec.Started, TraceID: c.rec.TraceID},
		Source:   c.rec.Source,
		Identity: c.rec.Identity,
	}
	if c.reads("http") {
		in.HTTP = httpFacts(&c.dhead, c.head)
	}
	in.LLM = policy.LLMFacts{Dialect: c.rec.Dialect, API: c.rec.API, Provider: c.rec.Provider, Operation: c.rec.Operation}
	if request == nil {
		in.Coverage = c.rec.Coverage
		return nil
	}
	c.rec.Request, c.rec.Operation, c.rec.RequestModel = request, request.Operation, request.Model
	c.addProvenance(&request.Provenance)
	in.LLM.Operation, in.LLM.Model, in.LLM.Stream, in.LLM.Request = request.Operation, request.Model, request.Stream, request
	in.LLM.Text = func(i int) string { return textOf(body, request.Texts[i]) }
	rest := unread{all: c.detect.HasCustom()}
	f := c.scan(c.detect, body, rest.of(request, body))
	c.askRemote(f, body)
	in.Findings = countFindings(f)
	c.trial.request, c.trial.hasRequest = c.scanForTrial(body, f)
	c.rec.RequestFindings = in.Findings
	c.estimate(in, request, body)
	in.Coverage = c.rec.Coverage
	return f
}

// estimate counts the input before the provider does.
func (c *call) estimate(in *policy.Input, request *genai.Request, body []byte) {
	model := c.snap.Catalog.Lookup(c.rec.Provider, request.Model)
	count := model.NewCount()
	for _, t := range request.Texts {
		text, _ := jsonspan.View(body[t.Range.Start:t.Range.End], jsonspan.Encoding(t.Encoding))
		count.Add(text)
	}
	in.Tokens.Input = count.Tokens(len(request.Messages)) + imageTokens(c.rec.Dialect, request, body)
	in.Tokens.ContextWindow = model.ContextWindow()
	if nearly := in.Tokens.ContextWindow * 8 / 10; nearly > 0 && in.Tokens.Input > nearly && len(request.Attachments) == 0 {
		c.exactly(in, &model, request, body)
	}
	if request.Params.MaxTokens != nil {
		in.Tokens.MaxOutput = *request.Params.MaxTokens
	}
	in.Cost.EstimatedUSD, in.Cost.Known = model.Cost(genai.Usage{InputTokens: in.Tokens.Input, OutputTokens: in.Tokens.MaxOutput})
	c.rec.EstimatedInput = in.Tokens.Input
}

// maxExactBody bounds a request that is counted exactly, in bytes: that takes
// about a tenth of a second a megabyte.
const maxExactBody = 256 << 10

// exactly counts a request exactly that comes near the model's context window,
// where a few tokens more or less decide, if its tokenizer is published.
func (c *call) exactly(in *policy.Input, model *catalog.Model, request *genai.Request, body []byte) {
	if len(body) > maxExactBody {
		return
	}
	var sum int64
	for _, t := range request.Texts {
		n, exact := model.CountExact(textOf(body, t))
		if !exact {
			return
		}
		sum += n
	}
	in.Tokens.Input, in.Tokens.Exact = sum+int64(len(request.Messages))*4, true
}

// imageTokens is about what the request's images cost.
func imageTokens(dialect string, request *genai.Request, body []byte) int64 {
	var sum int64
	for _, a := range request.Attachments {
		if a.Modality == "image" {
			width, height := catalog.ImageSize(inlineData(body[a.Range.Start:a.Range.End]))
			sum += catalog.ImageTokens(dialect, width, height)
		}
	}
	return sum
}

// inlineData is the base64 data in an attachment's JSON: its longest string,
// without a data URL's head.
func inlineData(value []byte) []byte {
	data := longestString(jsonspan.Root(value))
	if _, rest, ok := bytes.Cut(data, []byte(";base64,")); ok {
		return rest
	}
	return data
}

func longestString(v jsonspan.Value) (longest []byte) {
	keep := func(b []byte) {
		if len(b) > len(longest) {
			longest = b
		}
	}
	switch v.Kind() {
	case jsonspan.String:
		raw := v.Raw()
		return raw[1 : len(raw)-1]
	case jsonspan.Object:
		for _, member := range v.Members() {
			keep(longestString(member))
		}
	case jsonspan.Array:
		for _, element := range v.Elements() {
			keep(longestString(element))
		}
	}
	return longest
}

// textOf is the decoded text of t in doc.
func textOf(doc []byte, t genai.Text) string {
	text, _ := jsonspan.View(doc[t.Range.Start:t.Range.End], jsonspan.Encoding(t.Encoding))
	return string(text)
}

// scan finds what is sensitive in the texts of doc.
func (c *call) scan(set *detect.Set, doc []byte, texts []genai.Text) *facts {
	f := &facts{texts: texts}
	var hits []detect.Finding
	for i, t := range texts {
		text, m := viewOf(doc, t)
		if c.phase == policy.Request {
			hits = set.ScanAs(text, string(t.Role), hits[:0])
		} else {
			c.noteHosts(&t, text)
			hits = c.canaries(text, &t, set.Scan(text, hits[:0]))
		}
		inner := inEscapes(set, text)
		hits = slices.DeleteFunc(hits, func(f detect.Finding) bool { return within(f, inner) })
		plain := len(hits)
		hits = append(hits, inner...)
		if len(hits) == 0 {
			continue
		}
		view := new(jsonspan.Map)
		*view = m
		for n, hit := range hits {
			value := string(text[hit.Start:hit.End])
			if n >= plain {
				value = undo(value)
			}
			f.findings = append(f.findings, found{text: i, finding: hit, view: view, value: value, escaped: n >= plain})
		}
	}
	f.local = len(f.findings)
	return f
}

// countFindings folds findings into one fact a kind: entity, class, place, role.
func countFindings(f *facts) []policy.FindingFact {
	var out []policy.FindingFact
	for _, each := range f.findings {
		t := f.texts[each.text]
		out = addFinding(out, each.finding, t.Kind, t.Role)
	}
	sortFindings(out)
	return out
}

func addFinding(list []policy.FindingFact, f detect.Finding, where genai.TextKind, role genai.Role) []policy.FindingFact {
	for i := range list {
		l := &list[i]
		if l.Entity == f.Entity && l.Class == string(f.Class) && l.Where == where && l.Role == role {
			l.Count++
			l.Score = max(l.Score, f.Score)
			return list
		}
	}
	return append(list, policy.FindingFact{Entity: f.Entity, Class: string(f.Class), Where: where, Role: role, Count: 1, Score: f.Score})
}

func sortFindings(list []policy.FindingFact) {
	sort.Slice(list, func(i, j int) bool {
		a, b := &list[i], &list[j]
		if a.Entity != b.Entity {
			return a.Entity < b.Entity
		}
		if a.Where != b.Where {
			return a.Where < b.Where
		}
		return a.Role < b.Role
	})
}
