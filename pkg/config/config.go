// Package config reads Regent's one YAML file into a validated [Config].
//
// Most callers want [Load]. Defaults stand in [Default], the rules in
// [Config.Validate]; every error names file, line and column and says what to
// write instead. An unknown key is an error, never ignored: a typo must not
// turn a guard off. The comments of the fields below are the source of
// docs/CONFIG.md.
package config

import "time"

// Config is everything the operator decides. It is read only once loaded.
type Config struct {
	// Where Envoy's ext_proc streams arrive.
	Listen Listen `yaml:"listen"`
	// How the process ends on SIGTERM.
	Drain Drain `yaml:"drain"`
	// Health, metrics, profiles and what operators see and change, over HTTP.
	Admin Admin `yaml:"admin"`
	// What operators see of calls in a browser, at /console/ of the admin port.
	Console Console `yaml:"console"`
	// What is written to standard error.
	Log Log `yaml:"log"`
	// The Rego that decides.
	Policy Policy `yaml:"policy"`
	// Bounds of memory and time.
	Limits Limits `yaml:"limits"`
	// Overrides of what a host or path speaks; the first match wins.
	Routes []Route `yaml:"routes"`
	// Who calls, from verified metadata or trusted headers.
	Identity Identity `yaml:"identity"`
	// How token counts are obtained.
	Usage Usage `yaml:"usage"`
	// What is looked for in texts.
	Detect Detect `yaml:"detect"`
	// What stands in for a value.
	Redaction Redaction `yaml:"redaction"`
	// Calls that a human must see before they pass.
	Review Review `yaml:"review"`
	// Traces and metrics.
	Telemetry Telemetry `yaml:"telemetry"`
	// Models, prices and context windows.
	Catalog Catalog `yaml:"catalog"`
	// How a decision's target reaches Envoy.
	Routing Routing `yaml:"routing"`
	// The Go runtime's memory settings.
	Runtime Runtime `yaml:"runtime"`
}

// Listen is the gRPC listener.
type Listen struct {
	// unix:/path or host:port. A Unix socket costs less CPU a call than TCP.
	Address Address `yaml:"address"`
	// Permissions of a Unix socket, octal, as a string. Envoy's user must be able to write to it.
	SocketMode FileMode `yaml:"socket_mode"`
}

// Drain is the order of a graceful end.
type Drain struct {
	// How long to go on serving after readiness and gRPC health have turned false, so that Envoy stops sending new calls here.
	Delay time.Duration `yaml:"delay"`
	// How long live calls may then take to end. What is left is ended with an error status, so that Envoy applies its failure mode and nothing passes uninspected.
	Timeout time.Duration `yaml:"timeout"`
	// How long the last spans and metrics may take to leave.
	Flush time.Duration `yaml:"flush"`
}

// Admin is the HTTP server for operators.
type Admin struct {
	// host:port or unix:/path; empty turns it off. An address that other machines reach needs tokens or tls.client_ca.
	Listen Address `yaml:"listen"`
	// Who may read and change what the admin port serves. Without tokens, whoever reaches it reads, and changes need a Unix socket.
	Tokens Tokens `yaml:"tokens"`
	// Ask readers of /metrics for a token or certificate as well; /healthz and /readyz are always open.
	MetricsAuth bool `yaml:"metrics_auth"`
	// TLS of the admin port.
	TLS ServerTLS `yaml:"tls"`
	// Serve /debug/pprof.
	Pprof bool `yaml:"pprof"`
}

// Tokens are secrets by the name of who holds them, 16 bytes or more each.
type Tokens struct {
	// Tokens that may read (GET, HEAD), by name: {grafana: "${file:/run/secrets/grafana}"}.
	Viewer map[string]Secret `yaml:"viewer"`
	// Tokens that may read and change, by name.
	Operator map[string]Secret `yaml:"operator"`
}

