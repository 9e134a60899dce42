package opa

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/policy"
)

// folder writes files and returns their folder.
func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func open(t testing.TB, o Options) *Engine {
	t.Helper()
	e, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// alone opens one module without the default policy.
func alone(t testing.TB, module string) *Set {
	t.Helper()
	return open(t, Options{NoDefault: true, Paths: []string{folder(t, map[string]string{"p.rego": module})}, Timeout: 10 * time.Second}).Current()
}

// chat is a request whose texts are one user message each.
func chat(texts ...string) *policy.Input {
	q := &genai.Request{Operation: genai.Chat, Model: "gpt-4o"}
	for i, s := range texts {
		q.Texts = append(q.Texts, genai.Text{Kind: genai.Content, Role: genai.User, Message: i, Range: genai.Range{End: len(s)}})
		q.Messages = append(q.Messages, genai.Message{Role: genai.User, FirstText: i, EndText: i + 1, Parts: 1})
	}
	return &policy.Input{
		Phase:    policy.Request,
		Call:     policy.CallFacts{ID: "c1", Started: time.Unix(1_700_000_000, 5)},
		HTTP:     policy.HTTPFacts{Method: "POST", Host: "api", Path: "/v1/chat/completions", Headers: [][2]string{{"x-team", "a"}}},
		LLM:      policy.LLMFacts{Dialect: "openai", API: "openai.chat", Operation: genai.Chat, Provider: "openai", Model: "gpt-4o", Request: q, Text: func(i int) string { return texts[i] }},
		Coverage: policy.Coverage{Request: policy.Full, Response: policy.Pending},
	}
}

func decide(t testing.TB, s *Set, in *policy.Input) *policy.Decision {
	t.Helper()
	d, err := s.Evaluate(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDefaultPolicy(t *testing.T) {
	s := open(t, Options{Timeout: 10 * time.Second}).Current()
	redact := []policy.Redact{{Class: "pii", With: "label", MinScore: 0.5}, {Class: "secret", With: "label", MinScore: 0.5}}
	secret := policy.FindingFact{Entity: "AWS_ACCESS_KEY", Class: "secret", Where: genai.Content, Role: genai.User, Count: 1, Score: 0.9}
	for name, c := range map[string]struct {
		change func(*policy.Input)
		target string
		labels map[string]string
	}{
		"plain":  {func(*policy.Input) {}, "public", map[string]string{"sensitivity": "low"}},
		"header": {func(in *policy.Input) { in.HTTP.Headers = [][2]string{{"x-data-sensitivity", "High"}} }, "on-prem", map[string]string{"sensitivity": "high"}},
		"secret": {func(in *policy.Input) { in.Findings = []policy.FindingFact{secret} }, "on-prem", map[string]string{"sensitivity": "high"}},
		"low lies": {func(in *policy.Input) {
			in.HTTP.Headers = [][2]string{{"x-data-sensitivity", "low"}}
			in.Findings = []policy.FindingFact{secret}
		}, "on-prem", map[string]string{"sensitivity": "high"}},
		"term":    {func(in *policy.Input) { in.LLM.Text = func(int) string { return "This is STRICTLY,  Confidential!" } }, "on-prem", map[string]string{"sensitivity": "high"}},
		"no term": {func(in *policy.Input) { in.LLM.Text = func(int) string { return "the confidentiality of impatients" } }, "public", map[string]string{"sensitivity": "low"}},
		"domain":  {func(in *policy.Input) { in.HTTP.Headers = [][2]string{{"x-domain", "medical"}} }, "custom", map[string]string{"sensitivity": "low", "domain": "medical"}},
		"its terms": {func(in *policy.Input) {
			in.LLM.Text = func(int) string { return "what is the counterparty's credit risk?" }
		}, "custom", map[string]string{"sensitivity": "low", "domain": "risk"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := chat("hello")
			c.change(in)
			want := &policy.Decision{Redact: redact, Route: &policy.Route{Target: c.target}, Labels: c.labels, Revision: s.Revision()}
			if diff := cmp.Diff(want, decide(t, s, in)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDefaultResponsePolicy(t *testing.T) {
	s := open(t, Options{Timeout: 10 * time.Second}).Current()
	in := chat("hello")
	in.Phase, in.Response = policy.Response, &policy.ResponseFacts{Status: 200}
	d := decide(t, s, in)
	if len(d.Deny) != 0 || len(d.Redact) != 2 {
		t.Errorf("decision %+v", d)
	}
}

func TestSettingsOverride(t *testing.T) {
	dir := folder(t, map[string]string{"data.yaml": "regent: {settings: {coverage: {refuse_uninspected: true}, models: {allow: ['gpt-4*']}, terms: {blocked: {words: [Zauberwort]}}, findings: {request: {entities: [IBAN]}}}}"})
	s := open(t, Options{Paths: []string{dir}, Timeout: 10 * time.Second}).Current()
	in := chat("please, das zauberwort")
	in.LLM.Model, in.Coverage.Request = "o3", policy.None
	in.Findings = []policy.FindingFact{{Entity: "IBAN", Class: "pii", Score: 0.9, Count: 2}}
	var codes []string
	for _, d := range decide(t, s, in).Deny {
		codes = append(codes, d.Code)
	}
	if diff := cmp.Diff([]string{"blocked_term", "finding", "model_not_allowed", "uninspected"}, codes); diff != "" {
		t.Error(diff)
	}
}

func TestRefusedAtLoad(t *testing.T) {
	request := "package regent.request\n"
	for name, c := range map[string]struct{ file, text, want string }{
		"unknown member":       {"p.rego", request + `dney contains {"code": "x"}`, `did you mean "deny"`},
		"helper":               {"p.rego", request + "helper := 1", "helpers begin with _"},
		"unknown field":        {"p.rego", request + `deny contains {"cod": "x", "code": "y"}`, `did you mean "code"`},
		"mistyped field":       {"p.rego", request + `deny contains {"code": "x", "status": "403"}`, "of type string, not integer"},
		"bad status":           {"p.rego", request + `deny contains {"code": "x", "status": 200}`, "outside 400 to 599"},
		"bad verb":             {"p.rego", request + `redact contains {"class": "pii", "with": "lable"}`, `did you mean "label"`},
		"unknown head":         {"p.rego", request + `route.traget := "x"`, `did you mean "target"`},
		"not enforced":         {"p.rego", request + `limits contains {"name": "a", "key": "b", "unit": "usd", "max": 1}`, "limits is not enforced by this version"},
		"not enforced field":   {"p.rego", request + `route := {"target": "a", "fallback": ["b"]}`, "route.fallback is not enforced"},
		"attempt":              {"p.rego", "package regent.attempt\n" + `labels["x"] := "y"`, "attempt phase is not asked"},
		"misspelt package":     {"p.rego", "package regent.requests\n" + `labels["x"] := "y"`, `did you mean "request"`},
		"misspelt fact":        {"p.rego", request + `deny contains {"code": "x"} if input.llm.modle == "y"`, "modle"},
		"planned fact":         {"p.rego", request + `deny contains {"code": "x"} if input.targets["a"].healthy`, "input.targets is specified but not given by this version"},
		"misspelt fact in lib": {"p.rego", "package mine\nx if input.htp.path", "htp"},
		"unused variable":      {"p.rego", request + `deny contains {"code": "x"} if { y := 1 }`, "unused"},
		"unused import":        {"p.rego", request + "import data.foo\n" + `deny contains {"code": "x"}`, "unused"},
		"syntax":               {"p.rego", request + "deny contains", "p.rego:2"},
		"network":              {"p.rego", request + `labels["x"] := y if y := http.send({"method": "get", "url": "http://a"}).body`, "http.send"},
		"chance":               {"p.rego", request + `labels["x"] := "y" if rand.intn("a", 2) == 1`, "rand.intn"},
		"recursion":            {"p.rego", request + "_a if _b\n_b if _a\n" + `labels["x"] := "y" if _a`, "recursive"},
		"unknown setting":      {"d.yaml", "regent: {settings: {covrage: {}}}", `did you mean "coverage"`},
		"mistyped setting":     {"d.yaml", "regent: {settings: {coverage: {refuse_uninspected: 1}}}", "of type integer, not boolean"},
		"deep unknown setting": {"d.json", `{"regent": {"settings": {"routing": {"targets": {"defualt": "x"}}}}}`, `did you mean "default"`},
		"data as decision":     {"d.yaml", "regent: {request: {deny: []}}", "none that Regent reads"},
		"duplicate key":        {"d.json", `{"a": 1, "a": 2}`, "duplicate"},
		"duplicate yaml key":   {"d.yaml", "a: 1\na: 2", "already defined"},
		"no object":            {"d.yaml", "[1]", "cannot unmarshal"},
		"empty term":           {"d.yaml", "regent: {settings: {terms: {blocked: {words: ['--']}}}}", "neither a letter nor a digit"},
		"rule under data":      {"p.rego", "package regent.settings\nx := 1", "none that Regent reads"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(context.Background(), Options{Paths: []string{folder(t, map[string]string{c.file: c.text})}})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want %q", err, c.want)
			}
			if policy.KindOf(err) != policy.Load {
				t.Errorf("kind %s", policy.KindOf(err))
			}
		})
	}
}

// What only an evaluation shows is an error of the call, never an empty
// decision.
func TestFailedEvaluation(t *testing.T) {
	request := "package regent.request\n"
	for name, c := range map[string]struct {
		text string
		kind policy.ErrorKind
		want string
	}{
		"unknown member":  {request + `deny contains x if x := object.union({"code": input.llm.model}, {"stauts": 1})`, policy.Decode, `request.deny[0]: has the unknown member "stauts": did you mean "status"`},
		"unenforced":      {request + `route := x if x := object.union({"target": input.llm.model}, {"fallback": ["b"]})`, policy.Decode, "route.fallback is not enforced"},
		"mistyped":        {request + `deny contains x if x := concat("", ["a", input.llm.model])`, policy.Decode, "of type string, not object"},
		"no class":        {request + `redact contains {"with": "mask"} if input.llm.model != ""`, policy.Decode, "needs either entity or class"},
		"bad pointer":     {request + `body := [{"op": "remove", "path": concat("", ["a", input.llm.model])}]`, policy.Decode, "begins with /"},
		"header":          {request + `headers.set["x-a"] := concat("", [input.llm.model, "\n"])`, policy.Decode, "not a header that can be set"},
		"pseudo header":   {request + `headers.set[":path"] := input.llm.model`, policy.Decode, "not a header that can be set"},
		"failing builtin": {request + `deny contains {"code": "x"} if json.unmarshal(input.llm.model)`, policy.Eval, "p.rego:2: eval_builtin_error: json.unmarshal"},
		"conflict":        {request + "labels := {\"a\": \"b\"} if input.phase == \"request\"\nlabels := {\"a\": \"c\"} if input.phase != \"response\"", policy.Conflict, "conflict"},
	} {
		t.Run(name, func(t *testing.T) {
			s := alone(t, c.text)
			d, err := s.Evaluate(context.Background(), chat("x"))
			if d != nil || policy.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("decision %v, error %v of kind %s, want %s with %q", d, err, policy.KindOf(err), c.kind, c.want)
			}
		})
	}
}

// A member that depends on no fact is evaluated at load: its faults show then.
func TestConstantMemberAtLoad(t *testing.T) {
	for rule, want := range map[string]string{
		`deny contains x if x := object.union({"code": "a"}, {"stauts": 1})`:               `unknown member "stauts"`,
		`deny contains {"code": "x"} if json.unmarshal(concat("", ["{", "x"]))`:            "json.unmarshal",
		`headers.set[concat("", ["x", ":"])] := "a"`:                                       "not a header",
		`deny contains {"code": "x"} if { some a in numbers.range(1, 1000000000); a < 0 }`: "timeout",
	} {
		dir := folder(t, map[string]string{"p.rego": "package regent.request\n" + rule})
		_, err := Open(context.Background(), Options{NoDefault: true, Paths: []string{dir}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", rule, err, want)
		}
	}
	s := alone(t, "package regent.request\n"+`redact contains {"class": "*"}`+"\n"+`labels["a"] := "b"`)
	for range 2 {
		d := decide(t, s, chat("x"))
		if len(d.Redact) != 1 || d.Labels["a"] != "b" || d.Revision != s.Revision() {
			t.Fatalf("decision %+v", d)
		}
		d.Labels["a"] = "changed"
	}
}

func TestTimeout(t *testing.T) {
	dir := folder(t, map[string]string{"p.rego": "package regent.request\n" + `labels["x"] := "y" if {
	input.llm.model != ""
	some a in numbers.range(1, 100000)
	some b in numbers.range(1, 100000)
	a * b == -1
}`})
	s := open(t, Options{NoDefault: true, Paths: []string{dir}, Timeout: 20 * time.Millisecond}).Current()
	_, err := s.Evaluate(context.Background(), chat("x"))
	if policy.KindOf(err) != policy.Timeout {
		t.Fatalf("error %v of kind %s", err, policy.KindOf(err))
	}
}

func TestCancelled(t *testing.T) {
	s := alone(t, "package regent.request\n"+`labels["x"] := "y"`)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Evaluate(ctx, chat("x")); policy.KindOf(err) != policy.Timeout {
		t.Fatalf("error %v of kind %s", err, policy.KindOf(err))
	}
}

func TestNoRules(t *testing.T) {
	s := alone(t, "package mine\nx := 1")
	if s.Has(policy.Request) {
		t.Fatal("has request rules")
	}
	if _, err := s.Evaluate(context.Background(), chat("x")); policy.KindOf(err) != policy.Undefined {
		t.Fatalf("error %v", err)
	}
}

func TestPanicIsAnError(t *testing.T) {
	s := alone(t, "package regent.request\n"+`labels["x"] := input.llm.messages[0].text`)
	in := chat("x")
	in.LLM.Text = func(int) string { panic("boom") }
	if _, err := s.Evaluate(context.Background(), in); policy.KindOf(err) != policy.Panic {
		t.Fatalf("error %v", err)
	}
}
