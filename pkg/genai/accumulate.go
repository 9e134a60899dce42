package genai

// maxListed bounds the finish reasons and tool calls remembered of one
// response: beyond it they pass like the others but are not listed.
const maxListed = 256

// Add takes over what a stream's event says of the whole response. Texts are
// not kept: they belong to the event.
func (r *Response) Add(d *Delta) {
	set(&r.ID, d.ID)
	set(&r.Model, d.Model)
	set(&r.ServiceTier, d.ServiceTier)
	set(&r.Fingerprint, d.Fingerprint)
	set(&r.Status, d.Status)
	for _, reason := range d.FinishReasons {
		r.setReason(reason)
	}
	for _, call := range d.ToolCalls {
		r.addToolCall(call)
	}
	if d.HasUsage {
		r.Usage = d.Usage
	}
	if d.Error != nil {
		r.Error = d.Error
	}
}

func set(dst *string, s string) {
	if s != "" {
		*dst = s
	}
}

// addToolCall lists a call once: some servers name it in each of its fragments.
func (r *Response) addToolCall(call ToolCall) {
	for i := range r.ToolCalls {
		if known := &r.ToolCalls[i]; known.Choice == call.Choice && known.Index == call.Index && known.ID == call.ID {
			return
		}
	}
	if len(r.ToolCalls) < maxListed {
		r.ToolCalls = append(r.ToolCalls, call)
	}
}

// setReason keeps one reason a choice, in the order of choices: some servers
// send it twice, and then the last counts.
func (r *Response) setReason(reason FinishReason) {
	at := len(r.FinishReasons)
	for i := range r.FinishReasons {
		switch known := &r.FinishReasons[i]; {
		case known.Choice == reason.Choice:
			known.Reason = reason.Reason
			return
		case known.Choice > reason.Choice && i < at:
			at = i
		}
	}
	if len(r.FinishReasons) >= maxListed {
		return
	}
	r.FinishReasons = append(r.FinishReasons, FinishReason{})
	copy(r.FinishReasons[at+1:], r.FinishReasons[at:])
	r.FinishReasons[at] = reason
}
