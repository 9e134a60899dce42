// Package genai is the vocabulary in the middle: what a call to a large
// language model is, in no provider's words.
//
// Dialects read their provider's bytes into a [Request], a [Response] or, event
// by event, a [Delta]; policy, detection, accounting and telemetry read only
// these. A value that came from bytes keeps the [Range] it came from, so that an
// edit can be made in place and every other byte left alone. Names follow the
// OpenTelemetry GenAI semantic conventions (v1.41.1).
//
// The package imports the standard library only. Its values are plain data:
// not safe for concurrent mutation, safe for concurrent reading.
package genai

// Range is a half-open range of bytes, [Start, End), of the document it was
// read from: a request body, a response body, or one event's payload.
type Range struct{ Start, End int }

// Len is the number of bytes in the range.
func (r Range) Len() int { return r.End - r.Start }

// IsZero reports whether the range is unset.
func (r Range) IsZero() bool { return r == Range{} }

// Operation is the value of gen_ai.operation.name: one of the conventions'
// well-known values where one fits, else a custom one.
type Operation string

// Operations of the conventions.
const (
	Chat            Operation = "chat"
	TextCompletion  Operation = "text_completion"
	GenerateContent Operation = "generate_content"
	Embeddings      Operation = "embeddings"
)

// Operations the conventions have no value for.
const (
	Moderation      Operation = "moderation"
	ImageGeneration Operation = "image_generation"
	Transcription   Operation = "transcription"
	Speech          Operation = "speech"
	Rerank          Operation = "rerank"
	CountTokens     Operation = "count_tokens"
	FetchResponse   Operation = "fetch_response"
	ListTools       Operation = "list_tools"
	CallTool        Operation = "call_tool"
	// Session is a protocol's own housekeeping, such as MCP's handshake: it asks
	// nothing of a model or a tool.
	Session Operation = "session"
	// Other is an operation of a known provider that Regent does not read:
	// it passes, is counted, and its coverage says so.
	Other Operation = "other"
)

// Role says who a text speaks for.
type Role string

// Roles, the same in every dialect: "model" and "CHATBOT" are Assistant,
// "developer" is System, "function" is Tool.
const (
	System    Role = "system"
	User      Role = "user"
	Assistant Role = "assistant"
	Tool      Role = "tool"
)

// TextKind says what a text is within a call.
type TextKind string

// Kinds of text.
const (
	Content         TextKind = "content"          // what people and models say to each other
	Refusal         TextKind = "refusal"          // a model's refusal, where the dialect has a field for it
	Reasoning       TextKind = "reasoning"        // thinking, chain of thought, summaries of it
	ToolArguments   TextKind = "tool_arguments"   // a model's call of a tool
	ToolResult      TextKind = "tool_result"      // what a tool answered
	ToolDescription TextKind = "tool_description" // definitions offered to the model
	Citation        TextKind = "citation"         // quoted sources, titles, annotations
	FileName        TextKind = "file_name"        // names of attachments
	URL             TextKind = "url"              // links to images and documents
	Document        TextKind = "document"         // documents given as text beside the messages
	Metadata        TextKind = "metadata"         // end-user ids, tags and other free-form strings
)

// Encoding says how the bytes of a Text's Range stand for text.
type Encoding uint8

// Encodings. See jsonspan.View for the decoding and the mapping back.
const (
	// Plain: the bytes are the text (a form field, a text/plain body).
	Plain Encoding = iota
	// JSONString: the bytes between the quotes of a JSON string.
	JSONString
	// JSONValue: a whole JSON value, such as a tool's arguments object. Its
	// text is the source with the escapes inside its strings decoded.
	JSONValue
	// JSONInString: the bytes between the quotes of a JSON string whose text is
	// itself JSON source, such as OpenAI's function arguments. In a stream each
	// delta carries a fragment of that source, cut anywhere.
	JSONInString
)

// Channel identifies the running text that a stream's deltas belong to: deltas
// with an equal Channel concatenate to one text. The zero Key of a whole text
// (a complete message, an event that repeats a finished text) is never joined.
type Channel struct {
	Kind   TextKind
	Choice int32 // choice, candidate or output index
	Item   int32 // content block, tool call or part index within the choice
}

