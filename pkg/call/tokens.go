package call

import "github.com/regent-proxy/regent/pkg/jsonspan"

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
