package opa

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/regent-proxy/regent/pkg/detect"
)

// Bounds of regent.settings.entities. The automaton over the terms takes about
// 250 bytes for each of theirs, and a set in force, one on trial and two to go
// back to may each have one.
const (
	maxEntities  = 256
	maxTermBytes = 256 << 10
	maxPattern   = 4 << 10 // bytes of one pattern
)

// entityCache keeps the detectors of the settings' entities that were built last:
// most reloads change rules, and these take a while. Safe for concurrent use.
type entityCache struct {
	mu   sync.Mutex
	of   [sha256.Size]byte // the settings' entities
	last *detect.Set       // nil where there is none
}

// ownDetectors are the operator's detectors with the entities of the settings;
// nil where those have none.
func ownDetectors(settings map[string]any, o *Options) (*detect.Set, error) {
	declared, _ := settings["entities"].(map[string]any)
	if len(declared) == 0 {
		return nil, nil
	}
	own, err := declaredEntities(declared)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(declared)
	if err != nil {
		return nil, err
	}
	return o.entities.get(sha256.Sum256(text), func() (*detect.Set, error) {
		base := o.Detect
		if base == nil {
			shared, err := embedded()
			if err != nil {
				return nil, err
			}
			base = shared.detect
		}
		set, err := base.With(own)
		if err != nil {
			return nil, fmt.Errorf("data.regent.settings.entities: %w", err)
		}
		return set, nil
	})
}

// get is the set that was kept for a hash, or the one that build makes.
func (c *entityCache) get(of [sha256.Size]byte, build func() (*detect.Set, error)) (*detect.Set, error) {
	if c == nil {
		return build()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last != nil && c.of == of {
		return c.last, nil
	}
	set, err := build()
	if err == nil {
		c.of, c.last = of, set
	}
	return set, err
}

// declaredEntities reads regent.settings.entities, whose shape the settings'
// schema has checked, in the order of their names.
func declaredEntities(declared map[string]any) ([]detect.Custom, error) {
	const at = "data.regent.settings.entities"
	if len(declared) > maxEntities {
		return nil, fmt.Errorf("%s has %d entities, more than %d", at, len(declared), maxEntities)
	}
	terms := 0
	own := make([]detect.Custom, 0, len(declared))
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		c := declaredEntity(name, declared[name].(map[string]any))
		if c.Pattern == "" && len(c.Terms) == 0 {
			return nil, fmt.Errorf("%s.%s has neither a pattern nor terms", at, name)
		}
		if len(c.Pattern) > maxPattern {
			return nil, fmt.Errorf("%s.%s.pattern has %d bytes, more than %d", at, name, len(c.Pattern), maxPattern)
		}
		for _, t := range c.Terms {
			terms += len(t)
		}
		own = append(own, c)
	}
	if terms > maxTermBytes {
		return nil, fmt.Errorf("%s: the terms of all have %d bytes, more than %d", at, terms, maxTermBytes)
	}
	return own, nil
}

func declaredEntity(name string, of map[string]any) detect.Custom {
	c := detect.Custom{
		Entity: name, Class: detect.Class(stringAt(of, "class")), Pattern: stringAt(of, "pattern"),
		Terms: stringList(of["terms"]), Check: stringAt(of, "check"), Score: numberAt(of, "score"),
	}
	if near, ok := of["context"].(map[string]any); ok {
		required, _ := near["required"].(bool)
		c.Context = &detect.Context{
			Words: stringList(near["words"]), Against: stringList(near["against"]),
			Boost: numberAt(near, "boost"), Required: required,
		}
	}
	return c
}

func stringAt(of map[string]any, name string) string {
	s, _ := of[name].(string)
	return s
}

func numberAt(of map[string]any, name string) float64 {
	n, _ := of[name].(json.Number)
	f, _ := n.Float64()
	return f
}