// ServerTLS is the server side of a TLS connection.
type ServerTLS struct {
	// The certificate with its chain, PEM; read anew when the file changes.
	Cert Path `yaml:"cert"`
	// Its key, PEM.
	Key Path `yaml:"key"`
	// Ask clients for a certificate that one of these signed, PEM. Who has none gets the open paths alone.
	ClientCA Path `yaml:"client_ca"`
}

// Console is the operators' view of calls in a browser.
type Console struct {
	// Serve it, and keep in memory what it shows: the last calls without their content, and counts of 7 days.
	Enabled bool `yaml:"enabled"`
	// How many calls are kept, about 1 kB each.
	Calls int `yaml:"calls"`
	// How many kinds of calls (by tenant, team, model and upstream) are told apart in an hour; further ones count as others. A kind in constant use takes about 0.4 MB.
	Kinds int `yaml:"kinds"`
	// A link to a call's trace, with {trace_id} in it: http://jaeger:16686/trace/{trace_id}.
	TraceURL string `yaml:"trace_url"`
}

// Log is the process's own log, one record a line on standard error.
type Log struct {
	// The least level written.
	Level string `yaml:"level" oneof:"debug info warn error"`
	// How a record is written.
	Format string `yaml:"format" oneof:"json text"`
	// Write one line for each call, at level info: ids, models, decision, tokens, cost, time; never content.
	Calls bool `yaml:"calls"`
}

// Policy is the policy set and how it is evaluated.
type Policy struct {
	// Files and folders of .rego policies and .json or .yaml data; _test.rego files are left out.
	Paths []Path `yaml:"paths"`
	// Load the library and the default policy that ship with Regent as well.
	Default bool `yaml:"default"`
	// The time one evaluation may take; at its end the call fails as on_error says.
	Timeout time.Duration `yaml:"timeout"`
	// What an error, a timeout or an undefined decision means: closed refuses the call, open lets it pass and says so in span, metrics and access log.
	OnError string `yaml:"on_error" oneof:"closed open"`
	// What a request body that can't be read means: closed refuses the call with 400, open has it judged by its head alone.
	OnUnreadable string `yaml:"on_unreadable" oneof:"closed open"`
	// Load policies anew when a file changes. A set that does not load leaves the running one in place.
	Watch bool `yaml:"watch"`
	// Let policies use http.send, net.lookup_ip_addr and opa.runtime. An evaluation that waits for a network holds its call.
	Network bool `yaml:"network"`
	// Policies fetched as OPA bundles, and OPA's reports about them. Members not described here are OPA's own, see its documentation (www.openpolicyagent.org/docs/configuration).
	Bundles Bundles `yaml:"bundles"`
	// How a policy that was loaded anew is brought in.
	Rollout Rollout `yaml:"rollout"`
}

// Rollout is how a new policy set gets from loaded to in force. The set at the
// start is in force at once.
type Rollout struct {
	// direct puts it in force at once; shadow has it decide beside the active one, differences counted and logged, nothing carried out; canary has it judge a share of the calls.
	Mode string `yaml:"mode" oneof:"direct shadow canary"`
	// The share of the calls that a canary judges, over 0, at most 1.
	Share float64 `yaml:"share"`
	// What makes the share stable: the same subject, tenant or team is always on the same side. A call where it is unknown, and every call with call, is a draw of its own.
	Key string `yaml:"key" oneof:"subject tenant team call"`
	// Tenants whose calls a canary may judge; empty is all.
	Tenants []string `yaml:"tenants"`
	// How many calls the canary and the active policy must each have in the window before they are compared.
	MinCalls int `yaml:"min_calls"`
	// The time over which they are compared.
	Window time.Duration `yaml:"window"`
	// The canary is rolled back where its share of failed calls is higher than the active policy's by more than this: 0.02 lets 1% become 3%. 1 is off.
	MaxErrorRateIncrease float64 `yaml:"max_error_rate_increase"`
	// Likewise its share of denied calls.
	MaxDenialRateIncrease float64 `yaml:"max_denial_rate_increase"`
	// Likewise where the 95th percentile of a call's evaluation time is more than this many times the active policy's, and over 1 ms; 0 is off.
	MaxLatencyRatio float64 `yaml:"max_latency_ratio"`
	// How long a canary must have kept to all this to be promoted by itself; 0 leaves that to an operator.
	PromoteAfter time.Duration `yaml:"promote_after"`
}

