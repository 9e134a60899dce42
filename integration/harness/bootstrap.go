package harness

import (
	"fmt"
	"maps"
	"net"
	"os"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// Bootstrap is an Envoy configuration that is changed piece by piece. The first
// piece that is not where it should be is kept in Err.
type Bootstrap struct {
	root any
	Err  error
}

// LoadBootstrap reads a configuration.
func LoadBootstrap(file string) (*Bootstrap, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	b := &Bootstrap{}
	if err := yaml.Unmarshal(text, &b.root); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return b, nil
}

// Write writes the configuration to a file.
func (b *Bootstrap) Write(file string) error {
	text, err := yaml.Marshal(b.root)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644)
}

// At is the value under a path of member names (string) and indices (int).
func (b *Bootstrap) At(path ...any) any { return b.step(b.root, path) }

func (b *Bootstrap) step(v any, path []any) any {
	for i, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			list, _ := v.([]any)
			if p >= len(list) {
				v = nil
				break
			}
			v = list[p]
		}
		if v == nil {
			if b.Err == nil {
				b.Err = fmt.Errorf("the bootstrap has nothing at %v", path[:i+1])
			}
			return nil
		}
	}
	return v
}

// object is the map at path; an empty one if there is none.
func (b *Bootstrap) object(path ...any) map[string]any {
	if m, ok := b.At(path...).(map[string]any); ok {
		return m
	}
	return map[string]any{}
}

// HCM is the listener's HTTP connection manager.
func (b *Bootstrap) HCM() map[string]any {
	return b.object("static_resources", "listeners", 0, "filter_chains", 0, "filters", 0, "typed_config")
}

// Listener is the listener.
func (b *Bootstrap) Listener() map[string]any { return b.object("static_resources", "listeners", 0) }

// Cluster is a cluster by name.
func (b *Bootstrap) Cluster(name string) map[string]any {
	list, _ := b.At("static_resources", "clusters").([]any)
	for _, each := range list {
		if c, _ := each.(map[string]any); c["name"] == name {
			return c
		}
	}
	if b.Err == nil {
		b.Err = fmt.Errorf("the bootstrap has no cluster %q", name)
	}
	return map[string]any{}
}

func (b *Bootstrap) endpoint(cluster string) map[string]any {
	e, _ := b.step(b.Cluster(cluster), []any{"load_assignment", "endpoints", 0, "lb_endpoints", 0, "endpoint"}).(map[string]any)
	return e
}

// SetEndpoint gives a cluster its only address, host:port.
func (b *Bootstrap) SetEndpoint(cluster, address string) {
	host, port, err := net.SplitHostPort(address)
	n, _ := strconv.Atoi(port)
	if err != nil && b.Err == nil {
		b.Err = err
	}
	b.setAddress(cluster, map[string]any{"socket_address": map[string]any{"address": host, "port_value": n}})
}

// SetSocket gives Regent's cluster its socket.
func (b *Bootstrap) SetSocket(path string) {
	b.setAddress("regent", map[string]any{"pipe": map[string]any{"path": path}})
}

func (b *Bootstrap) setAddress(cluster string, address any) {
	if e := b.endpoint(cluster); e != nil {
		e["address"] = address
	}
}

// SetTLS makes a cluster a host of the Internet, spoken to with TLS.
func (b *Bootstrap) SetTLS(cluster, host, authorities string) {
	b.SetEndpoint(cluster, net.JoinHostPort(host, "443"))
	c := b.Cluster(cluster)
	c["type"], c["dns_lookup_family"] = "LOGICAL_DNS", "V4_PREFERRED"
	c["transport_socket"] = map[string]any{
		"name": "envoy.transport_sockets.tls",
		"typed_config": map[string]any{
			"@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
			"sni":   host,
			"common_tls_context": map[string]any{"validation_context": map[string]any{
				"trusted_ca":                    map[string]any{"filename": authorities},
				"match_typed_subject_alt_names": []any{map[string]any{"san_type": "DNS", "matcher": map[string]any{"exact": host}}},
			}},
		},
	}
}

// setPorts gives listener and admin a port; 0 lets the system choose.
func (b *Bootstrap) setPorts(port int) {
	b.object("admin", "address", "socket_address")["port_value"] = port
	b.SetListenPort(port)
}

// SetListenPort gives the listener a port.
func (b *Bootstrap) SetListenPort(port int) {
	b.object("static_resources", "listeners", 0, "address", "socket_address")["port_value"] = port
}

// filter is the ext_proc filter among filters.
func extProcIn(filters any) map[string]any {
	list, _ := filters.([]any)
	for _, each := range list {
		f, _ := each.(map[string]any)
		if f["name"] == "envoy.filters.http.ext_proc" {
			config, _ := f["typed_config"].(map[string]any)
			return config
		}
	}
	return nil
}

const httpOptions = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"

func (b *Bootstrap) protocolOptions(cluster string) map[string]any {
	m, _ := b.step(b.Cluster(cluster), []any{"typed_extension_protocol_options", httpOptions}).(map[string]any)
	return m
}

