package call

import (
	"bytes"

	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/jsonspan"
)

// nested is the encoding to read a complete text by. A string that is JSON source
// itself, as tools' results and structured answers are, is read as such: what is
// escaped twice is seen, and what is put in its place keeps the source valid.
func nested(raw []byte, enc genai.Encoding) jsonspan.Encoding {
	if enc != genai.JSONString || !mayBeSource(raw) {
		return jsonspan.Encoding(enc)
	}
	text, _ := jsonspan.View(raw, jsonspan.JSONString)
	if jsonspan.Validate(text) != nil {
		return jsonspan.JSONString
	}
	return jsonspan.JSONInString
}

// mayBeSource looks at the first sign that is no space, escaped or not, and
// tells most texts apart without decoding them.
func mayBeSource(raw []byte) bool {
	for {
		raw = bytes.TrimLeft(raw, " ")
		rest, cut := bytes.CutPrefix(raw, []byte(`\n`))
		if !cut {
			break
		}
		raw = rest
	}
	return len(raw) > 1 && (raw[0] == '{' || raw[0] == '[' || raw[0] == '\\')
}

// viewOf is the text of t in doc, and how it maps to the document's bytes.
func viewOf(doc []byte, t genai.Text) ([]byte, jsonspan.Map) {
	raw := doc[t.Range.Start:t.Range.End]
	return jsonspan.View(raw, nested(raw, t.Encoding))
}

// asSource reads the running content of an answer that was asked for as JSON as
// JSON source; a stream can't be looked at whole to see that it is.
func (c *call) asSource(t genai.Text) genai.Text {
	if t.Kind == genai.Content && t.Encoding == genai.JSONString && c.rec.Request != nil && c.rec.Request.Params.OutputType == "json" {
		t.Encoding = genai.JSONInString
	}
	return t
}
