package har

import (
	"errors"
	"testing"
)

func read(text string) ([]*Entry, error) {
	var out []*Entry
	err := Read([]byte(text), func(_ int, e *Entry) error {
		out = append(out, e)
		return nil
	})
	return out, err
}

func TestRead(t *testing.T) {
	for _, c := range []struct {
		name, text string
		entries    int
		fails      bool
	}{
		{"a HAR file", `{"log":{"entries":[{"id":"a"},{"_id":"b"}]}}`, 2, false},
		{"an entry a line", "{\"id\":\"a\"}\n{\"id\":\"b\"}\n\n{\"id\":\"c\"}", 3, false},
		{"no entries", `{"log":{"entries":[]}}`, 0, false},
		{"nothing", "", 0, false},
		{"a null among them", `{"log":{"entries":[null]}}`, 0, true},
		{"a mistyped member", `{"log":{"entries":[{"request":{"url":1}}]}}`, 0, true},
		{"a broken line", "{\"id\":\"a\"}\n{", 1, true},
		{"no JSON", "hello", 0, true},
	} {
		got, err := read(c.text)
		if len(got) != c.entries || (err != nil) != c.fails {
			t.Errorf("%s: %d entries, %v", c.name, len(got), err)
		}
	}
	stop := errors.New("stop")
	if err := Read([]byte(`{"log":{"entries":[{},{}]}}`), func(int, *Entry) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("a visit's error is %v", err)
	}
}

func TestEntry(t *testing.T) {
	list, err := read(`{"request":{"headers":[{"name":"Content-Type","value":"a/b"}],"postData":{"text":"aGk=","encoding":"base64"}},"response":{"content":{"mimeType":"c/d","text":"x"}}}
{"_id":"x","_regent":{"name":"mine"},"request":{"postData":{"text":"!","encoding":"base64"}}}`)
	if err != nil || len(list) != 2 {
		t.Fatal(err)
	}
	body, err := list[0].RequestBody()
	if string(body) != "hi" || err != nil || Get(list[0].Request.Headers, "content-type") != "a/b" || list[0].ResponseType() != "c/d" || list[0].Name(7) != "7" {
		t.Errorf("read as %q, %v, %+v", body, err, list[0])
	}
	if _, err := list[1].RequestBody(); err == nil || list[1].Name(1) != "mine" {
		t.Error("bad base64 is no error")
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"log":{"entries":[{"request":{"postData":null},"_regent":{"expect":{"status":1}}}]}}`))
	f.Add([]byte("{}\n{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = Read(data, func(n int, e *Entry) error {
			_, _ = e.RequestBody()
			_, _ = e.ResponseBody()
			_ = e.Name(n)
			return nil
		})
	})
}
