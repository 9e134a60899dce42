package call

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/regent-proxy/regent/pkg/call/phase"
	"github.com/regent-proxy/regent/pkg/redact"
	"github.com/regent-proxy/regent/pkg/simulate"
)

// dialogue is a call whose request has left, to be answered.
func (b *bench) dialogue(t testing.TB, path, request string) (c phase.Call, sent []byte) {
	t.Helper()
	head := &phase.RequestHead{Attributes: map[string]string{}, Headers: phase.Headers{
		{Name: ":method", Value: "POST"}, {Name: ":authority", Value: "provider.example"}, {Name: ":path", Value: path}, {Name: "content-type", Value: "application/json"},
	}}
	c, _ = b.svc.Open(context.Background(), head)
	v := c.RequestBody([]byte(request))
	if v.Reply != nil {
		t.Fatalf("%s: refused: %s", path, v.Reply.Body)
	}
	if v.Replace {
		return c, v.NewBody
	}
	return c, []byte(request)
}

// leaves is what leaves of a response in chunks; false where it is not wanted as a
// stream.
func leaves(c phase.Call, contentType string, chunks ...[]byte) (string, bool) {
	defer c.Close(true, nil)
	if c.ResponseHeaders(responseHead("200", contentType)).Body != phase.BodyStream {
		return "", false
	}
	var out strings.Builder
	for i, chunk := range chunks {
		v := c.ResponseBody(append([]byte(nil), chunk...), i == len(chunks)-1)
		out.Write(v.Emit)
		if v.End {
			break
		}
	}
	return strings.ReplaceAll(out.String(), c.(*call).rec.ID, "ID"), true
}

// In every dialect, a stream leaves the same however it is cut, with values hidden
// in it and with stand-ins to be given back.
func TestEveryDialectsStreamInTwo(t *testing.T) {
	provider, err := simulate.New(simulate.Options{Behaviour: "reasoning;chunk=3"})
	if err != nil {
		t.Fatal(err)
	}
	most := 120
	if testing.Short() {
		most = 20
	}
	for name, r := range map[string]rules{
		"hidden":   {request: allow, response: redactAll},
		"restored": {request: everything(redact.Pseudonym), response: redactAll},
	} {
		b := newBench(t, r)
		streams := 0
		for i, s := range spokenTo {
			random := rand.New(rand.NewPCG(uint64(i), 21))
			text, values := "to jane.doe@example.com, card 4111 1111 1111 1111", planted
			request := filled(random, s.body, text)
			c, sent := b.dialogue(t, s.path, request)
			answer, contentType := ask(provider, s.path, string(sent))
			if _, ok := leaves(c, contentType, answer); !ok {
				continue
			}
			streams++
			pass := func(chunks ...[]byte) string {
				c, _ := b.dialogue(t, s.path, request)
				out, _ := leaves(c, contentType, chunks...)
				if name == "hidden" {
					if v := hasAny(strings.Join(heard(t, c.(*call), out), "\x00"), values); v != "" {
						t.Fatalf("%s: the client hears %q", s.name, v)
					}
				}
				return out
			}
			whole := pass(answer)
			if whole == string(answer) {
				t.Fatalf("%s, %s: nothing was changed", name, s.name)
			}
			for at := 1; at < len(answer); at += 1 + len(answer)/most {
				if got := pass(answer[:at], answer[at:]); got != whole {
					t.Fatalf("%s, %s: cut at %d it leaves as\n%s\nwhole as\n%s", name, s.name, at, got, whole)
				}
			}
			var bytes [][]byte
			for at := range answer {
				bytes = append(bytes, answer[at:at+1])
			}
			if got := pass(bytes...); got != whole {
				t.Fatalf("%s, %s: byte by byte it leaves as\n%s\nwhole as\n%s", name, s.name, got, whole)
			}
		}
		if streams < 10 {
			t.Errorf("%s: only %d streams", name, streams)
		}
	}
}

// FuzzStreams sends any bytes as a stream of some dialect: they leave the same
// however they are cut, bit for bit where nothing is hidden in them.
func FuzzStreams(f *testing.F) {
	provider, err := simulate.New(simulate.Options{Behaviour: "chunk=5"})
	if err != nil {
		f.Fatal(err)
	}
	paths := []int{}
	for i, s := range spokenTo {
		body := filled(rand.New(rand.NewPCG(1, 2)), s.body, "to jane.doe@example.com, \\u0040")
		answer, contentType := ask(provider, s.path, body)
		if contentType != "application/json" || strings.Contains(s.name, "array") {
			f.Add(i, 0, string(answer), len(answer)/3)
			paths = append(paths, i)
		}
	}
	f.Add(paths[0], 1, "<p>jane.doe@example.com</p> data: x\n\n{\"a\":\"4111 1111 1111 1111\"", 9)
	f.Add(paths[0], 2, "data: {\"choices\":[{\"delta\":{\"content\":\"a@b\"},\"delta\":0}]}\r\rdata: [DONE]\r\r", 5)
	types := []string{"text/event-stream", "text/html", "", "application/x-ndjson", "application/vnd.amazon.eventstream"}
	b := newBench(f, rules{request: allow, response: redactAll})
	plain := newBench(f, rules{request: allow, response: allow})
	f.Fuzz(func(t *testing.T, api, kind int, body string, at int) {
		if api < 0 || kind < 0 || at < 0 || at > len(body) || len(body) > 4<<10 {
			return
		}
		s := spokenTo[api%len(spokenTo)]
		request := filled(rand.New(rand.NewPCG(1, 2)), s.body, "x")
		request = strings.Replace(request, "{", `{"stream":true,`, 1)
		if strings.Count(request, `"stream"`) > 1 {
			request = strings.Replace(request, `"stream":true,`, "", 1)
		}
		contentType := types[kind%len(types)]
		pass := func(b *bench, chunks ...string) (string, bool) {
			c, _ := b.dialogue(t, s.path, request)
			list := make([][]byte, len(chunks))
			for i := range chunks {
				list[i] = []byte(chunks[i])
			}
			return leaves(c, contentType, list...)
		}
		whole, streams := pass(b, body)
		if !streams {
			return
		}
		if got, _ := pass(b, body[:at], body[at:]); got != whole {
			t.Fatalf("%s, %q: cut at %d it leaves as\n%q\nwhole as\n%q", s.name, contentType, at, got, whole)
		}
		if got, _ := pass(plain, body[:at], body[at:]); got != body && !strings.Contains(got, "could not read") {
			t.Fatalf("%s, %q: it leaves as\n%q\nwas\n%q", s.name, contentType, got, body)
		}
	})
}