// Text is one place where text lies in a body or an event's payload.
type Text struct {
	Range    Range
	Encoding Encoding
	Kind     TextKind
	Role     Role
	// Message is the index in Request.Messages (or of the choice in a
	// response), -1 where the text belongs to none.
	Message int
	// Channel joins a stream's deltas. Only meaningful where Partial.
	Channel Channel
	// Partial marks a delta of a running text; others are complete by themselves.
	Partial bool
	// Frozen marks text that may be read but never edited, such as a signed
	// thinking block: editing it would make the provider refuse the next turn.
	// A decision that must hide something in it denies the call instead.
	Frozen bool
}

// Message is one message of the conversation a request carries.
type Message struct {
	Role Role
	Name string
	// Range is the message's whole JSON value in the body.
	Range Range
	// Texts is the half-open range of Request.Texts that lie in the message.
	FirstText, EndText int
	// ToolCalls holds the calls an assistant message records.
	ToolCalls []ToolCall
	// ToolCallID is the call a tool message answers.
	ToolCallID string
	// Parts is the number of content parts, 1 for plain string content.
	Parts int
}

// ToolDefinition is a tool offered to the model.
type ToolDefinition struct {
	Name string
	Type string // "function", "custom", or a provider's built-in tool type
	// Range is the definition's JSON value in the body.
	Range Range
	// Parameters is the schema's JSON value; zero where there is none.
	Parameters Range
}

// ToolCall is a model's call of a tool.
type ToolCall struct {
	ID   string
	Name string
	// Type is "function" or the provider's built-in call type.
	Type string
	// Server marks a tool that ran at the provider, not at the client.
	Server bool
	// Index is the call's place in its choice: streams key fragments by it.
	Choice, Index int
	// Arguments is the JSON source of the arguments, decoded from its carrier;
	// nil until read or where the dialect has none.
	Arguments []byte
}

// Attachment is content that is not text: image, audio, video, file.
type Attachment struct {
	Modality  string // image, audio, video, file
	MediaType string // as stated, "" where not
	Bytes     int64  // decoded size where inline, 0 where by reference
	Name      string
	URI       string // by reference: URL or file id; never a data: URL
	Message   int    // index in Request.Messages, -1 where none
	Range     Range  // of the carrying JSON value
}

// Params are the request parameters the conventions name; nil is absent.
type Params struct {
	MaxTokens        *int64 // the limit on output tokens, whatever the dialect calls it
	Temperature      *float64
	TopP             *float64
	TopK             *float64
	FrequencyPenalty *float64
	PresencePenalty  *float64
	Seed             *int64
	Choices          *int64
	StopSequences    []string
	OutputType       string // text, json, image, speech
	ReasoningEffort  string
	ServiceTier      string
	EncodingFormats  []string
	Dimensions       *int64
	ToolChoice       string
}

// Request is what a request asks of a model.
type Request struct {
	Operation Operation
	Model     string
	// ModelRange is the model's bytes between the quotes in the body; zero
	// where the model stands in the path.
	ModelRange Range
	// Stream is what the request asked for; the response decides.
	Stream bool
	// UsageRequested reports whether a stream's client asked for a usage event.
	UsageRequested bool
	Messages       []Message
	Texts          []Text // in the order of the body
	Tools          []ToolDefinition
	Params         Params
	Attachments    []Attachment
	// ConversationID and PreviousResponseID are those the request carries.
	ConversationID     string
	PreviousResponseID string
	// RPC is what the first message of a JSON-RPC request that lists or calls
	// something says of itself; nil for other APIs.
	RPC *RPC
	// Provenance names what the request is made of.
	Provenance Provenance
	// Guardrail is the provider's guardrail that the request names, by id.
	Guardrail string
	// User is an end-user id the body states: a claim, never an identity.
	User string
	// UnknownParts counts parts of the body with no known meaning (content
	// types, roles) that pass unread; coverage says so.
	UnknownParts int
}

