// Package read holds what all dialects do alike with a JSON document: take a
// parameter, note where a text lies, recognise an attachment.
package read

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/jsonspan"
)

// Object parses body as a JSON object, or says what it is instead.
func Object(what string, body []byte) (jsonspan.Value, error) {
	v, err := jsonspan.Parse(body)
	if err != nil {
		return v, fmt.Errorf("%s is not valid JSON: %w", what, err)
	}
	if v.Kind() != jsonspan.Object {
		return v, fmt.Errorf("%s is not a JSON object", what)
	}
	return v, nil
}

// String is v's string, "" where it is none.
func String(v jsonspan.Value) string {
	s, _ := v.Str()
	return s
}

// Int is v's integer, nil where it is none.
func Int(v jsonspan.Value) *int64 {
	if n, ok := v.Int(); ok {
		return &n
	}
	return nil
}

// Float is v's number, nil where it is none.
func Float(v jsonspan.Value) *float64 {
	if n, ok := v.Float(); ok {
		return &n
	}
	return nil
}

// Bool is v's truth, false where it is no boolean.
func Bool(v jsonspan.Value) bool {
	b, ok := v.Bool()
	return ok && b
}

// Strings are the strings of v: one where v is a string, several where it is an
// array of them.
func Strings(v jsonspan.Value) []string {
	if s, ok := v.Str(); ok {
		return []string{s}
	}
	var list []string
	for _, e := range v.Elements() {
		if s, ok := e.Str(); ok {
			list = append(list, s)
		}
	}
	return list
}

// Count is v's count of tokens and whether it states one.
func Count(v jsonspan.Value) (int64, bool) { return v.Int() }

// Range is v's whole range.
func Range(v jsonspan.Value) genai.Range { return genai.Range(v.Range()) }

// Place says where the texts that follow belong.
type Place struct {
	Kind    genai.TextKind
	Role    genai.Role
	Message int
	Frozen  bool
	// Channel joins deltas; only for Partial ones.
	Channel genai.Channel
	Partial bool
}

// Text notes a JSON string's text; anything else, and the empty string, is none.
func Text(dst []genai.Text, v jsonspan.Value, p Place) []genai.Text {
	if v.Kind() != jsonspan.String || v.Inner().Start == v.Inner().End {
		return dst
	}
	return append(dst, p.text(genai.Range(v.Inner()), genai.JSONString))
}

// JSONText notes a JSON string that carries JSON source, such as a function's
// arguments.
func JSONText(dst []genai.Text, v jsonspan.Value, p Place) []genai.Text {
	if v.Kind() != jsonspan.String || v.Inner().Start == v.Inner().End {
		return dst
	}
	return append(dst, p.text(genai.Range(v.Inner()), genai.JSONInString))
}

// ValueText notes a JSON value all of whose strings and numbers are text, such
// as a tool's arguments object; a plain string is noted as such.
func ValueText(dst []genai.Text, v jsonspan.Value, p Place) []genai.Text {
	switch v.Kind() {
	case jsonspan.String:
		return Text(dst, v, p)
	case jsonspan.Object, jsonspan.Array, jsonspan.Number:
		return append(dst, p.text(genai.Range(v.Range()), genai.JSONValue))
	}
	return dst
}

func (p Place) text(r genai.Range, e genai.Encoding) genai.Text {
	return genai.Text{Range: r, Encoding: e, Kind: p.Kind, Role: p.Role, Message: p.Message, Frozen: p.Frozen, Channel: p.Channel, Partial: p.Partial}
}

// DataURL reads "data:image/png;base64,…": the media type and the decoded size.
// ok is false for any other URL.
func DataURL(url string) (mediaType string, size int64, ok bool) {
	rest, ok := strings.CutPrefix(url, "data:")
	if !ok {
		return "", 0, false
	}
	meta, data, _ := strings.Cut(rest, ",")
	mediaType, encoding, _ := strings.Cut(meta, ";")
	if !strings.HasSuffix(encoding, "base64") {
		return mediaType, int64(len(data)), true
	}
	return mediaType, Base64Size(data), true
}

// Base64Size is the number of bytes that s stands for.
func Base64Size(s string) int64 {
	return int64(base64.RawStdEncoding.DecodedLen(len(strings.TrimRight(s, "="))))
}

// Modality is the family of a media type: image, audio, video, else file.
func Modality(mediaType string) string {
	family, _, _ := strings.Cut(mediaType, "/")
	switch family {
	case "image", "audio", "video":
		return family
	}
	return "file"
}

// As is the same place for a text of another kind; a running text of another
// kind is another channel.
func (p Place) As(kind genai.TextKind) Place {
	p.Kind = kind
	p.Channel.Kind = kind
	return p
}

// Whole is the same place for a text that is complete by itself.
func (p Place) Whole(kind genai.TextKind) Place {
	p = p.As(kind)
	p.Partial, p.Channel = false, genai.Channel{}
	return p
}

// Part is the place of the i-th part of a running content: its own channel.
func (p Place) Part(i int) Place {
	if p.Partial {
		p.Channel.Item = int32(i)
	}
	return p
}
