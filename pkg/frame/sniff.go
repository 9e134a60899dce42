package frame

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"strings"
)

// Sniff tells how a body is framed: by its media type, and where that leaves it
// open (absent, generic, or JSON, which may be an array, and which some servers
// state for SSE) by its first bytes. It reports false where the body is not a
// stream of events, as one JSON object of type application/json is not, or where
// more bytes are needed: twelve are enough where no white space comes first.
func Sniff(contentType string, first []byte) (Kind, bool) {
	media, _, _ := strings.Cut(contentType, ";")
	switch media = strings.ToLower(strings.TrimSpace(media)); media {
	case "text/event-stream":
		return SSE, true
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonl",
		"application/jsonlines", "application/x-jsonlines", "application/stream+json":
		return NDJSON, true
	case "application/vnd.amazon.eventstream":
		return AWSEventStream, true
	case "application/json":
		kind, ok := sniffContent(first)
		return kind, ok && kind != NDJSON
	case "", "text/plain", "application/octet-stream", "binary/octet-stream":
		return sniffContent(first)
	}
	return 0, false
}

func trimStart(b []byte) []byte {
	return bytes.TrimLeft(bytes.TrimPrefix(b, bom), " \t\r\n")
}

func sniffContent(first []byte) (Kind, bool) {
	if len(first) >= awsPrelude && crc32.ChecksumIEEE(first[:8]) == binary.BigEndian.Uint32(first[8:]) {
		return AWSEventStream, true
	}
	b := trimStart(first)
	if len(b) == 0 {
		return 0, false
	}
	switch b[0] {
	case '[':
		return JSONArray, true
	case '{':
		return NDJSON, true
	case ':':
		return SSE, true
	}
	for _, field := range []string{"data:", "event:", "id:", "retry:"} {
		if bytes.HasPrefix(b, []byte(field)) {
			return SSE, true
		}
	}
	return 0, false
}
