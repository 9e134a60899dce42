package call

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/jsonspan"
)

// unread notes the strings of a document that its dialect does not: of members
// and content that are not known or not prose, such as tools' schemas, and the
// names of members. What hides there leaves like any other text, so it is looked
// at like any other, as metadata of who sent it. Left out is what carries no text
// and what a change would break: see carriers.
type unread struct {
	all     bool          // short strings and plain words too: entities of one's own may be such
	covered []genai.Range // that are texts already, in order
	texts   []genai.Text  // the dialect's, and those behind them
}

// of is the texts of a request with the strings they leave out. It is valid until
// the next call.
func (u *unread) of(r *genai.Request, body []byte) []genai.Text {
	return u.add(body, r.Texts, func(at genai.Range) (genai.Role, int) {
		i, _ := slices.BinarySearchFunc(r.Messages, at.Start, func(m genai.Message, start int) int { return cmp.Compare(m.Range.End, start) })
		if i < len(r.Messages) && r.Messages[i].Range.Start <= at.Start {
			return r.Messages[i].Role, i
		}
		i, _ = slices.BinarySearchFunc(r.Tools, at.Start, func(t genai.ToolDefinition, start int) int { return cmp.Compare(t.Range.End, start) })
		if i < len(r.Tools) && r.Tools[i].Range.Start <= at.Start {
			return genai.System, -1
		}
		return genai.User, -1
	})
}

// said is the texts of a response, or of an event of one, likewise.
func (u *unread) said(texts []genai.Text, doc []byte) []genai.Text {
	return u.add(doc, texts, func(genai.Range) (genai.Role, int) { return genai.Assistant, -1 })
}

func (u *unread) add(doc []byte, texts []genai.Text, whose func(genai.Range) (genai.Role, int)) []genai.Text {
	u.cover(texts)
	u.texts = append(u.texts[:0], texts...)
	next := 0 // of u.covered
	jsonspan.Strings(doc, isCarrier, func(s jsonspan.Found) bool {
		for next < len(u.covered) && u.covered[next].End < s.Range.End {
			next++
		}
		if next < len(u.covered) && u.covered[next].Start <= s.Range.Start || !u.mayHold(doc[s.Range.Start:s.Range.End], s.IsName) {
			return true
		}
		at := genai.Range(s.Range)
		role, message := whose(at)
		u.texts = append(u.texts, genai.Text{Range: at, Encoding: genai.JSONString, Kind: genai.Metadata, Role: role, Message: message})
		return true
	})
	return u.texts
}

// cover notes where texts lie, in order. Those that lie within others do no harm.
func (u *unread) cover(texts []genai.Text) {
	u.covered = u.covered[:0]
	for i := range texts {
		u.covered = append(u.covered, texts[i].Range)
	}
	slices.SortFunc(u.covered, func(a, b genai.Range) int { return cmp.Compare(a.End, b.End) })
}

// Bounds, in bytes: no finding of an entity that ships is shorter than least; a string whose first blob
// bytes are all of base64's alphabet is data.
const (
	least = 6
	blob  = 160
)

// mayHold tells most strings that hold nothing: short ones, names that are plain
// words, data in base64.
func (u *unread) mayHold(s []byte, isName bool) bool {
	if !u.all && (len(s) < least || isName && isWord(s)) {
		return false
	}
	if _, data, ok := bytes.Cut(s[:min(len(s), blob)], []byte(";base64,")); ok && bytes.HasPrefix(s, []byte("data:")) && isBase64(data) {
		return false
	}
	return len(s) < blob || !isBase64(s[:blob])
}

func isWord(s []byte) bool {
	for _, c := range s {
		if (c|0x20 < 'a' || c|0x20 > 'z') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

func isBase64(s []byte) bool {
	for _, c := range s {
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '+' && c != '/' && c != '-' && c != '_' && c != '=' {
			return false
		}
	}
	return true
}

// isCarrier reports whether a member's value carries no text.
func isCarrier(name []byte, nests bool) bool {
	whole, ok := carriers[string(name)]
	return ok && (whole || !nests)
}

// carriers are the members of the protocols that name things to the other side,
// seal them or log a tool in: a change would break the call, or the next one. The
// last are read elsewhere, see dropTokens. Those that are true carry none in objects
// and arrays either; a property of a schema may have any other's name.
var carriers = func() map[string]bool {
	m := map[string]bool{}
	for _, name := range []string{
		"type", "role", "object", "model", "modelVersion", "status", "finish_reason", "finishReason", "stop_reason", "stopReason", "done_reason",
		"service_tier", "system_fingerprint", "event", "event_type", "mime_type", "mimeType", "media_type", "mediaType", "created_at",
		"id", "call_id", "item_id", "response_id", "responseId", "request_id", "generation_id", "tool_call_id", "tool_use_id", "toolUseId", "file_id",
		"previous_response_id", "previous_interaction_id", "container",
	} {
		m[name] = false
	}
	for _, name := range []string{
		"vector_store_ids",
		"signature", "thoughtSignature", "thought_signature", "encrypted_content", "encrypted_index", "redactedContent", "obfuscation", "p",
		"bytes", "b64_json", "partial_image_b64", "file_data", "embedding", "embeddings",
		"headers", "authorization", "authorization_token", "authentication",
		"logprobs", "logprobsResult",
	} {
		m[name] = true
	}
	return m
}()
