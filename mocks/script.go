package mocks

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"

	"github.com/jarcoal/httpmock"

	"github.com/rblx-go/opencloud"
)

// Script answers calls with responses that were written down beforehand, each
// once. A call that the script does not have fails the test, and so does a
// response that nobody has called for when the test ends.
type Script struct {
	t  TB
	mt *httpmock.MockTransport

	mu    sync.Mutex
	lines map[*opencloud.Method][]httpmock.Responder
}

// NewScript returns an empty script.
func NewScript(t TB) *Script {
	s := &Script{t: t, mt: httpmock.NewMockTransport(), lines: map[*opencloud.Method][]httpmock.Responder{}}
	s.mt.RegisterNoResponder(func(req *http.Request) (*http.Response, error) {
		t.Helper()
		t.Errorf("mocks: unexpected call of %s", name(req))
		return nil, fmt.Errorf("mocks: unexpected call of %s", name(req))
	})
	t.Cleanup(func() {
		t.Helper()
		s.mu.Lock()
		defer s.mu.Unlock()
		for m, left := range s.lines {
			if len(left) > 0 {
				t.Errorf("mocks: %d responses of %s were not called for", len(left), m.Name)
			}
		}
	})
	return s
}

// Respond adds a response to a call of the method. Several for one method are
// given out in order. The body is sent as it is if it is a string or bytes, and
// as JSON otherwise.
func (s *Script) Respond(m *opencloud.Method, status int, body any) {
	s.t.Helper()
	var text []byte
	switch body := body.(type) {
	case string:
		text = []byte(body)
	case []byte:
		text = body
	default:
		var err error
		if text, err = json.Marshal(body); err != nil {
			s.t.Errorf("mocks: a response of %s: %v", m.Name, err)
		}
	}
	s.RespondWith(m, httpmock.NewBytesResponder(status, text).HeaderSet(http.Header{"Content-Type": {"application/json"}}))
}

// RespondWith adds a responder of one's own, which sees the request.
func (s *Script) RespondWith(m *opencloud.Method, r httpmock.Responder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.lines[m]; !known {
		register(s.mt, m, s.next(m))
	}
	s.lines[m] = append(s.lines[m], r)
}

// next answers with what is next for the method.
func (s *Script) next(m *opencloud.Method) httpmock.Responder {
	return func(req *http.Request) (*http.Response, error) {
		s.t.Helper()
		s.mu.Lock()
		left := s.lines[m]
		if len(left) > 0 {
			s.lines[m] = left[1:]
		}
		s.mu.Unlock()
		if len(left) == 0 {
			s.t.Errorf("mocks: one call more of %s than there are responses", m.Name)
			return nil, fmt.Errorf("mocks: one call more of %s than there are responses", m.Name)
		}
		return left[0](req)
	}
}

// Client returns a client that the script answers. Any family can be made of it.
func (s *Script) Client() *opencloud.Client { return client(s.mt) }
