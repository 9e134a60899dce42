package opa

import (
	"context"
	"fmt"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/types"

	"github.com/regent-proxy/regent/pkg/catalog"
	"github.com/regent-proxy/regent/pkg/detect"
	"github.com/regent-proxy/regent/pkg/genai"
)

// knowledge is what some builtins know beside their arguments: the operator's
// catalog and detectors. It reaches them through the evaluation's context.
type knowledge struct {
	catalog *catalog.Catalog
	detect  *detect.Set
}

type knowledgeKey struct{}

// knowledgeOf is what the builtins of a set know; nil where it is nothing of its
// own.
func knowledgeOf(o *Options, own *detect.Set) *knowledge {
	if own == nil {
		own = o.Detect
	}
	if o.Catalog == nil && own == nil {
		return nil
	}
	return &knowledge{o.Catalog, own}
}

// withKnowledge gives an evaluation the set's knowledge, where it has any of its
// own.
func (s *Set) withKnowledge(ctx context.Context) context.Context {
	if s.knows == nil {
		return ctx
	}
	return context.WithValue(ctx, knowledgeKey{}, s.knows)
}

// known is the evaluation's knowledge, or the embedded catalog and all
// detectors, as in tests.
func known(ctx context.Context) (*knowledge, error) {
	own, _ := ctx.Value(knowledgeKey{}).(*knowledge)
	if own != nil && own.catalog != nil && own.detect != nil {
		return own, nil
	}
	shared, err := embedded()
	if err != nil || own == nil {
		return shared, err
	}
	out := *own
	if out.catalog == nil {
		out.catalog = shared.catalog
	}
	if out.detect == nil {
		out.detect = shared.detect
	}
	return &out, nil
}

var embedded = sync.OnceValues(func() (*knowledge, error) {
	models, err := catalog.Load(nil)
	if err != nil {
		return nil, err
	}
	set, err := detect.New(detect.Options{})
	return &knowledge{models, set}, err
})

// knowing are the builtins that use knowledge.
var knowing = []builtin{
	{
		&ast.Builtin{
			Name:        "regent.cost",
			Description: "What tokens of a model cost in US dollars, by the catalog; undefined where the model or its price is not known. input includes cached.",
			Decl: types.NewFunction(
				types.Args(types.Named("provider", types.S), types.Named("model", types.S),
					types.Named("tokens", types.NewObject(nil, types.NewDynamicProperty(types.S, types.N))).Description("input, output, cached, cache_write: numbers; absent is 0")),
				types.Named("usd", types.N),
			),
		}, cost,
	},
	{
		&ast.Builtin{
			Name:        "regent.price",
			Description: "A model's price in US dollars for a million tokens, by the catalog; undefined where it is not known. Where a price rises with a call's size, the lowest.",
			Decl: types.NewFunction(
				types.Args(types.Named("provider", types.S), types.Named("model", types.S)),
				types.Named("price", types.NewObject([]*types.StaticProperty{types.NewStaticProperty("input", types.N), types.NewStaticProperty("output", types.N)}, nil)),
			),
		}, price,
	},
	{
		&ast.Builtin{
			Name:        "regent.detect",
			Description: "What the detectors and the settings' entities find in a text, by entity: {entity, class, count, score}. The first 64 KiB are read.",
			Decl: types.NewFunction(
				types.Args(types.Named("text", types.S)),
				types.Named("findings", types.NewArray(nil, types.NewObject([]*types.StaticProperty{
					types.NewStaticProperty("entity", types.S), types.NewStaticProperty("class", types.S),
					types.NewStaticProperty("count", types.N), types.NewStaticProperty("score", types.N),
				}, nil))),
			),
		}, detected,
	},
}

// tokenCounts are what regent.cost takes.
var tokenCounts = []string{"input", "output", "cached", "cache_write"}

