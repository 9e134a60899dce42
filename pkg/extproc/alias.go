package extproc

import "unsafe"

// within reports where part lies in whole, if both share memory. Addresses are
// only compared, never dereferenced.
func within(whole, part []byte) (at int, ok bool) {
	start := uintptr(unsafe.Pointer(unsafe.SliceData(whole)))
	p := uintptr(unsafe.Pointer(unsafe.SliceData(part)))
	if p < start || p+uintptr(len(part)) > start+uintptr(len(whole)) {
		return 0, false
	}
	return int(p - start), true
}
