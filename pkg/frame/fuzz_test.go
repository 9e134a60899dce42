package frame

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// FuzzDecoder cuts any bytes in any pieces: no byte is lost, the events are the
// same, and a rebuilt frame holds the payload it was given.
func FuzzDecoder(f *testing.F) {
	for _, s := range corpus(f) {
		f.Add(s.data, uint8(s.kind), uint64(1))
	}
	f.Add([]byte("\ufeff\n\ufeff\ndata: data: x\n\n"), uint8(0), uint64(1))
	f.Fuzz(func(t *testing.T, data []byte, which uint8, seed uint64) {
		kind := Kind(which%4) + SSE
		rng := rand.New(rand.NewPCG(seed, 0))
		whole, err := events(t, kind, data)
		got, err2 := events(t, kind, cut(rng, data, 1+rng.IntN(12))...)
		if (err == nil) != (err2 == nil) {
			t.Fatalf("%v: %v, in pieces %v", kind, err, err2)
		}
		// After an error fewer bytes may have been pushed.
		if err == nil && lines(got) != lines(whole) {
			t.Fatalf("%v:\n%sin pieces\n%s", kind, lines(whole), lines(got))
		}
		for _, e := range whole {
			rebuilds(t, kind, e)
		}
	})
}

func rebuilds(t *testing.T, kind Kind, e *Event) {
	t.Helper()
	if same := e.Rebuild(nil, e.Payload); !bytes.Equal(same, e.Raw) {
		t.Fatalf("%s rebuilt is %q", describe(e), same)
	}
	other := []byte(`{"other":1}`)
	again := e.Rebuild(nil, other)
	if kind == JSONArray || e.Kind == None {
		return
	}
	if kind == SSE && bytes.HasPrefix(e.Raw, bom) && !e.bom {
		return // not the stream's first event: by itself it would read otherwise
	}
	evs, err := events(t, kind, again)
	if err != nil || len(evs) != 1 || !bytes.Equal(evs[0].Payload, other) || evs[0].Name != e.Name {
		t.Fatalf("%s with another payload is %q, %v", describe(e), again, err)
	}
}

func FuzzSniff(f *testing.F) {
	f.Add("application/json", []byte("[1]"))
	f.Add("", []byte("data: x"))
	f.Add("", bedrockStream()[:20])
	f.Fuzz(func(t *testing.T, media string, first []byte) {
		kind, ok := Sniff(media, first)
		if ok && (kind < SSE || kind > AWSEventStream) {
			t.Fatalf("%q %q is %v", media, first, kind)
		}
	})
}