func cost(bctx topdown.BuiltinContext, args []*ast.Term, give func(*ast.Term) error) error {
	u := genai.Usage{Reported: true, HasInput: true, HasOutput: true, HasCacheRead: true, HasCacheWrite: true}
	into := []*int64{&u.InputTokens, &u.OutputTokens, &u.CacheReadTokens, &u.CacheWriteTokens}
	counts, _ := args[2].Value.(ast.Object)
	for _, name := range counts.Keys() {
		at := -1
		for i, each := range tokenCounts {
			if name.Value.Compare(ast.String(each)) == 0 {
				at = i
			}
		}
		if at < 0 {
			return fmt.Errorf("%s are no tokens; known are input, output, cached, cache_write", name)
		}
		*into[at] = integerOf(counts.Get(name).Value)
	}
	usd, ok, err := costOf(bctx.Context, args, u)
	if err != nil || !ok {
		return err
	}
	return give(ast.NumberTerm(floatNumber(usd)))
}

func costOf(ctx context.Context, args []*ast.Term, u genai.Usage) (float64, bool, error) {
	knows, err := known(ctx)
	if err != nil {
		return 0, false, err
	}
	provider, model := args[0].Value.(ast.String), args[1].Value.(ast.String)
	usd, ok := knows.catalog.Lookup(string(provider), string(model)).Cost(u)
	return usd, ok, nil
}

// priced is so few tokens that no price that rises with a call's size has risen.
const priced = 1000

func price(bctx topdown.BuiltinContext, args []*ast.Term, give func(*ast.Term) error) error {
	in, ok, err := costOf(bctx.Context, args, genai.Usage{Reported: true, HasInput: true, HasOutput: true, InputTokens: priced})
	if err != nil || !ok {
		return err
	}
	out, ok, err := costOf(bctx.Context, args, genai.Usage{Reported: true, HasInput: true, HasOutput: true, OutputTokens: priced})
	if err != nil || !ok {
		return err
	}
	million := func(usd float64) *ast.Term { return ast.NumberTerm(floatNumber(usd * 1e6 / priced)) }
	return give(ast.ObjectTerm(ast.Item(ast.InternedTerm("input"), million(in)), ast.Item(ast.InternedTerm("output"), million(out))))
}

// maxDetected bounds what regent.detect reads of a text, in bytes.
const maxDetected = 64 << 10

func detected(bctx topdown.BuiltinContext, args []*ast.Term, give func(*ast.Term) error) error {
	knows, err := known(bctx.Context)
	if err != nil {
		return err
	}
	text := []byte(args[0].Value.(ast.String))
	found := knows.detect.Scan(text[:min(len(text), maxDetected)], nil)
	order, counts, best := []string{}, map[string]int{}, map[string]detect.Finding{}
	for _, f := range found {
		if counts[f.Entity]++; counts[f.Entity] == 1 {
			order = append(order, f.Entity)
		}
		if f.Score > best[f.Entity].Score {
			best[f.Entity] = f
		}
	}
	terms := make([]*ast.Term, len(order))
	for i, entity := range order {
		f := best[entity]
		terms[i] = ast.ObjectTerm(
			ast.Item(ast.InternedTerm("entity"), ast.StringTerm(entity)), ast.Item(ast.InternedTerm("class"), ast.StringTerm(string(f.Class))),
			ast.Item(ast.InternedTerm("count"), ast.InternedTerm(counts[entity])), ast.Item(ast.InternedTerm("score"), ast.NumberTerm(floatNumber(f.Score))),
		)
	}
	return give(ast.ArrayTerm(terms...))
}

// repeats counts the most frequent of a list's values.
func repeats(_ topdown.BuiltinContext, args []*ast.Term, give func(*ast.Term) error) error {
	most, counts := 0, map[string]int{}
	each(args[0].Value, func(v ast.Value) {
		key := v.String()
		counts[key]++
		most = max(most, counts[key])
	})
	return give(ast.InternedTerm(most))
}
