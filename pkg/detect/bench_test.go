package detect

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// benchSize is how long the texts of the benchmarks are: more than a processor
// learns by heart.
const benchSize = 256 << 10

// vocabulary is what prose is made of, the common words more often: a word's
// place is its rank.
var vocabulary = strings.Fields(`the of and to a in that it is was he for as with his on be at by I this had not are but from or have an they which one you were her all she there would their we him been has when who will more no if out so said what up its about into than them can only other new some could time these two may then do first any my now such like our over man me even most made after also did many before must through back years where much your way well down should because each just those people how too little state good very make world still own see men work long get here between both life being under never day same another know while last might us great old year off come since against go came right used take three states himself few house use during without again place around however home small found thought went say part once general high upon school every keep passed authority author test pass account address number card river committee Tuesday March London engineers Ms. keys reported question policy naïve café größer Straße élève don't it's we'll O'Brien "certainly" (perhaps) long-term 1990s third-party response authentication model parameters`)

// proseText is sentences and paragraphs with nothing to find.
func proseText() []byte {
	r := rand.New(rand.NewPCG(1, 1))
	var b bytes.Buffer
	for b.Len() < benchSize {
		for n := 4 + r.IntN(20); n > 0; n-- {
			// squared: small ranks come up more often
			f := r.Float64()
			b.WriteString(vocabulary[int(f*f*float64(len(vocabulary)))])
			switch k := r.IntN(60); {
			case k < 4:
				b.WriteString(", ")
			case k == 4:
				fmt.Fprintf(&b, " %d ", 1+r.IntN(3000))
			case k == 5:
				b.WriteString(" – ")
			default:
				b.WriteByte(' ')
			}
		}
		b.WriteString([]string{"end. The ", "so? ", "again. It ", "day.\n\n", "there: "}[r.IntN(5)])
	}
	return b.Bytes()
}

// codeLines are lines of documents, code, configuration and logs, a verb of
// [fmt.Fprintf] where numbers stand.
var codeLines = []string{
	"func (s *Server) handle%d(ctx context.Context, key string) (map[string]Token, error) {\n",
	"\tif err := s.authorize(ctx, req.Header.Get(\"Authorization\")); err != nil {\n\t\treturn fmt.Errorf(\"authorize: %%w\", err) // line %d\n\t}\n",
	"## Configure the backend (v1.%d)\n\nSet `apiVersion: gateway.example.io/v1alpha1` and the `secretRef` of the key, see [the docs](https://docs.example.org/guides/keys#section-%d).\n",
	"  - name: upstream-%d\n    port: 8080\n    timeout: 30s\n    image: registry.example.org/team/app:2.14.%d\n",
	"{\"level\":\"info\",\"ts\":\"2026-03-0%dT10:00:%dZ\",\"msg\":\"request finished\",\"status\":200,\"bytes\":%d,\"path\":\"/v1/chat/completions\"}\n",
	"2026-03-05 10:22:%d.123 INFO  [worker-%d] c.e.proxy.Router - took %dms for 4096 tokens\n",
	"const maxTokens = %d // see PasswordPolicy, RFC 7519 and ISO 8601\n",
	"| `max_tokens` | int | %d | upper bound of the completion, 0.5 to 1.0 of it |\n",
	"commit 9f8e7d6c5b4a39281706f5e4d3c2b1a0%08x by builder, 3 files changed, %d insertions(+)\n",
	"local ok, err = kong.service.request.set_header(\"x-request-%d\", ngx.var.request_id)\n",
	"export const parse%d = (input: string, { strict = false }: Options = {}): Result<Ast> => tokenize(input).map(t => t.kind);\n",
	"    assert.equal(200, res.status, \"expected HTTP 200 OK but got %d\")\n",
	"<a class=\"md-nav__link\" href=\"../reference/%d.html\" title=\"CONFIGURATION\">Reference</a> <!-- 0x%08x -->\n",
	"id: 6ba7b810-9dad-11d1-80b4-00c04fd4%04x, size: %d x 600 px, ratio 1.5\n",
}

func codeText() []byte {
	r := rand.New(rand.NewPCG(2, 2))
	var b bytes.Buffer
	for b.Len() < benchSize {
		line := codeLines[r.IntN(len(codeLines))]
		args := make([]any, strings.Count(strings.ReplaceAll(line, "%%", ""), "%"))
		for i := range args {
			args[i] = r.IntN(60)
		}
		fmt.Fprintf(&b, line, args...)
	}
	return b.Bytes()
}

// denseForms are values in a few words, # for any digit.
var denseForms = []string{
	"mail ann.lee##@corp#.example", "phone +44 20 79## ####", "call (212) 555-####", "tel 06 12 ## ## ##", "SSN 536-##-87##",
	"host 172.##.254.3:8080", "from 2a02:8071:82c5:9a##::1f2e", "device 3e:a0:##:e8:b9:##", "born 12/0#/198#", "pos 48.8566#, 2.3522#",
	"order ########", "id ###-######-##", "ref #### #### ####", "on 2024-0#-1#", "Mobile: +49 151 #### ####", "fax 0171/#######",
}