// RPC is the head of a JSON-RPC message, as the Model Context Protocol has it.
type RPC struct {
	Method   string // tools/call; "" for an answer to a request of the server's
	ID       string // "" for a notification
	Version  string // of JSON-RPC, "2.0"
	Protocol string // of MCP, as header or handshake state it
	Session  string // of MCP
	// Tool, Prompt and Resource are what the method is about, by name or URI.
	Tool, Prompt, Resource string
}

// Provenance names what a request is made of, by ids, never by content.
type Provenance struct {
	PromptID, PromptVersion string   // a prompt kept at the provider or by the caller
	DataSources             []string // documents, caches, stores; at most [MaxDataSources]
}

// MaxDataSources bounds [Provenance.DataSources].
const MaxDataSources = 32

// AddSource notes a data source once; "" and what is over the bound are left out.
func (p *Provenance) AddSource(id string) {
	if id == "" || len(p.DataSources) >= MaxDataSources {
		return
	}
	for _, known := range p.DataSources {
		if known == id {
			return
		}
	}
	p.DataSources = append(p.DataSources, id)
}

// Usage is token counts by the conventions' meaning: input includes cached,
// output includes reasoning. Where Reported is false nothing was reported and
// the counts are estimates or zero.
type Usage struct {
	InputTokens      int64
	OutputTokens     int64
	CacheReadTokens  int64 // subset of input
	CacheWriteTokens int64 // subset of input
	ReasoningTokens  int64 // subset of output
	AudioInput       int64 // subset of input
	AudioOutput      int64 // subset of output
	ImageInput       int64 // subset of input
	ImageOutput      int64 // subset of output
	// Has* tell a reported zero from an absent count.
	HasInput, HasOutput, HasCacheRead, HasCacheWrite, HasReasoning bool
	// CostUSD is a cost the provider itself reported; nil where none.
	CostUSD  *float64
	Reported bool
}

// Error is an error a provider reported, in the provider's words.
type Error struct {
	Status  int    // HTTP status, 0 inside a stream
	Type    string // the provider's type or code, low cardinality
	Code    string
	Message string
}

// FinishReason is why a choice ended, in the provider's word.
type FinishReason struct {
	Choice int
	Reason string
}

// Response is what came back, whole: read from one JSON document, or
// accumulated from a stream's deltas.
type Response struct {
	ID            string
	Model         string
	Choices       int
	FinishReasons []FinishReason // ordered by choice
	Usage         Usage
	ToolCalls     []ToolCall
	Texts         []Text // of a document; empty for a stream
	Error         *Error
	ServiceTier   string
	// Fingerprint is the provider's configuration, where it states one.
	Fingerprint string
	Status      string // of asynchronous APIs: queued, completed, …
	// UnknownParts counts parts that passed unread.
	UnknownParts int
}

// Delta is the meaning of one event of a stream. A reader fills it anew for
// each event; slices are reused, so a caller copies what it keeps.
type Delta struct {
	Texts         []Text     // ranges in the event's payload
	ToolCalls     []ToolCall // calls that began in this event: id and name
	FinishReasons []FinishReason
	// Usage is the running total after this event; valid where HasUsage.
	Usage    Usage
	HasUsage bool
	// UsageOnly marks an event that carries nothing but usage and can be left
	// out for a client that did not ask for it.
	UsageOnly bool
	// UsageNull marks an event that says "usage":null, as OpenAI's do once usage
	// was asked for; Event members are left alone otherwise.
	UsageNull   bool
	ID, Model   string // where the event states them
	ServiceTier string
	Fingerprint string
	Status      string
	Error       *Error
	// End marks the stream's terminal event.
	End bool
	// Unknown marks an event type with no known meaning: it passes, counted.
	Unknown bool
}

// Reset empties d for the next event and keeps its slices' memory.
func (d *Delta) Reset() {
	*d = Delta{Texts: d.Texts[:0], ToolCalls: d.ToolCalls[:0], FinishReasons: d.FinishReasons[:0]}
}
