package telemetry

import (
	"cmp"

	"go.opentelemetry.io/otel/metric"

	"github.com/regent-proxy/regent/pkg/call"
	"github.com/regent-proxy/regent/pkg/genai"
)

// rpcAnswer stands for the method of a client's answer to a request of the
// server's, which names none.
const rpcAnswer = "response"

// executeTool is the conventions' operation for a tool that is called by MCP.
const executeTool = "execute_tool"

// rpcOf is the JSON-RPC message that a call was, nil for a call of a model.
func rpcOf(r *call.Record) *genai.RPC {
	if r.Request == nil {
		return nil
	}
	return r.Request.RPC
}

func methodOf(rpc *genai.RPC) string { return cmp.Or(rpc.Method, rpcAnswer) }

// rpcName is "{method} {tool or prompt}". A resource's URI would make too many.
func rpcName(rpc *genai.RPC) string {
	name := clean(methodOf(rpc))
	if target := cmp.Or(rpc.Tool, rpc.Prompt); target != "" {
		name += " " + clean(target)
	}
	return name
}

// rpc are the attributes of a call by the Model Context Protocol.
func (b *encoder) rpc(r *call.Record, rpc *genai.RPC) {
	b.str(attrMCPMethod, methodOf(rpc))
	b.str(attrMCPSession, rpc.Session)
	b.str(attrMCPProtocol, rpc.Protocol)
	b.str(attrMCPResource, rpc.Resource)
	b.str(attrRPCRequestID, rpc.ID)
	if rpc.Version != "2.0" {
		b.str(attrRPCVersion, rpc.Version)
	}
	if rpc.Tool != "" {
		b.str(attrOperation, executeTool)
		b.str(attrToolName, rpc.Tool)
	}
	b.str(attrPromptName, rpc.Prompt)
	b.str(attrNetworkTransport, "tcp")
	b.str(attrNetworkProtocol, "http")
	b.str(attrRPCStatus, rpcStatus(r))
}

// rpcStatus is the error code of the response, "" where it has none.
func rpcStatus(r *call.Record) string {
	if e := r.Response.Error; e != nil {
		return e.Code
	}
	return ""
}

// rpcKey is everything that tells one MCP call's metric attributes from
// another's, bounded already.
type rpcKey struct {
	method, tool, prompt, protocol string
	errorType, status, address     string
	port                           int
}

func (m *metrics) rpcKeyOf(r *call.Record, rpc *genai.RPC) rpcKey {
	admit := admits(r)
	k := rpcKey{
		method: m.methods.of(methodOf(rpc), admit), tool: m.tools.of(rpc.Tool, admit), prompt: m.tools.of(rpc.Prompt, admit),
		protocol: m.methods.of(rpc.Protocol, admit), errorType: m.errorTypes.of(r.ErrorType, true),
		status: m.errorTypes.of(rpcStatus(r), true), address: m.addresses.of(r.ServerAddress, admit),
	}
	if k.address != "" && k.address != otherWord {
		k.port = r.ServerPort
	}
	return k
}

func (c *setCache) rpc(k rpcKey) metric.MeasurementOption {
	c.mu.RLock()
	s := c.rpcs[k]
	c.mu.RUnlock()
	if s != nil {
		return s
	}
	s = k.set()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rpcs == nil {
		c.rpcs = map[rpcKey]metric.MeasurementOption{}
	}
	if len(c.rpcs) < cachedSets {
		c.rpcs[k] = s
	}
	return s
}

func (k *rpcKey) set() metric.MeasurementOption {
	var l labels
	l.str(attrMCPMethod, k.method)
	if k.tool != "" {
		l.str(attrOperation, executeTool)
	}
	l.str(attrToolName, k.tool)
	l.str(attrPromptName, k.prompt)
	l.str(attrMCPProtocol, k.protocol)
	l.str(attrErrorType, k.errorType)
	l.str(attrRPCStatus, k.status)
	l.str(attrServerAddress, k.address)
	l.nonzero(attrServerPort, int64(k.port))
	l.str(attrNetworkTransport, "tcp")
	l.str(attrNetworkProtocol, "http")
	return option(l)
}