// Bundles are policies that are fetched.
type Bundles struct {
	// How long to wait at start for all bundles. Then Regent serves all the same, is not ready, and refuses to decide until they are there, which on_error turns into what clients see.
	StartTimeout time.Duration `yaml:"start_timeout"`
	// Servers to fetch from and report to, by name: OPA's services.
	Services OPA `yaml:"services"`
	// Keys that bundles are signed with, by name: OPA's keys. Where there are any, each bundle must say which by its signing.
	Keys OPA `yaml:"keys"`
	// Bundles by name: OPA's bundles. All of them together are the policy; paths lie above them.
	Bundles OPA `yaml:"bundles"`
	// Where bundles with persist: true are kept for the next start.
	PersistenceDirectory Path `yaml:"persistence_directory"`
	// Report each decision: OPA's decision_logs.
	DecisionLogs OPA `yaml:"decision_logs"`
	// Request headers whose values decision logs leave out.
	MaskHeaders []string `yaml:"mask_headers"`
	// Report the bundles' state: OPA's status.
	Status OPA `yaml:"status"`
	// Added to all reports: OPA's labels.
	Labels map[string]string `yaml:"labels"`
}

// Configured reports whether OPA's plugins have anything to do.
func (b *Bundles) Configured() bool {
	return len(b.Bundles.tree)+len(b.DecisionLogs.tree)+len(b.Status.tree)+len(b.Services.tree)+len(b.Keys.tree) > 0
}

// Limits bound what one call and all calls may hold.
type Limits struct {
	// The largest request body that is read; a larger one is refused with 413. Envoy's own buffer limit must not be smaller.
	MaxRequestBody Size `yaml:"max_request_body"`
	// The largest response body that is read as one document.
	MaxResponseBody Size `yaml:"max_response_body"`
	// ext_proc streams open at once; a further one is refused with an error status, which Envoy treats by its failure mode.
	MaxCalls int `yaml:"max_calls"`
	// The most bytes of a stream's events that are held back while a match could still grow.
	MaxHold Size `yaml:"max_hold"`
	// The largest single event of a stream.
	MaxEvent Size `yaml:"max_event"`
}

// Route overrides what a host or path speaks.
type Route struct {
	// The host without port; a leading dot matches any host below it. Empty matches any.
	Host string `yaml:"host"`
	// The start of the path. Empty matches any.
	PathPrefix string `yaml:"path_prefix"`
	// The API spoken there, such as openai.chat; none takes the route out of inspection.
	API string `yaml:"api"`
	// The provider's name in telemetry and policy (gen_ai.provider.name), where the host does not tell.
	Provider string `yaml:"provider"`
}

// Identity says where the caller's identity is read.
type Identity struct {
	// The dynamic metadata namespace in which Envoy's jwt_authn filter leaves a verified token.
	JWTMetadata string `yaml:"jwt_metadata"`
	// The member of that namespace that holds the claims (jwt_authn's payload_in_metadata).
	JWTPayload string `yaml:"jwt_payload"`
	// Headers that Envoy sets or removes on every request, so that a client can't choose them. Only these may be used below.
	TrustedHeaders []string `yaml:"trusted_headers"`
	// The caller: a person or a service account.
	Subject Source `yaml:"subject"`
	// The tenant the caller belongs to.
	Tenant Source `yaml:"tenant"`
	// The team that pays.
	Team Source `yaml:"team"`
	// The application that calls.
	App Source `yaml:"app"`
	// What the caller may do: a list, or words parted by spaces.
	Scopes Source `yaml:"scopes"`
}

