package telemetry

import (
	"cmp"
	"math"
	"slices"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of OTLP's messages (opentelemetry/proto/trace/v1/trace.proto and
// common/v1/common.proto, v1.11).
const (
	fieldScopeSpans protowire.Number = 2 // ScopeSpans.spans

	fieldTraceID    protowire.Number = 1
	fieldSpanID     protowire.Number = 2
	fieldTraceState protowire.Number = 3
	fieldParentID   protowire.Number = 4
	fieldName       protowire.Number = 5
	fieldKind       protowire.Number = 6
	fieldStart      protowire.Number = 7
	fieldEnd        protowire.Number = 8
	fieldAttribute  protowire.Number = 9
	fieldEvent      protowire.Number = 11
	fieldStatus     protowire.Number = 15
	fieldFlags      protowire.Number = 16

	fieldEventTime  protowire.Number = 1
	fieldEventName  protowire.Number = 2
	fieldStatusCode protowire.Number = 3

	fieldKey    protowire.Number = 1 // KeyValue
	fieldValue  protowire.Number = 2
	fieldString protowire.Number = 1 // AnyValue
	fieldBool   protowire.Number = 2
	fieldInt    protowire.Number = 3
	fieldDouble protowire.Number = 4
	fieldArray  protowire.Number = 5
)

// encoder writes a span as OTLP's wire format. Message structs and protobuf's
// reflection cost five times the CPU: a span has fifty attributes of three
// messages each. Its methods for attributes leave absent values out.
type encoder struct {
	wire []byte   // the span's fields
	keys []string // of the attributes
	next bool     // newer names in the place of older ones
}

var encoders = sync.Pool{New: func() any { return &encoder{wire: make([]byte, 0, 4096), keys: make([]string, 0, 64)} }}

func newEncoder() *encoder {
	e := encoders.Get().(*encoder)
	e.wire, e.keys, e.next = e.wire[:0], e.keys[:0], false
	return e
}

// free gives the encoder back; it must not be used again.
func (e *encoder) free() {
	clear(e.keys) // they may hold a caller's strings
	if cap(e.wire) <= maxContent {
		encoders.Put(e)
	}
}

// Fields of the span itself.

func (e *encoder) bytesField(n protowire.Number, v []byte) {
	e.wire = protowire.AppendTag(e.wire, n, protowire.BytesType)
	e.wire = protowire.AppendBytes(e.wire, v)
}

func (e *encoder) stringField(n protowire.Number, v string) {
	if v != "" {
		e.wire = protowire.AppendTag(e.wire, n, protowire.BytesType)
		e.wire = protowire.AppendString(e.wire, v)
	}
}

func (e *encoder) varintField(n protowire.Number, v uint64) {
	e.wire = protowire.AppendTag(e.wire, n, protowire.VarintType)
	e.wire = protowire.AppendVarint(e.wire, v)
}

func (e *encoder) fixed64Field(n protowire.Number, v uint64) {
	e.wire = protowire.AppendTag(e.wire, n, protowire.Fixed64Type)
	e.wire = protowire.AppendFixed64(e.wire, v)
}

func (e *encoder) fixed32Field(n protowire.Number, v uint32) {
	e.wire = protowire.AppendTag(e.wire, n, protowire.Fixed32Type)
	e.wire = protowire.AppendFixed32(e.wire, v)
}

// event has no attributes.
func (e *encoder) event(name string, at uint64) {
	size := protowire.SizeTag(fieldEventTime) + protowire.SizeFixed64() + protowire.SizeTag(fieldEventName) + protowire.SizeBytes(len(name))
	e.wire = protowire.AppendTag(e.wire, fieldEvent, protowire.BytesType)
	e.wire = protowire.AppendVarint(e.wire, uint64(size))
	e.fixed64Field(fieldEventTime, at)
	e.stringField(fieldEventName, name)
}

// status is unset on success, as the conventions want it. There is no text: it
// might quote content.
func (e *encoder) status(failed bool) {
	if failed {
		e.wire = protowire.AppendTag(e.wire, fieldStatus, protowire.BytesType)
		e.wire = protowire.AppendVarint(e.wire, uint64(protowire.SizeTag(fieldStatusCode)+protowire.SizeVarint(statusError)))
		e.varintField(fieldStatusCode, statusError)
	}
}

// Attributes.

// has reports whether a key is there: keys that come from outside are asked for,
// because OTLP wants them unique.
func (e *encoder) has(key string) bool { return slices.Contains(e.keys, key) }

// attribute begins an attribute whose AnyValue takes size bytes, which follow.
func (e *encoder) attribute(key string, size int) {
	if e.next {
		key = cmp.Or(nextNames[key], key)
	}
	e.keys = append(e.keys, key)
	whole := protowire.SizeTag(fieldKey) + protowire.SizeBytes(len(key)) + protowire.SizeTag(fieldValue) + protowire.SizeBytes(size)
	e.wire = protowire.AppendTag(e.wire, fieldAttribute, protowire.BytesType)
	e.wire = protowire.AppendVarint(e.wire, uint64(whole))
	e.stringField(fieldKey, key)
	e.wire = protowire.AppendTag(e.wire, fieldValue, protowire.BytesType)
	e.wire = protowire.AppendVarint(e.wire, uint64(size))
}

func (e *encoder) str(key, value string) {
	if value != "" {
		e.long(key, clean(value))
	}
}

// long is a string that is not cut; it must be valid UTF-8 and not empty.
func (e *encoder) long(key, value string) {
	e.attribute(key, sizeString(value))
	e.stringField(fieldString, value)
}

func sizeString(s string) int { return protowire.SizeTag(fieldString) + protowire.SizeBytes(len(s)) }

func (e *encoder) bool(key string, v bool) {
	e.attribute(key, protowire.SizeTag(fieldBool)+1)
	e.varintField(fieldBool, protowire.EncodeBool(v))
}

func (e *encoder) int(key string, v int64) {
	e.attribute(key, protowire.SizeTag(fieldInt)+protowire.SizeVarint(uint64(v)))
	e.varintField(fieldInt, uint64(v))
}

func (e *encoder) float(key string, v float64) {
	e.attribute(key, protowire.SizeTag(fieldDouble)+protowire.SizeFixed64())
	e.fixed64Field(fieldDouble, math.Float64bits(v))
}

func (e *encoder) nonzero(key string, v int64) {
	if v != 0 {
		e.int(key, v)
	}
}

func (e *encoder) intPtr(key string, v *int64) {
	if v != nil {
		e.int(key, *v)
	}
}

func (e *encoder) floatPtr(key string, v *float64) {
	if v != nil {
		e.float(key, *v)
	}
}

// strs is a list of at most maxList strings; empty ones are left out.
func (e *encoder) strs(key string, list []string) {
	var kept [maxList]string
	n, size := 0, 0
	for _, each := range list[:min(len(list), maxList)] {
		if each != "" {
			kept[n] = clean(each)
			size += protowire.SizeTag(1) + protowire.SizeBytes(sizeString(kept[n]))
			n++
		}
	}
	if n == 0 {
		return
	}
	e.attribute(key, protowire.SizeTag(fieldArray)+protowire.SizeBytes(size))
	e.wire = protowire.AppendTag(e.wire, fieldArray, protowire.BytesType)
	e.wire = protowire.AppendVarint(e.wire, uint64(size))
	for _, each := range kept[:n] {
		e.wire = protowire.AppendTag(e.wire, 1, protowire.BytesType) // ArrayValue.values
		e.wire = protowire.AppendVarint(e.wire, uint64(sizeString(each)))
		e.stringField(fieldString, each)
	}
}
