// Package har reads recorded HTTP exchanges: HAR 1.2 files, or HAR entries one a
// line.
//
// Only what Regent needs of an entry is read; the rest is left alone. Members
// that begin with an underscore are a HAR author's own
// (http://www.softwareishard.com/blog/har-12-spec/#customFields), and so are
// Regent's: _regent says who calls and what a policy is expected to decide.
package har

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

// Entry is one exchange.
type Entry struct {
	ID      string `json:"id"`
	HarID   string `json:"_id"`
	Request struct {
		Method   string `json:"method"`
		URL      string `json:"url"`
		Headers  []Pair `json:"headers"`
		PostData *struct {
			MimeType string `json:"mimeType"`
			Content
		} `json:"postData"`
	} `json:"request"`
	Response struct {
		Status  int    `json:"status"`
		Headers []Pair `json:"headers"`
		Content struct {
			MimeType string `json:"mimeType"`
			Content
		} `json:"content"`
	} `json:"response"`
	// Regent is what HAR has no place for.
	Regent *Facts `json:"_regent"`
}

// Facts are what a recording does not hold of a call.
type Facts struct {
	// Name is what reports call the entry.
	Name string `json:"name"`
	// Identity is input.identity, as Envoy's verified metadata would give it.
	Identity *Identity `json:"identity"`
	// Principal is input.source.principal.
	Principal string `json:"principal"`
	// Expect is what the policy is expected to decide, by phase: members of the
	// decision, as JSON. A member that is not named may be anything.
	Expect map[string]json.RawMessage `json:"expect"`
}

// Identity is who calls.
type Identity struct {
	Subject string         `json:"subject"`
	Tenant  string         `json:"tenant"`
	Team    string         `json:"team"`
	App     string         `json:"app"`
	Scopes  []string       `json:"scopes"`
	Claims  map[string]any `json:"claims"`
}

// Pair is a header.
type Pair struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Content is a body as HAR holds it.
type Content struct {
	Text     string `json:"text"`
	Encoding string `json:"encoding"`
}

// Bytes are the body; bad base64 is an error.
func (c Content) Bytes() ([]byte, error) {
	if c.Encoding == "base64" {
		return base64.StdEncoding.DecodeString(c.Text)
	}
	return []byte(c.Text), nil
}

// RequestBody is the request's body, nil where it has none.
func (e *Entry) RequestBody() ([]byte, error) {
	if e.Request.PostData == nil {
		return nil, nil
	}
	return e.Request.PostData.Bytes()
}

// ResponseBody is the response's body, compressed where it was recorded so.
func (e *Entry) ResponseBody() ([]byte, error) { return e.Response.Content.Bytes() }

// ResponseType is the response's content-type, as the header or else HAR itself
// says.
func (e *Entry) ResponseType() string {
	if t := Get(e.Response.Headers, "content-type"); t != "" {
		return t
	}
	return e.Response.Content.MimeType
}

// Get is the first value of a header, whatever the case of its name; "" if
// absent.
func Get(headers []Pair, name string) string {
	for _, h := range headers {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

// Name is what the n-th entry is called: its name, its id, or n.
func (e *Entry) Name(n int) string {
	switch {
	case e.Regent != nil && e.Regent.Name != "":
		return e.Regent.Name
	case e.ID != "":
		return e.ID
	case e.HarID != "":
		return e.HarID
	}
	return fmt.Sprint(n)
}

// Read calls visit for each entry of a HAR file, or of a file with one HAR
// entry a line, counting from 1, until it fails.
func Read(data []byte, visit func(n int, e *Entry) error) error {
	var har struct {
		Log *struct {
			Entries []*Entry `json:"entries"`
		} `json:"log"`
	}
	if err := json.Unmarshal(data, &har); err == nil && har.Log != nil {
		for i, e := range har.Log.Entries {
			if e == nil {
				return fmt.Errorf("entry %d is no HAR entry: it is null", i+1)
			}
			if err := visit(i+1, e); err != nil {
				return err
			}
		}
		return nil
	} else if har.Log != nil {
		return fmt.Errorf("the HAR file is damaged: %w", err)
	}
	return readLines(data, visit)
}

func readLines(data []byte, visit func(n int, e *Entry) error) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	for n := 1; decoder.More(); n++ {
		e := &Entry{}
		if err := decoder.Decode(e); err != nil {
			return fmt.Errorf("entry %d is no HAR entry: %w", n, err)
		}
		if err := visit(n, e); err != nil {
			return err
		}
	}
	return nil
}