// Source is where one fact of the identity is read: the claim first, then the
// header.
type Source struct {
	// A claim of the verified token; dots step into objects. It outranks the header.
	Claim string `yaml:"claim"`
	// A header, one of trusted_headers.
	Header string `yaml:"header"`
}

// Usage is how token counts are obtained.
type Usage struct {
	// Ask a provider for the usage of a stream whose client did not ask, and take the answer out again before it reaches the client.
	AskStreamUsage bool `yaml:"ask_stream_usage"`
}

// Detect is what is looked for in texts.
type Detect struct {
	// Look for sensitive values and attacks at all.
	Enabled bool `yaml:"enabled"`
	// Only these entities, such as EMAIL or CREDIT_CARD; empty is all of them.
	Entities []string `yaml:"entities"`
	// Not these entities.
	Disable []string `yaml:"disable"`
	// Leave findings below this confidence out, by entity; from 0 to 1.
	MinScore map[string]float64 `yaml:"min_score"`
	// Look for prompt injection in the texts of requests.
	Injection bool `yaml:"injection"`
	// Files with entities of your own: a list of {entity, class, pattern, terms, terms_file, check, score, context}; check is aba_routing, ean13, imei, luhn, mod11_10, mod97 or nhs, of the digits that pattern matched; context is {words, against, boost, required}: words within 64 bytes before a match that raise its score by boost (0.2) or lower it, and whether one of words must stand there. A pattern that names a space, a comma or a quote may match over several words, up to 256 bytes, and must have a string of two bytes or more in its first one.
	Custom []Path `yaml:"custom"`
	// Strings that must never appear, such as a marker in a system prompt; a match is the entity CANARY.
	Canaries []Secret `yaml:"canaries"`
	// A detector over HTTP, for what patterns can't find.
	Remote Remote `yaml:"remote"`
	// A mark that Regent itself puts at the end of system prompts.
	Canary Canary `yaml:"canary"`
}

// Remote is a detector that speaks the API of Presidio's analyzer.
type Remote struct {
	// The address that texts are posted to, such as http://127.0.0.1:3000/analyze; empty asks nobody. It gets every text of a request in the clear.
	URL string `yaml:"url"`
	// The language code sent with each text.
	Language string `yaml:"language"`
	// What is asked for, by the service's name, and what it is called here. Its class is pii.
	Entities map[string]string `yaml:"entities"`
	// Leave findings below this confidence out, from 0 to 1.
	MinScore float64 `yaml:"min_score"`
	// The time that a call waits for it at most, all its texts together.
	Timeout time.Duration `yaml:"timeout"`
	// The largest text that is sent; coverage says remote_detector_bound where one is larger.
	MaxText Size `yaml:"max_text"`
	// The most texts of one call that are sent, the last ones; those remembered do not count.
	MaxTexts int `yaml:"max_texts"`
	// Requests in flight at once, of all calls.
	Concurrency int `yaml:"concurrency"`
	// How many texts' findings are remembered, by the text's SHA-256, as places alone.
	Cache int `yaml:"cache"`
	// Headers sent with each request, such as an API key.
	Headers map[string]Secret `yaml:"headers"`
	// What a text means that could not be judged: open lets the call pass with what was found here, closed refuses it with 503. Coverage says remote_detector, so that a policy may decide as well.
	OnError string `yaml:"on_error" oneof:"open closed"`
	// How long the service is left alone after five failures in a row.
	Retry time.Duration `yaml:"retry"`
	// Ask about responses too that come as one document. Streams are not sent; their coverage then says remote_detector_stream.
	Responses bool `yaml:"responses"`
}

// Canary is the mark in system prompts. It depends on redaction.key, the tenant,
// the conversation and the prompt, so replicas with one key agree on it.
type Canary struct {
	// Add a short mark to each system prompt and look for it in the response: the finding CANARY, class exfiltration. The mark itself never reaches the client.
	Enabled bool `yaml:"enabled"`
}

