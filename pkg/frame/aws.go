package frame

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strconv"
)

// aws finds messages of the AWS event stream: total length, headers' length and
// their CRC, each of 4 bytes, headers, payload, and the CRC of it all. Source:
// smithy.io, "Amazon Event Stream specification".
type aws struct{ names }

const (
	awsPrelude = 12
	awsFrame   = awsPrelude + 4
)

func (p *aws) reset() {}

func (p *aws) next(b []byte, ev *Event) (int, error) {
	if len(b) < awsPrelude {
		return 0, nil
	}
	total, headers := awsLengths(b)
	if crc32.ChecksumIEEE(b[:8]) != binary.BigEndian.Uint32(b[8:]) {
		return 0, fmt.Errorf("checksum of a message's prelude doesn't match: %w", ErrCorrupt)
	}
	if total < awsFrame || headers > total-awsFrame {
		return 0, fmt.Errorf("message of %d bytes with %d bytes of headers: %w", total, headers, ErrCorrupt)
	}
	if total > len(b) {
		return 0, nil
	}
	if crc32.ChecksumIEEE(b[:total-4]) != binary.BigEndian.Uint32(b[total-4:]) {
		return 0, fmt.Errorf("checksum of a message doesn't match: %w", ErrCorrupt)
	}
	p.message(b[:total], headers, ev)
	return total, nil
}

func awsLengths(b []byte) (total, headers int) {
	return int(binary.BigEndian.Uint32(b)), int(binary.BigEndian.Uint32(b[4:]))
}

func (p *aws) message(raw []byte, headers int, ev *Event) {
	h := raw[awsPrelude : awsPrelude+headers]
	switch string(awsHeader(h, ":message-type")) {
	case "exception", "error":
		ev.Kind = Exception
	}
	for _, name := range [...]string{":event-type", ":exception-type", ":error-code"} {
		if v := awsHeader(h, name); len(v) > 0 {
			ev.Name = p.intern(v)
			break
		}
	}
	ev.payload(AWSEventStream, raw, awsPrelude+headers, len(raw)-4)
}

// last takes an incomplete message as bytes without meaning.
func (p *aws) last(b []byte, ev *Event) int {
	ev.Kind = None
	return len(b)
}

// Header is a header of an AWS event stream message: strings and bytes as they
// are, numbers and booleans in decimal and as true or false; "" where absent and
// for events of other framings.
func (e *Event) Header(name string) string {
	if e.format != AWSEventStream {
		return ""
	}
	_, n := awsLengths(e.Raw)
	h := e.Raw[awsPrelude : awsPrelude+n]
	for len(h) > 0 {
		key, kind, value, rest, ok := awsNext(h)
		if !ok {
			return ""
		}
		if string(key) == name {
			return awsText(kind, value)
		}
		h = rest
	}
	return ""
}

// awsHeader is the value of the string header of that name, nil where absent.
func awsHeader(h []byte, name string) []byte {
	for len(h) > 0 {
		key, kind, value, rest, ok := awsNext(h)
		if !ok {
			return nil
		}
		if kind == awsString && string(key) == name {
			return value
		}
		h = rest
	}
	return nil
}

// Types of header values.
const (
	awsTrue = iota
	awsFalse
	awsByte
	awsShort
	awsInteger
	awsLong
	awsByteArray
	awsString
	awsTimestamp
	awsUUID
)

// awsSizes are the bytes a value takes, by type; -1 is two bytes of length first.
var awsSizes = [...]int{0, 0, 1, 2, 4, 8, -1, -1, 8, 16}

// awsNext splits the first header off h.
func awsNext(h []byte) (key []byte, kind byte, value, rest []byte, ok bool) {
	n := int(h[0])
	if len(h) < n+2 {
		return nil, 0, nil, nil, false
	}
	key, kind, h = h[1:1+n], h[1+n], h[2+n:]
	if int(kind) >= len(awsSizes) {
		return nil, 0, nil, nil, false
	}
	size := awsSizes[kind]
	if size < 0 {
		if len(h) < 2 {
			return nil, 0, nil, nil, false
		}
		size, h = int(binary.BigEndian.Uint16(h)), h[2:]
	}
	if len(h) < size {
		return nil, 0, nil, nil, false
	}
	return key, kind, h[:size], h[size:], true
}

func awsText(kind byte, value []byte) string {
	switch kind {
	case awsTrue:
		return "true"
	case awsFalse:
		return "false"
	case awsByteArray, awsString, awsUUID:
		return string(value)
	}
	var n uint64
	for _, c := range value {
		n = n<<8 | uint64(c)
	}
	shift := 64 - 8*len(value)
	return strconv.FormatInt(int64(n<<shift)>>shift, 10)
}

func (e *Event) rebuildAWS(dst, payload []byte) []byte {
	_, n := awsLengths(e.Raw)
	return appendMessage(dst, e.Raw[awsPrelude:awsPrelude+n], payload)
}

// appendMessage appends a message with headers as they are encoded.
func appendMessage(dst, headers, payload []byte) []byte {
	from := len(dst)
	dst = binary.BigEndian.AppendUint32(dst, uint32(awsFrame+len(headers)+len(payload)))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(headers)))
	dst = binary.BigEndian.AppendUint32(dst, crc32.ChecksumIEEE(dst[from:]))
	dst = append(append(dst, headers...), payload...)
	return binary.BigEndian.AppendUint32(dst, crc32.ChecksumIEEE(dst[from:]))
}

// AppendAWS appends an AWS event stream message with string headers, whose names
// are of at most 255 and whose values of at most 65535 bytes; longer ones are cut.
func AppendAWS(dst []byte, headers [][2]string, payload []byte) []byte {
	var h []byte
	for _, kv := range headers {
		name, value := kv[0], kv[1]
		name, value = name[:min(len(name), 255)], value[:min(len(value), 65535)]
		h = append(append(h, byte(len(name))), name...)
		h = append(h, awsString)
		h = binary.BigEndian.AppendUint16(h, uint16(len(value)))
		h = append(h, value...)
	}
	return appendMessage(dst, h, payload)
}
