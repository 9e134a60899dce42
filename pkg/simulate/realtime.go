package simulate

import (
	"net/http"

	"github.com/coder/websocket"
)

// realtime upgrades to a WebSocket that sends each message back, as a stand-in
// for realtime APIs: it shows that upgrades pass.
func (s *Server) realtime(w http.ResponseWriter, r *http.Request) {
	s.journal.add(r, nil, nil)
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true}) // any origin: it is no browser's
	if err != nil {
		return // Accept has answered
	}
	defer c.CloseNow()
	for {
		kind, data, err := c.Read(r.Context())
		if err != nil {
			return
		}
		if c.Write(r.Context(), kind, data) != nil {
			return
		}
	}
}