// Redaction is what stands in for a value.
type Redaction struct {
	// The key of hashes, 16 bytes or more, the same on all replicas. Without one each process makes its own, and its hashes can't be joined with another's.
	Key Secret `yaml:"key"`
}

// Review keeps the calls that a decision's review parks.
type Review struct {
	// The file they are kept in; its folder must exist, and only one process may use it. Empty keeps none: a call that the policy wants reviewed is then refused with 503.
	Path Path `yaml:"path"`
	// The most calls that wait at once; a further one is refused with 503.
	MaxPending int `yaml:"max_pending"`
	// How long a call waits for a reviewer where the policy does not say.
	Wait time.Duration `yaml:"wait"`
	// How long an approved call may take to be sent again.
	Use time.Duration `yaml:"use"`
	// How long an ended review is kept; a rejected call is refused for as long.
	Keep time.Duration `yaml:"keep"`
	// Whether a reviewer sees the messages of the request: none, or redacted as the decision says, at most 16 KiB.
	Content string `yaml:"content" oneof:"none redacted"`
}

// Telemetry is traces and metrics.
type Telemetry struct {
	// The service's name; OTEL_SERVICE_NAME comes second.
	ServiceName string `yaml:"service_name"`
	// Further attributes of the resource; they outrank OTEL_RESOURCE_ATTRIBUTES.
	Resource map[string]string `yaml:"resource"`
	// One span a call, by the GenAI conventions.
	Traces Traces `yaml:"traces"`
	// Counts and times.
	Metrics Metrics `yaml:"metrics"`
	// Where callers name what their requests are made of, beside what bodies say.
	Provenance Provenance `yaml:"provenance"`
	// What is kept of messages, redacted as the decision says: none, redacted for in spans, or reference for in files that spans name.
	Content string `yaml:"content" oneof:"none redacted reference"`
	// Where those files go.
	ContentStore ContentStore `yaml:"content_store"`
	// How many distinct values a model name may bring into each metric attribute; further ones are counted as _other.
	MaxModels int `yaml:"max_models"`
	// Facts of the identity that become attributes of the metrics; each multiplies their number.
	IdentityLabels []string `yaml:"identity_labels" oneof:"tenant team app"`
	// How many distinct values an identity may bring into each metric attribute; further ones are counted as _other.
	MaxIdentities int `yaml:"max_identities"`
}

// ContentStore is a directory of what calls said, one JSON file a call.
type ContentStore struct {
	// The directory; it is made, for its owner alone, if it is not there.
	Dir Path `yaml:"dir"`
	// All files together; beyond it the oldest are removed.
	MaxSize Size `yaml:"max_size"`
}

// Provenance is where callers name prompts and data sources. Any caller can: it
// is a claim, for traces and reports, never for a decision.
type Provenance struct {
	// The id of the prompt, or of the template it was made of.
	PromptID Named `yaml:"prompt_id"`
	// Its version.
	PromptVersion Named `yaml:"prompt_version"`
	// Ids of documents, stores or retrievals, parted by commas.
	DataSources Named `yaml:"data_sources"`
}

// Named is where one fact of the provenance is read.
type Named struct {
	// A request header.
	Header string `yaml:"header"`
	// A member of the baggage header, where the header names nothing.
	Baggage string `yaml:"baggage"`
}

