package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"net"
	"net/http"
	"strconv"
)

var (
	errDrop  = errors.New("emulator: connection closed without an answer")
	errReset = errors.New("emulator: connection reset")
)

// answer is a whole response, held back so that a fault can still spoil it.
type answer struct {
	status int
	header http.Header
	body   bytes.Buffer
	stall  bool // half the body goes out, the rest never
	cut    bool // half the body goes out, then the connection closes
}

func newAnswer() *answer { return &answer{header: http.Header{}} }

// Header is the header that will be sent.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader sets the status; the first call counts.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// Write appends to the body and never fails.
func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

// sent is the part of the body that reaches the client.
func (a *answer) sent() []byte {
	if a.stall || a.cut {
		return a.body.Bytes()[:a.body.Len()/2]
	}
	return a.body.Bytes()
}

// writeTo sends the answer over a real connection.
func (a *answer) writeTo(w http.ResponseWriter, r *http.Request) {
	maps.Copy(w.Header(), a.header)
	w.Header().Set("Content-Length", strconv.Itoa(a.body.Len()))
	a.WriteHeader(http.StatusOK)
	w.WriteHeader(a.status)
	if r.Method == http.MethodHead {
		return
	}
	if _, err := w.Write(a.sent()); err != nil {
		return // the client is gone
	}
	switch {
	case a.stall:
		if err := http.NewResponseController(w).Flush(); err == nil {
			<-r.Context().Done()
		}
	case a.cut:
		_ = http.NewResponseController(w).Flush()
		breakConnection(w, false)
	}
}

// breakConnection closes the connection under w: with a FIN, or with a RST.
func breakConnection(w http.ResponseWriter, reset bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2 cannot be hijacked: reset the stream
	}
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// writeJSON answers with v. Nothing the emulator says may be cached.
func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	body, err := json.Marshal(v)
	if err != nil {
		panic("emulator: " + err.Error()) // a value of ours that is not JSON
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