// extProc are all ext_proc filters: the listener's and the clusters'.
func (b *Bootstrap) extProc() []map[string]any {
	out := []map[string]any{extProcIn(b.HCM()["http_filters"])}
	for _, name := range clusters {
		if f := extProcIn(b.protocolOptions(name)["http_filters"]); f != nil {
			out = append(out, f)
		}
	}
	return out
}

// FailOpen sets failure_mode_allow wherever Regent is attached.
func (b *Bootstrap) FailOpen() {
	for _, f := range b.extProc() {
		f["failure_mode_allow"] = true
	}
}

// WithoutRegent takes the filters out: Envoy alone, to compare with.
func (b *Bootstrap) WithoutRegent() {
	for _, holder := range append([]map[string]any{b.HCM()}, b.protocolOptionsOfAll()...) {
		list, _ := holder["http_filters"].([]any)
		kept := []any{}
		for _, each := range list {
			if f, _ := each.(map[string]any); f["name"] != "envoy.filters.http.ext_proc" {
				kept = append(kept, each)
			}
		}
		holder["http_filters"] = kept
	}
}

func (b *Bootstrap) protocolOptionsOfAll() []map[string]any {
	var out []map[string]any
	for _, name := range clusters {
		out = append(out, b.protocolOptions(name))
	}
	return out
}

// SetHTTP2 has Envoy speak HTTP/2 with all providers.
func (b *Bootstrap) SetHTTP2() {
	for _, o := range b.protocolOptionsOfAll() {
		o["explicit_http_config"] = map[string]any{"http2_protocol_options": map[string]any{}}
	}
}

// AddTracing merges envoy/tracing.yaml in, with a collector at host:port.
// Spans then leave every 100 ms, not every 5 s.
func (b *Bootstrap) AddTracing(file, collector string) {
	part, err := LoadBootstrap(file)
	if err != nil {
		b.Err = err
		return
	}
	b.HCM()["tracing"] = part.At("tracing")
	static := b.object("static_resources")
	list, _ := static["clusters"].([]any)
	added, _ := part.At("clusters").([]any)
	static["clusters"] = append(list, added...)
	if part.Err != nil {
		b.Err = part.Err
		return
	}
	b.SetEndpoint("otel-collector", collector)
	root, _ := b.root.(map[string]any)
	root["layered_runtime"] = map[string]any{"layers": []any{map[string]any{
		"name": "static", "static_layer": map[string]any{"tracing.opentelemetry.flush_interval_ms": 100},
	}}}
}

// VirtualHost is the route configuration's only virtual host.
func (b *Bootstrap) VirtualHost() map[string]any {
	return b.object("static_resources", "listeners", 0, "filter_chains", 0, "filters", 0, "typed_config", "route_config", "virtual_hosts", 0)
}

// AddSnippet merges envoy/listener-snippet.yaml in, each part where its comment
// says.
func (b *Bootstrap) AddSnippet(file string) {
	part, err := LoadBootstrap(file)
	if err != nil {
		b.Err = err
		return
	}
	list := func(v any) []any { l, _ := v.([]any); return l }
	hcm, host, static := b.HCM(), b.VirtualHost(), b.object("static_resources")
	b.Listener()["per_connection_buffer_limit_bytes"] = part.At("per_connection_buffer_limit_bytes")
	hcm["early_header_mutation_extensions"] = part.At("early_header_mutation_extensions")
	hcm["http_filters"] = append(list(part.At("http_filters")), list(hcm["http_filters"])...)
	host["routes"] = append(list(part.At("routes")), list(host["routes"])...)
	static["clusters"] = append(list(static["clusters"]), list(part.At("clusters"))...)
	if b.Err == nil {
		b.Err = part.Err
	}
}

// AddIstio carries the patches of an EnvoyFilter out, as far as
// envoy/istio.yaml uses them; a patch of another kind is an error.
func (b *Bootstrap) AddIstio(file string) {
	filter, err := LoadBootstrap(file) // the first document
	if err != nil {
		b.Err = err
		return
	}
	patches, _ := filter.At("spec", "configPatches").([]any)
	for i := range patches {
		kind, _ := filter.At("spec", "configPatches", i, "applyTo").(string)
		value := filter.object("spec", "configPatches", i, "patch", "value")
		b.patch(kind, value)
	}
	if b.Err == nil {
		b.Err = filter.Err
	}
}

func (b *Bootstrap) patch(kind string, value map[string]any) {
	switch kind {
	case "CLUSTER":
		static := b.object("static_resources")
		list, _ := static["clusters"].([]any)
		static["clusters"] = append(list, value)
	case "LISTENER":
		maps.Copy(b.Listener(), value)
	case "NETWORK_FILTER":
		config, _ := value["typed_config"].(map[string]any)
		maps.Copy(b.HCM(), config)
	case "HTTP_FILTER":
		hcm := b.HCM()
		list, _ := hcm["http_filters"].([]any)
		hcm["http_filters"] = append([]any{value}, list...)
	default:
		b.Err = fmt.Errorf("patches of %q are not known here", kind)
	}
}
