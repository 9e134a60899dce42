package call

import (
	"bytes"

	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/jsonspan"
)

// tokensItem marks the channels of a stream's token lists.
const tokensItem = 1 << 30

// isTokens reports whether a text is a token of such a list, which repeats a
// text that is counted and kept elsewhere.
func isTokens(t *genai.Text) bool { return t.Partial && t.Channel.Item >= tokensItem }

// appendTokens notes the tokens of an event's lists as running texts of their
// own: a list may come in another event than its text, before or after it.
func appendTokens(dst []genai.Text, doc []byte) []genai.Text {
	if !mayHaveTokens(doc) {
		return dst
	}
	return tokensIn(dst, jsonspan.Root(doc), 0)
}

// mayHaveTokens is false for an event without a token list, or with none but null
// ones, as most are: it costs a search, and no walk through the event.
func mayHaveTokens(doc []byte) bool {
	for {
		_, rest, ok := bytes.Cut(doc, []byte(`logprobs`))
		if !ok {
			return false
		}
		if doc = rest; !bytes.HasPrefix(rest, []byte(`":null`)) {
			return true
		}
	}
}

func tokensIn(dst []genai.Text, v jsonspan.Value, choice int32) []genai.Text {
	switch v.Kind() {
	case jsonspan.Object:
		if n, ok := v.Get("index").Int(); ok && n >= 0 && n < 1<<20 {
			choice = int32(n)
		}
		for key, member := range v.Members() {
			if isTokenList(key) {
				dst = listed(dst, member, genai.Channel{Kind: genai.Content, Choice: choice, Item: tokensItem})
			} else {
				dst = tokensIn(dst, member, choice)
			}
		}
	case jsonspan.Array:
		for _, element := range v.Elements() {
			dst = tokensIn(dst, element, choice)
		}
	}
	return dst
}

// listed notes the strings of one list in their order: those named token or text
// and the elements of tokens, wherever they lie but among the alternatives. Each
// member that holds others is a list of its own.
func listed(dst []genai.Text, v jsonspan.Value, ch genai.Channel) []genai.Text {
	switch v.Kind() {
	case jsonspan.String:
		r := genai.Range(v.Inner())
		if r.Len() == 0 {
			return dst
		}
		return append(dst, genai.Text{Range: r, Encoding: genai.JSONString, Kind: ch.Kind, Role: genai.Assistant, Message: int(ch.Choice), Channel: ch, Partial: true})
	case jsonspan.Array:
		for _, element := range v.Elements() {
			dst = listed(dst, element, ch)
		}
	case jsonspan.Object:
		inner := ch
		for key, member := range v.Members() {
			switch {
			case key.Is("token"), key.Is("text"), key.Is("tokens"):
				dst = listed(dst, member, ch)
			case key.Is("top_logprobs"), key.Is("topCandidates"), key.Is("bytes"):
			case member.Kind() == jsonspan.Array:
				inner.Item++
				dst = listedObjects(dst, member, inner)
			}
		}
	}
	return dst
}

// listedObjects is listed for an array whose strings are no tokens.
func listedObjects(dst []genai.Text, list jsonspan.Value, ch genai.Channel) []genai.Text {
	for _, element := range list.Elements() {
		if element.Kind() == jsonspan.Object {
			dst = listed(dst, element, ch)
		}
	}
	return dst
}
