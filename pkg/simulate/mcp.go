package simulate

import (
	"encoding/json"
	"net/http"
	"strings"
)

// mcp is a Model Context Protocol server over streamable HTTP
// (https://modelcontextprotocol.io/specification/2025-06-18/basic/transports):
// one tool, echo, which repeats its text; with the directive secret it leaks.
func (s *Server) mcp(w http.ResponseWriter, r *http.Request) {
	in, err := s.receive(r)
	if err != nil {
		return
	}
	b, err := s.base.with(in.Header.Get("x-simulate"), ";")
	if err != nil {
		sendJSON(w, http.StatusBadRequest, object{"error": err.Error()})
		return
	}
	var q mcpRequest
	if err := json.Unmarshal(in.body, &q); err != nil {
		sendJSON(w, http.StatusBadRequest, rpc(nil, "error", object{"code": -32700, "message": "the body is not JSON-RPC"}))
		return
	}
	if b.status != 0 {
		sendJSON(w, b.status, rpc(q.ID, "error", object{"code": -32000, "message": "told to fail"}))
		return
	}
	if q.ID == nil { // a notification
		w.WriteHeader(http.StatusAccepted)
		return
	}
	answer := q.answer(b)
	if q.Method != "tools/call" || !strings.Contains(in.Header.Get("accept"), "text/event-stream") {
		sendJSON(w, http.StatusOK, answer)
		return
	}
	w.Header().Set("content-type", "text/event-stream")
	sendPieces(w, in.Context(), [][]byte{
		sse("message", object{"jsonrpc": "2.0", "method": "notifications/message", "params": object{"level": "info", "data": "working"}}),
		sse("message", answer),
	}, b)
}

type mcpRequest struct {
	ID     json.RawMessage
	Method string
	Params struct {
		ProtocolVersion string
		Name            string
		Arguments       struct{ Text string }
	}
}

func rpc(id json.RawMessage, kind string, value any) object {
	return object{"jsonrpc": "2.0", "id": id, kind: value}
}

func (q *mcpRequest) answer(b behaviour) object {
	switch q.Method {
	case "initialize":
		return rpc(q.ID, "result", object{
			"protocolVersion": q.Params.ProtocolVersion, "capabilities": object{"tools": object{}}, "serverInfo": object{"name": "simulated", "version": "1"},
		})
	case "ping":
		return rpc(q.ID, "result", object{})
	case "tools/list":
		return rpc(q.ID, "result", object{"tools": []any{object{
			"name": "echo", "description": "Repeats a text",
			"inputSchema": object{"type": "object", "properties": object{"text": object{"type": "string"}}, "required": []string{"text"}},
		}}})
	case "tools/call":
		if q.Params.Name != "echo" {
			return rpc(q.ID, "error", object{"code": -32602, "message": "there is no tool " + q.Params.Name})
		}
		text := "You said: " + q.Params.Arguments.Text
		if b.secret {
			text += " The key is " + secret() + "."
		}
		return rpc(q.ID, "result", object{"content": []any{object{"type": "text", "text": text}}, "isError": false})
	}
	return rpc(q.ID, "error", object{"code": -32601, "message": "there is no method " + q.Method})
}