// Traces is the export of spans.
type Traces struct {
	Export `yaml:",inline"`
	// Spans waiting for export; at the bound a new one is dropped and counted, and the call goes on.
	Queue int `yaml:"queue"`
	// Spans a message to the collector.
	Batch int `yaml:"batch"`
	// How long a span waits at most for others to share a message with.
	Interval time.Duration `yaml:"interval"`
	// The share of calls traced where no parent decides, from 0 to 1.
	Ratio float64 `yaml:"ratio"`
	// Calls that are always exported, sampled or not.
	Keep []string `yaml:"keep" oneof:"denied redacted failed uncovered"`
	// Header formats in which a parent is read, the first that holds one; b3 is the single b3 header or the several X-B3-* ones.
	Propagators []string `yaml:"propagators" oneof:"tracecontext b3"`
	// Members of the baggage header that become attributes of the span, under their own names.
	Baggage []string `yaml:"baggage"`
	// Calls from this cost in US dollars on are always exported; 0 is off.
	KeepCost float64 `yaml:"keep_cost"`
	// Spans below a call's own: none, attempts for each try at an upstream, or all, which adds the wait for the request, its reading, each evaluation of the policy and the wait for the upstream.
	Children string `yaml:"children" oneof:"none attempts all"`
	// The names of a span's attributes: genai for the conventions' and, beside them, openinference for Phoenix and Arize.
	Vocabulary []string `yaml:"vocabulary" oneof:"genai openinference"`
	// full, or no-usage where the applications already report token counts by spans of their own.
	Spans string `yaml:"spans" oneof:"full no-usage"`
}

// Metrics is the export of metrics.
type Metrics struct {
	Export `yaml:",inline"`
	// How often metrics are sent.
	Interval time.Duration `yaml:"interval"`
	// Serve them on the admin port's /metrics as well.
	Prometheus bool `yaml:"prometheus"`
	// Put the decision's experiment and its variant on regent.calls and regent.cost.usd; each variant multiplies their number.
	Experiments bool `yaml:"experiments"`
}

// Export is where telemetry is sent. Members left empty come from the
// standard OTEL_EXPORTER_OTLP_* environment variables.
type Export struct {
	// auto is otlp where an OTEL_* variable asks for it, else none; stdout is for development.
	Exporter string `yaml:"exporter" oneof:"auto otlp stdout none"`
	// URL of the collector, http:// for plain text, https:// for TLS: http://collector:4317.
	Endpoint string `yaml:"endpoint"`
	// grpc, or http for OTLP over HTTP with protobuf bodies.
	Protocol string `yaml:"protocol" oneof:"grpc http"`
	// Headers sent with each message, such as an API key.
	Headers map[string]Secret `yaml:"headers"`
	// TLS to the collector.
	TLS TLS `yaml:"tls"`
	// Compression of what is sent.
	Compression string `yaml:"compression" oneof:"gzip none"`
	// The time one message may take, retries included.
	Timeout time.Duration `yaml:"timeout"`
}

// TLS is the client side of a TLS connection.
type TLS struct {
	// Certificates to trust, PEM; empty is the system's.
	CA Path `yaml:"ca"`
	// The client's own certificate, PEM.
	Cert Path `yaml:"cert"`
	// Its key, PEM.
	Key Path `yaml:"key"`
	// The name the collector's certificate must bear, where not the endpoint's.
	ServerName string `yaml:"server_name"`
}

// Catalog is what is known of models.
type Catalog struct {
	// A table of prices and context windows, JSON, in the place of the built-in one.
	File Path `yaml:"file"`
	// The same from an http or https URL, fetched once at start; where it can't be had the process does not start.
	URL string `yaml:"url"`
}

// Routing is how a decision's target reaches Envoy.
type Routing struct {
	// The request header that carries the target, matched by Envoy's routes or named as cluster_header. A client's own value is always removed.
	Header string `yaml:"header"`
}

// Runtime is the Go runtime's memory settings. GOGC and GOMEMLIMIT in the
// environment outrank them.
type Runtime struct {
	// The garbage collector's target percentage. 400 saves about a fifth of the CPU of policy evaluation for more memory.
	GOGC int `yaml:"gogc"`
	// The soft limit of memory; 0 takes 90 % of the container's limit, where it has one.
	MemoryLimit Size `yaml:"memory_limit"`
}
