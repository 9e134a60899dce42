package telemetry

import (
	"slices"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
)

// attrs gathers a span's attributes as OTLP messages; its methods leave absent
// values out. The messages are made in blocks: a span has about fifty
// attributes, and three allocations each would cost more than all else.
type attrs struct {
	list  []*commonpb.KeyValue
	bytes int64 // about what the attributes take on the wire

	pairs   block[commonpb.KeyValue]
	values  block[commonpb.AnyValue]
	strings block[commonpb.AnyValue_StringValue]
	ints    block[commonpb.AnyValue_IntValue]
	floats  block[commonpb.AnyValue_DoubleValue]
}

func newAttrs() *attrs { return &attrs{list: make([]*commonpb.KeyValue, 0, 48)} }

// block hands out values of one type, some at a time.
type block[T any] struct{ free []T }

func (b *block[T]) next() *T {
	if len(b.free) == 0 {
		b.free = make([]T, 16)
	}
	p := &b.free[0]
	b.free = b.free[1:]
	return p
}

func (b *attrs) add(key string, size int) *commonpb.AnyValue {
	kv, value := b.pairs.next(), b.values.next()
	kv.Key, kv.Value = key, value
	b.list = append(b.list, kv)
	b.bytes += int64(len(key) + size + 8)
	return value
}

func (b *attrs) str(key, value string) {
	if value != "" {
		b.raw(key, clean(value))
	}
}

// has reports whether a key is there: keys that come from outside are asked for,
// because OTLP wants them unique.
func (b *attrs) has(key string) bool {
	return slices.ContainsFunc(b.list, func(kv *commonpb.KeyValue) bool { return kv.Key == key })
}

// long is a string that is not cut.
func (b *attrs) long(key, value string) { b.raw(key, cut(value, len(value))) }

func (b *attrs) raw(key, value string) {
	s := b.strings.next()
	s.StringValue = value
	b.add(key, len(value)).Value = s
}

func (b *attrs) bool(key string, v bool) {
	b.add(key, 1).Value = &commonpb.AnyValue_BoolValue{BoolValue: v}
}

func (b *attrs) int(key string, v int64) {
	i := b.ints.next()
	i.IntValue = v
	b.add(key, 8).Value = i
}

func (b *attrs) float(key string, v float64) {
	f := b.floats.next()
	f.DoubleValue = v
	b.add(key, 8).Value = f
}

func (b *attrs) nonzero(key string, v int64) {
	if v != 0 {
		b.int(key, v)
	}
}

func (b *attrs) intPtr(key string, v *int64) {
	if v != nil {
		b.int(key, *v)
	}
}

func (b *attrs) floatPtr(key string, v *float64) {
	if v != nil {
		b.float(key, *v)
	}
}

// strs is a list of at most maxList strings.
func (b *attrs) strs(key string, list []string) {
	if len(list) == 0 {
		return
	}
	array := &commonpb.ArrayValue{}
	size := 0
	for _, each := range list[:min(len(list), maxList)] {
		s, value := b.strings.next(), b.values.next()
		s.StringValue = clean(each)
		value.Value = s
		array.Values = append(array.Values, value)
		size += len(s.StringValue) + 4
	}
	b.add(key, size).Value = &commonpb.AnyValue_ArrayValue{ArrayValue: array}
}
