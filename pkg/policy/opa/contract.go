package opa

import "github.com/regent-proxy/regent/pkg/policy"

// phases are those that have a document.
var phases = []policy.Phase{policy.Request, policy.Attempt, policy.Response}

// contract is the decision of each phase: which members it has and what each
// may hold.
var contract = map[policy.Phase]*shape{
	policy.Request:  objectShape("data.regent.request", requestMembers()),
	policy.Attempt:  objectShape("data.regent.attempt", attemptMembers()),
	policy.Response: objectShape("data.regent.response", responseMembers()),
}

func objectShape(about string, fields map[string]*shape) *shape {
	return &shape{kind: kindObject, about: about, fields: fields}
}

func requestMembers() map[string]*shape {
	return map[string]*shape{
		"deny":       denyShape(),
		"review":     reviewShape(),
		"redact":     redactShape("pseudonym"),
		"route":      routeShape(),
		"headers":    headersShape(),
		"body":       bodyShape(),
		"labels":     labelsShape(),
		"watch":      watchShape(),
		"limits":     limitsShape().unenforced("limits"),
		"record":     recordShape().unenforced("record"),
		"experiment": experimentShape(),
	}
}

func attemptMembers() map[string]*shape {
	return map[string]*shape{
		"deny":    denyShape(),
		"headers": headersShape(),
		"body":    bodyShape(),
		"labels":  labelsShape(),
	}
}

func responseMembers() map[string]*shape {
	return map[string]*shape{"deny": denyShape(), "redact": redactShape(), "labels": labelsShape()}
}

func denyShape() *shape {
	return list(objectShape("refuses the call; any one does, all are recorded", map[string]*shape{
		"code":    word("a word for machines"),
		"message": text("what the client reads"),
		"status":  integer("HTTP status, 403 where absent", 400, 599),
	}).needs("code"))
}

func reviewShape() *shape {
	return list(objectShape("parks the call until a human has approved it", map[string]*shape{
		"code":    word("a word for machines"),
		"message": text("what the client and the reviewer read"),
		"status":  integer("HTTP status while it waits: 202, or 400 to 499; 409 where absent", 202, 499),
		"wait":    word("a duration, how long it may wait: 30m, 24h; the configuration's where absent"),
	}).needs("code"))
}

// redactShape is the same in both phases but for the verbs: only what leaves in
// a request can come back restored.
func redactShape(verbs ...string) *shape {
	return list(objectShape("hides what was found", map[string]*shape{
		"entity":    word("one entity, such as EMAIL"),
		"class":     word(`a class such as pii or secret, "*" for every finding`),
		"with":      enum("what stands in for the value; label where absent", append([]string{"label", "mask", "hash", "drop"}, verbs...)...),
		"roles":     list(enum("whose texts; all where absent", "system", "user", "assistant", "tool")),
		"min_score": number("leaves weaker findings alone", 0, 1),
	}))
}

func routeShape() *shape {
	return objectShape("where the call goes", map[string]*shape{
		"target":   word("the value of the routing header"),
		"model":    word("replaces the request's model"),
		"fallback": list(word("further targets, in order")).unenforced("route.fallback"),
	})
}

func headersShape() *shape {
	return objectShape("changes of the upstream request's headers", map[string]*shape{
		"set":    mapOf(text("name to value")),
		"remove": list(word("names")),
	})
}

func bodyShape() *shape {
	return list(objectShape("changes of the request's body by JSON Pointer", map[string]*shape{
		"op":    enum("what to do", "add", "replace", "remove"),
		"path":  text("RFC 6901; - appends to an array"),
		"value": {kind: kindJSON, about: "any JSON value; not for remove"},
	}).needs("op", "path"))
}

func labelsShape() *shape { return mapOf(text("words for span, metrics and audit")) }

func watchShape() *shape {
	return objectShape("what the response is inspected for", map[string]*shape{
		"entities":     list(word("entities to look for")).unenforced("watch.entities"),
		"classes":      list(word("classes to look for")).unenforced("watch.classes"),
		"every_tokens": integer("asks the response policy again after that many output tokens", 1, 1e9).unenforced("watch.every_tokens"),
		"off":          {kind: kindBool, about: "turns inspection of the response off; coverage says so"},
	})
}

func limitsShape() *shape {
	return list(objectShape("budgets reserved before the call", map[string]*shape{
		"name": word("of the limit"),
		"key":  word("who shares it"),
		"unit": enum("what is counted", "tokens", "usd", "calls", "concurrent", "repeats"),
		"max":  number("how much", 0, 1e18),
		"per":  word("a duration: 1m, 1h, 24h"),
	}).needs("name", "key", "unit", "max"))
}

func recordShape() *shape {
	return objectShape("what is kept of the call", map[string]*shape{
		"content": enum("of texts", "none", "redacted", "sealed"),
		"sink":    word("where to"),
		"labels":  labelsShape(),
	})
}

func experimentShape() *shape {
	return objectShape("the experiment the call is part of", map[string]*shape{
		"name":    word("of the experiment"),
		"variant": word("the call's variant"),
	}).needs("name", "variant")
}
