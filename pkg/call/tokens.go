package call

import (
	"bytes"

	"github.com/regent-proxy/regent/pkg/jsonspan"
)

// tokenLists are the members in which a response repeats its text token by token,
// with their likelihoods: OpenAI's, Cohere's and Ollama's logprobs, Gemini's
// logprobsResult.
var tokenLists = []string{"logprobs", "logprobsResult"}

// dropTokens adds edits that empty a document's token lists. A text that was
// changed would still stand in them.
func dropTokens(edits *jsonspan.Edits, doc []byte) {
	if mayHaveTokens(doc) {
		dropIn(edits, jsonspan.Root(doc))
	}
}

// numberLists are the members in which a response repeats its text as the numbers
// of its tokens, which whoever has the tokenizer can read: Ollama's context, vLLM's
// token_ids.
var numberLists = []string{"context", "token_ids"}

// dropNumbers adds edits that empty a document's lists of token numbers, for a
// text of which something was hidden. One that only got values back keeps them:
// the numbers are those of the stand-ins.
func dropNumbers(edits *jsonspan.Edits, doc []byte) {
	for _, name := range numberLists {
		if !bytes.Contains(doc, []byte(`"`+name+`"`)) {
			continue
		}
		root := jsonspan.Root(doc)
		emptyNumbers(edits, root.Get(name))
		for _, choice := range root.Get("choices").Elements() {
			emptyNumbers(edits, choice.Get(name))
		}
	}
}

// emptyNumbers empties an array of numbers, and leaves any other value.
func emptyNumbers(edits *jsonspan.Edits, v jsonspan.Value) {
	for _, first := range v.Elements() {
		if first.Kind() == jsonspan.Number {
			edits.Add(v.Range(), []byte("[]"))
		}
		return
	}
}

func dropIn(edits *jsonspan.Edits, v jsonspan.Value) {
	switch v.Kind() {
	case jsonspan.Object:
		for key, member := range v.Members() {
			if isTokenList(key) {
				empty(edits, member)
			} else {
				dropIn(edits, member)
			}
		}
	case jsonspan.Array:
		for _, element := range v.Elements() {
			dropIn(edits, element)
		}
	}
}

func isTokenList(key jsonspan.Key) bool { return key.Is(tokenLists[0]) || key.Is(tokenLists[1]) }

// empty puts null in the place of an object and [] in that of an array.
func empty(edits *jsonspan.Edits, v jsonspan.Value) {
	switch v.Kind() {
	case jsonspan.Object:
		edits.Add(v.Range(), []byte("null"))
	case jsonspan.Array:
		edits.Add(v.Range(), []byte("[]"))
	}
}

// changed reports whether a text of the event was.
func (h *held) changed() bool {
	for i := range h.texts {
		if len(h.texts[i].cuts) > 0 {
			return true
		}
	}
	return false
}
