package injection

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// A task that has nothing to do with the text it stands in, beside another
// that has: a document was given to be asked about, and somebody else asks for
// something of their own. Each by itself is what people ask models all day, so
// it is the pair that counts, on lines of their own.
const (
	foreignLeast    = 320      // bytes of a text that is a document with a task
	foreignMost     = 32 << 10 // and of one whose words are compared
	foreignWeight   = 3.2
	foreignTasks    = 3 // lines that ask; more are a questionnaire
	taskLine        = 280
	taskWords       = 4 // of a line that asks
	contentLeast    = 3 // letters of a word that says what a task is about
	contentStem     = 6 // letters that are compared
	contentDistinct = 2
	wordBuckets     = 1 << 12
)

// wordCounts is how often words of a bucket are in a text, up to 255.
type wordCounts [wordBuckets]uint8

// foreignTask finds a line that asks for something whose words are nowhere
// else in the text, where the text begins or ends with a task that shares some
// with the rest. It reads the text once; words that share a bucket count as
// the same, which only hides a foreign task.
func (f *wordCounts) foreignTask(text []byte) (start, end int, ok bool) {
	if len(text) < foreignLeast || len(text) > foreignMost {
		return 0, 0, false
	}
	first, last := edgeLine(text, false), edgeLine(text, true)
	if !asks(text[last.start:last.end], true) && !asks(text[first.start:first.end], true) {
		return 0, 0, false
	}
	*f = wordCounts{}
	eachContent(text, func(b uint32) {
		if f[b] < 255 {
			f[b]++
		}
	})
	tasks, related, found := 0, false, blob{}
	for at := 0; at < len(text); {
		l := lineAt(text, at)
		at = l.end + 1
		line := text[l.start:l.end]
		if !asks(line, l == first || l == last) {
			continue
		}
		if tasks++; tasks > foreignTasks {
			return 0, 0, false
		}
		own, shared := f.words(line)
		switch {
		case own >= contentDistinct && shared == 0 && !hasLabel(line) && !points(line):
			found = l
		case shared > 0 && (l == first || l == last):
			related = true
		}
	}
	return found.start, found.end, related && found.end > 0
}

// words counts the words of a line that say something, and those of them that
// the text has elsewhere.
func (f *wordCounts) words(line []byte) (own, shared int) {
	var seen [taskLine / contentLeast]uint32
	n := 0
	eachContent(line, func(b uint32) { seen[n] = b; n++ })
	for i, b := range seen[:n] {
		here, before := 0, false
		for j, c := range seen[:n] {
			if c == b {
				here++
				before = before || j < i
			}
		}
		if before {
			continue
		}
		own++
		if int(f[b]) > here {
			shared++
		}
	}
	return own, shared
}

// lineAt is the line that begins at a place, without the space around it.
func lineAt(text []byte, at int) blob {
	end := len(text)
	if n := bytes.IndexByte(text[at:], '\n'); n >= 0 {
		end = at + n
	}
	return blob{at, end}
}

// edgeLine is the first line of a text that is not empty, or the last.
func edgeLine(text []byte, last bool) blob {
	from, to := len(text)-len(bytes.TrimLeft(text, " \t\r\n")), len(bytes.TrimRight(text, " \t\r\n"))
	if from >= to {
		return blob{}
	}
	if last {
		return lineAt(text, bytes.LastIndexByte(text[:to], '\n')+1)
	}
	return lineAt(text, bytes.LastIndexByte(text[:from], '\n')+1)
}

// asks reports a line that asks a question or gives a task. An edge of the
// text may name itself ("Q:", "Question:").
func asks(line []byte, edge bool) bool {
	line = bytes.TrimSpace(line)
	if len(line) > taskLine || bytes.ContainsAny(line, "{}<>|=`#*_[]\\") {
		return false
	}
	if edge {
		if n := bytes.IndexByte(line, ':'); n > 0 && n <= len("Question") && len(line) > n+1 {
			line = bytes.TrimSpace(line[n+1:])
		}
	}
	words, letters := 0, false
	for i := 0; i < len(line); i++ {
		is := letterish[line[i]] || line[i] >= utf8.RuneSelf
		if is && !letters {
			words++
		}
		letters = is
	}
	if words < taskWords {
		return false
	}
	return bytes.IndexByte(line, '?') > 0 && line[len(line)-1] != ':' || begins(line, taskVerbs) || edge && begins(line, edgeVerbs)
}

