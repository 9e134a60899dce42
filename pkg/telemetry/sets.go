package telemetry

import (
	"slices"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/regent-proxy/regent/pkg/call"
	"github.com/regent-proxy/regent/pkg/genai"
)

// key is everything that tells one call's metric attributes from another's,
// bounded already.
type key struct {
	operation, provider, requestModel, responseModel string
	address                                          string
	port                                             int
	errorType, decision, coverage, target, role      string
	tenant, team, app                                string
	experiment, variant                              string
}

// keyOf bounds the attributes of a call.
func (m *metrics) keyOf(r *call.Record) key {
	admit := admits(r)
	k := key{
		operation: clean(operation(r)), provider: m.providers.of(provider(r), true),
		requestModel: m.models.of(r.RequestModel, admit), responseModel: m.models.of(r.Response.Model, admit),
		address:   m.addresses.of(r.ServerAddress, admit),
		errorType: m.errorTypes.of(r.ErrorType, true), decision: clean(r.Decision), role: clean(r.PolicyRole),
		coverage: string(lowerLevel(r.Coverage)), target: m.targets.of(r.Target, true),
	}
	if k.address != "" && k.address != otherWord {
		k.port = r.ServerPort
	}
	if m.experiments && r.Experiment != nil {
		k.experiment, k.variant = m.variants.of(r.Experiment.Name, true), m.variants.of(r.Experiment.Variant, true)
	}
	for _, label := range m.labels {
		switch label {
		case "tenant":
			k.tenant = m.identities.of(r.Identity.Tenant, true)
		case "team":
			k.team = m.identities.of(r.Identity.Team, true)
		case "app":
			k.app = m.identities.of(r.Identity.App, true)
		}
	}
	return k
}

// admits reports whether a call's names may take a place in a vocabulary: not
// where they were denied here or refused by the provider, who is who knows
// which models exist.
func admits(r *call.Record) bool {
	if len(r.Denies) > 0 {
		return false
	}
	refused := r.HTTPStatus >= 400 && r.HTTPStatus < 500 && r.HTTPStatus != 429
	return !refused && r.Operation != genai.Other
}

// sets are a key's attributes, ready for each instrument.
type sets struct {
	duration, input, output, stream metric.MeasurementOption
	calls, spend                    metric.MeasurementOption
	common                          attribute.Set
}

// setCache keeps the sets of the keys in use: making one costs more than
// counting with it. At its bound it stays as it is, and further keys are made
// anew each time. Safe for concurrent use.
type setCache struct {
	mu    sync.RWMutex
	sets  map[key]*sets
	pairs map[[4]string]metric.MeasurementOption
	rpcs  map[rpcKey]metric.MeasurementOption
}

func (c *setCache) get(k key) *sets {
	c.mu.RLock()
	s := c.sets[k]
	c.mu.RUnlock()
	if s != nil {
		return s
	}
	s = newSets(k)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sets == nil {
		c.sets = map[key]*sets{}
	}
	if len(c.sets) < cachedSets {
		c.sets[k] = s
	}
	return s
}

// pair is a set of two attributes out of bounded words.
func (c *setCache) pair(key1, value1, key2, value2 string) metric.MeasurementOption {
	k := [4]string{key1, value1, key2, value2}
	c.mu.RLock()
	s := c.pairs[k]
	c.mu.RUnlock()
	if s != nil {
		return s
	}
	s = with(k[:]...)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pairs == nil {
		c.pairs = map[[4]string]metric.MeasurementOption{}
	}
	if len(c.pairs) < cachedSets {
		c.pairs[k] = s
	}
	return s
}

func newSets(k key) *sets {
	var common labels
	common.str(attrOperation, k.operation)
	common.str(attrProvider, k.provider)
	common.str(attrRequestModel, k.requestModel)
	common.str(attrResponseModel, k.responseModel)
	common.str(attrServerAddress, k.address)
	common.nonzero(attrServerPort, int64(k.port))

	var team labels
	team.str(attrTenant, k.tenant)
	team.str(attrTeam, k.team)
	team.str(attrApp, k.app)
	who := append(team[:len(team):len(team)], attribute.String(attrOperation, k.operation),
		attribute.String(attrProvider, k.provider), attribute.String(attrRequestModel, k.requestModel))
	who = append(who, attribute.String(attrExperiment, k.experiment), attribute.String(attrVariant, k.variant))
	tokens := append(common[:len(common):len(common)], team...)
	return &sets{
		duration: option(common, attribute.String(attrErrorType, k.errorType)),
		input:    option(tokens, attribute.String(attrTokenType, "input")),
		output:   option(tokens, attribute.String(attrTokenType, "output")),
		stream:   option(common), common: attribute.NewSet(slices.Clone(common)...),
		calls: option(who, attribute.String(attrDecision, k.decision), attribute.String(attrCoverage, k.coverage), attribute.String(attrTarget, k.target), attribute.String(attrPolicyRole, k.role)),
		spend: option(who, attribute.String(attrTarget, k.target)),
	}
}

// option leaves attributes without a value out.
func option(common labels, more ...attribute.KeyValue) metric.MeasurementOption {
	all := slices.Concat(common, more)
	all = slices.DeleteFunc(all, func(kv attribute.KeyValue) bool {
		return kv.Value.AsString() == "" && kv.Value.Type() == attribute.STRING
	})
	return metric.WithAttributeSet(attribute.NewSet(all...))
}

// labels gathers a metric's attributes, and leaves absent ones out.
type labels []attribute.KeyValue

func (l *labels) str(key, value string) {
	if value != "" {
		*l = append(*l, attribute.String(key, value))
	}
}

func (l *labels) nonzero(key string, v int64) {
	if v != 0 {
		*l = append(*l, attribute.Int64(key, v))
	}
}
