package jsonspan_test

import (
	"fmt"
	"strings"

	"github.com/regent-proxy/regent/pkg/jsonspan"
)

// A value deep in a body is changed; every other byte stays.
func Example() {
	body := []byte(`{ "model": "gpt-4o",  "messages": [ {"role": "user", "content": "mail bob\u0040example.org"} ] }`)
	root, err := jsonspan.Parse(body)
	if err != nil {
		fmt.Println(err)
		return
	}
	var edits jsonspan.Edits
	edits.Add(root.Get("model").Inner(), []byte("gpt-4o-mini"))

	for _, message := range root.Get("messages").Elements() {
		at := message.Get("content").Inner()
		text, m := jsonspan.View(body[at.Start:at.End], jsonspan.JSONString)
		start := strings.Index(string(text), "bob@example.org")
		for _, s := range m.Replace(nil, start, start+len("bob@example.org"), "[EMAIL]") {
			edits.Add(jsonspan.Range{Start: at.Start + s.Range.Start, End: at.Start + s.Range.End}, s.With)
		}
	}
	changed, err := edits.Apply(body)
	fmt.Println(string(changed), err)
	// Output:
	// { "model": "gpt-4o-mini",  "messages": [ {"role": "user", "content": "mail [EMAIL]"} ] } <nil>
}

// A model's arguments arrive as fragments of JSON source inside JSON strings. A
// number that is replaced becomes a string.
func ExampleDecoder() {
	d := jsonspan.NewDecoder(jsonspan.JSONInString)
	var m jsonspan.Map
	for _, raw := range []string{`{\"na`, `me\": \"Jo\\u0`, `068n\", \"id\": 4111}`} {
		text := d.Push([]byte(raw), nil, &m)
		fmt.Printf("%q open=%v\n", text, d.Open())
	}
	for _, s := range m.Replace(nil, 13, 15, "[ID]") {
		fmt.Printf("%v %s\n", s.Range, s.With)
	}
	// Output:
	// "{\"na" open=false
	// "me\": \"Jo" open=true
	// "hn\", \"id\": 4111}" open=false
	// {16 20} \"[ID]\"
}

func ExamplePatch() {
	doc := []byte(`{"model": "m", "stop": ["a"], "user": "u-1"}`)
	out, err := jsonspan.Patch(doc, []jsonspan.Change{
		{Op: jsonspan.OpSet, Pointer: "/max_tokens", Value: []byte("100")},
		{Op: jsonspan.OpAppend, Pointer: "/stop", Value: []byte(`"b"`)},
		{Op: jsonspan.OpRemove, Pointer: "/user"},
	})
	fmt.Println(string(out), err)
	// Output:
	// {"model": "m", "stop": ["a","b"], "max_tokens":100} <nil>
}
