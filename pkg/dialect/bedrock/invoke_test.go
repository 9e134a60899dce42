package bedrock

import (
	"encoding/base64"
	"strings"
	"testing"
)

// What is unwrapped, changed and wrapped again is the changed event, and the
// rest of the payload stays as it was.
func TestWrapUnwrap(t *testing.T) {
	s := &invokeStream{}
	inner := `{"outputText":"a \"b\""}`
	payload := `{ "bytes" : "` + base64.StdEncoding.EncodeToString([]byte(inner)) + `", "p":"abc" }`
	got, err := s.Unwrap([]byte(payload))
	if err != nil || string(got) != inner {
		t.Fatalf("%s, %v", got, err)
	}
	if same := s.Wrap([]byte(payload), got); string(same) != payload {
		t.Errorf("unchanged it became %s", same)
	}
	changed := s.Wrap([]byte(payload), []byte(`{"outputText":"[EMAIL]"}`))
	if back, err := s.Unwrap(changed); err != nil || string(back) != `{"outputText":"[EMAIL]"}` {
		t.Errorf("%s, %v", back, err)
	}
	if !strings.HasPrefix(string(changed), `{ "bytes" : "`) || !strings.HasSuffix(string(changed), `", "p":"abc" }`) {
		t.Errorf("the rest changed: %s", changed)
	}
	for _, bad := range []string{``, `{}`, `{"bytes":"%%"}`, `{"bytes":null}`} {
		if _, err := s.Unwrap([]byte(bad)); err == nil {
			t.Errorf("%q was unwrapped", bad)
		}
	}
}