// hasLabel reports a line that says whose it is or what number it has: of an
// interview, an example or a list.
func hasLabel(line []byte) bool {
	line = bytes.TrimSpace(line)
	c := line[0]
	return c >= '0' && c <= '9' || c == '-' || bytes.IndexByte(line[:min(len(line), 24)], ':') >= 0
}

// taskVerbs begin what is asked of a model that writes.
var taskVerbs = [][]byte{
	[]byte("explain"), []byte("describe"), []byte("write"), []byte("compose"), []byte("provide"), []byte("translate"),
	[]byte("develop"), []byte("create"), []byte("list"), []byte("give"), []byte("tell"), []byte("suggest"),
	[]byte("summarize"), []byte("summarise"), []byte("generate"), []byte("outline"), []byte("define"), []byte("name"),
	[]byte("recommend"), []byte("draft"), []byte("design"), []byte("compare"), []byte("calculate"), []byte("identify"),
	[]byte("analyze"), []byte("discuss"), []byte("determine"), []byte("help"),
	[]byte("erkläre"), []byte("beschreibe"), []byte("schreibe"), []byte("explique"), []byte("décris"), []byte("écris"),
	[]byte("escribe"), []byte("spiega"), []byte("descrivi"), []byte("scrivi"), []byte("escreva"), []byte("explica"),
}

// edgeVerbs are what is asked of a document, too; inside one they are as often
// its own ("Find the perfect hotel").
var edgeVerbs = [][]byte{[]byte("find"), []byte("extract"), []byte("answer"), []byte("classify"), []byte("show"), []byte("read"), []byte("return")}

// begins reports a line that begins with one of the verbs, asked politely or not.
func begins(line []byte, verbs [][]byte) bool {
	if rest, ok := cutWord(line, []byte("please")); ok {
		line = bytes.TrimLeft(rest, " ,")
	}
	for _, v := range verbs {
		if _, ok := cutWord(line, v); ok {
			return true
		}
	}
	return false
}

// cutWord removes a word from the front of a line.
func cutWord(line, word []byte) (rest []byte, ok bool) {
	if len(line) <= len(word) || !bytes.EqualFold(line[:len(word)], word) || line[len(word)] != ' ' {
		return line, false
	}
	return line[len(word)+1:], true
}

// emptyWords are the hashes of words that say how is asked, not about what;
// pointWords, of those that point at the text around, and textWords, of what
// they call it behind "the".
var (
	emptyWords = hashes("what which who whom whose when where why how the and for are was were can could does did you your please about " +
		"with between some any all has have had will would should there their its his her our them than then also most more many much one two " +
		"three first main give name list provide write explain describe compose translate develop create tell suggest summarize generate outline " +
		"define recommend draft design compare calculate identify analyze discuss find extract answer classify show " +
		"from into onto over under not just only same each every multiple example using use used say said get make made")
	pointWords = hashes("this that these those following below above here given former latter")
	textWords  = hashes("text question sentence paragraph article paper passage document email message statement table code review story " +
		"information context dialogue dialog conversation premise hypothesis options letter page abstract section summary title headline")
	theHash = hashes("the")
)

func hashes(words string) map[uint32]bool {
	out := map[uint32]bool{}
	for _, w := range strings.Fields(words) {
		eachWord([]byte(w), func(h uint32, _ int) { out[h] = true })
	}
	return out
}

// points reports a word that points at the text around, where the line does
// not bring along between quotes what it points at.
func points(line []byte) bool {
	if bytes.Contains(line, []byte(": '")) || bytes.Contains(line, []byte(": \"")) {
		return false
	}
	found, the := false, false
	eachWord(line, func(h uint32, _ int) {
		found = found || pointWords[h] || the && textWords[h]
		the = theHash[h]
	})
	return found
}

// eachContent calls visit with the bucket of each word that is not too short
// to say something and says more than how is asked.
func eachContent(text []byte, visit func(bucket uint32)) {
	eachWord(text, func(h uint32, n int) {
		if n >= contentLeast && !emptyWords[h] {
			visit((h ^ h>>15) & (wordBuckets - 1))
		}
	})
}

// eachWord calls visit with the hash of each word's beginning, its letters
// small, and how many bytes the word has.
func eachWord(text []byte, visit func(hash uint32, size int)) {
	for i := 0; i < len(text); i++ {
		h, n := uint32(2166136261), 0
		for ; i < len(text) && (letterish[text[i]] || text[i] >= utf8.RuneSelf); i++ {
			if n++; n <= contentStem {
				h = (h ^ uint32(text[i]|0x20)) * 16777619
			}
		}
		if n > 0 {
			visit(h, n)
		}
	}
}