// denseText has a value, or what looks like one, every few words; a tenth of
// it is secrets.
func denseText() []byte {
	r := rand.New(rand.NewPCG(3, 3))
	var b bytes.Buffer
	for b.Len() < benchSize {
		if r.IntN(2) == 0 {
			b.WriteString(planted[r.IntN(len(planted))].text)
		} else {
			for _, c := range []byte(denseForms[r.IntN(len(denseForms))]) {
				if c == '#' {
					c = byte('0' + r.IntN(10))
				}
				b.WriteByte(c)
			}
		}
		b.WriteString([]string{"\n", ", ", " and ", ". Then "}[r.IntN(4)])
	}
	return b.Bytes()
}

// benchTexts are the texts that are made here, and the developers' own where
// REGENT_SHARED names their folder.
func benchTexts(b *testing.B) map[string][]byte {
	texts := map[string][]byte{"clean": proseText(), "code": codeText(), "dense": denseText()}
	if dir := os.Getenv("REGENT_SHARED"); dir != "" {
		texts["shared-code"] = sharedText(b, filepath.Join(dir, "fixtures", "benign.jsonl.gz"))
		texts["shared-dense"] = sharedText(b, filepath.Join(dir, "fixtures", "pii.jsonl.gz"))
		texts["shared-prompts"] = sharedText(b, filepath.Join(dir, "fixtures", "injection.jsonl.gz"))
	}
	return texts
}

func sharedText(b *testing.B, path string) []byte {
	return append(bytes.Join(samples(b, path), []byte("\n")), '\n')
}

// BenchmarkScan is a scan for everything but injection, beside what the
// machine's memory gives: IndexByte for a byte that is not there.
func BenchmarkScan(b *testing.B) {
	s := newSet(b, Options{})
	for name, text := range benchTexts(b) {
		b.Run(name+"/IndexByte", func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				bytes.IndexByte(text, 0)
			}
		})
		b.Run(name+"/whole", func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			out := s.Scan(text, nil) // compiles the numbering plans of its phones
			begin := cpuTime()
			for b.Loop() {
				out = s.Scan(text, out[:0])
			}
			reportCore(b, begin, len(text))
			b.ReportMetric(float64(len(out))*1000/float64(len(text)), "findings/kB")
		})
		b.Run(name+"/stream64", func(b *testing.B) { benchStream(b, s, text, 64) })
		b.Run(name+"/stream4", func(b *testing.B) { benchStream(b, s, text, 4) })
	}
}

// benchStream is a stream in pieces of n bytes.
func benchStream(b *testing.B, s *Set, text []byte, n int) {
	st := s.NewStream()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	out := s.Scan(text, nil) // compiles the numbering plans of its phones
	pushes := 0
	begin := cpuTime()
	for b.Loop() {
		st.Reset()
		for at := 0; at < len(text); at += n {
			end := min(at+n, len(text))
			out, _ = st.Push(text[at:end], end == len(text), out[:0])
			pushes++
		}
	}
	reportCore(b, begin, len(text))
	if spent := cpuTime() - begin; spent > 0 {
		b.ReportMetric(float64(spent.Nanoseconds())/float64(pushes), "ns/push") // of processor time
	}
}

// reportCore gives the rate by processor time, which other work on the machine
// changes less than the rate by the clock.
func reportCore(b *testing.B, begin time.Duration, size int) {
	if spent := cpuTime() - begin; spent > 0 {
		b.ReportMetric(float64(size)*float64(b.N)/1e6/spent.Seconds(), "MB/core-s")
	}
}

// TestCleanTextAllocatesNothing holds scans of prose and code, whole and in
// pieces, to no allocation.
func TestCleanTextAllocatesNothing(t *testing.T) {
	s := newSet(t, Options{})
	st := s.NewStream()
	var out []Finding
	for name, text := range map[string][]byte{"clean": proseText(), "code": codeText()} {
		text = text[:32<<10]
		sc := &scanner{set: s} // as Scan, whose pool the race detector empties
		whole := func() { out = sc.whole(text, out[:0]) }
		pieces := func() {
			st.Reset()
			for at := 0; at < len(text)/2; at += 64 {
				out, _ = st.Push(text[at:at+64], false, out[:0])
			}
			for at := len(text) / 2; at < len(text); at += 4 {
				out, _ = st.Push(text[at:min(at+4, len(text))], false, out[:0])
			}
		}
		whole()
		pieces()
		if n := testing.AllocsPerRun(5, whole); n >= 1 {
			t.Errorf("%s: %v allocations a scan", name, n)
		}
		if n := testing.AllocsPerRun(5, pieces); n >= 1 {
			t.Errorf("%s: %v allocations a stream", name, n)
		}
		if len(out) > 0 {
			t.Errorf("%s: %s", name, describe(string(text), out))
		}
	}
}
