package emulator

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// maxLog is how many requests are remembered; the oldest go first.
const maxLog = 100_000

// Entry is one request that arrived. It holds no secret: where one was
// presented, Presented has its fingerprint.
type Entry struct {
	Time     time.Time `json:"time"`
	Endpoint Endpoint  `json:"endpoint"`
	Method   string    `json:"method"`
	Path     string    `json:"path"`
	// Params are the names of the query and form parameters, sorted.
	Params []string `json:"params,omitempty"`
	// GrantType is that of a token request.
	GrantType string `json:"grant_type,omitempty"`
	// Presented are fingerprints of the secrets in the request, by parameter
	// (refresh_token, code, token, client_secret) or header (authorization, x-api-key).
	Presented map[string]string `json:"presented,omitempty"`
	// Status is the status that was sent; 0 while there is none.
	Status int `json:"status"`
	// Error is the OAuth error code in the answer.
	Error string `json:"error,omitempty"`
	// Reused: the refresh token had been redeemed before.
	Reused bool `json:"reused,omitempty"`
	// Fault says which fault struck, as in "after drop".
	Fault string `json:"fault,omitempty"`
}

// Log is what arrived, oldest first.
type Log []Entry

// Fingerprint is how a Log names a secret: 12 hex digits of its SHA-256.
func Fingerprint(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:6])
}

// Log returns a copy of the requests that have arrived so far, at most the
// last 100,000.
func (e *Emulator) Log() Log {
	e.mu.Lock()
	defer e.mu.Unlock()
	log := make(Log, 0, len(e.log))
	for _, entry := range e.log {
		log = append(log, *entry)
	}
	return log
}

// ClearLog forgets the requests so far.
func (e *Emulator) ClearLog() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.log = nil
}

// To returns the requests to one endpoint.
func (l Log) To(endpoint Endpoint) Log {
	return slices.DeleteFunc(slices.Clone(l), func(e Entry) bool { return e.Endpoint != endpoint })
}

// TokenPOSTs counts the requests to the token endpoint, of these grant types
// if any are given. A request whose answer got lost counts.
func (l Log) TokenPOSTs(grantTypes ...string) int {
	n := 0
	for _, e := range l.To(EndpointToken) {
		if e.Method == http.MethodPost && (len(grantTypes) == 0 || slices.Contains(grantTypes, e.GrantType)) {
			n++
		}
	}
	return n
}

// Replays returns the fingerprints of the refresh tokens that were presented
// to the token endpoint more than once, whatever came of it.
func (l Log) Replays() []string {
	seen := map[string]int{}
	var again []string
	for _, e := range l.To(EndpointToken) {
		token := e.Presented["refresh_token"]
		if token == "" {
			continue
		}
		if seen[token]++; seen[token] == 2 {
			again = append(again, token)
		}
	}
	return again
}

// Reuses returns the token requests whose refresh token had been redeemed
// before: what a server takes for theft.
func (l Log) Reuses() Log {
	return slices.DeleteFunc(l.To(EndpointToken), func(e Entry) bool { return !e.Reused })
}

// record notes a request on its arrival.
func (e *Emulator) record(r *http.Request, rt *route, body []byte) *Entry {
	entry := &Entry{Time: e.Now(), Method: r.Method, Path: r.URL.Path}
	if rt != nil {
		entry.Endpoint = rt.endpoint
	} else if cloudPath(r.URL.Path) {
		entry.Endpoint = EndpointCloud
	}
	params := r.URL.Query()
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, _ := url.ParseQuery(string(body)) // what can be read of it
		for name, values := range form {
			params[name] = append(params[name], values...)
		}
		if entry.Endpoint == EndpointToken {
			entry.GrantType = form.Get("grant_type")
		}
	}
	present := func(name, secret string) {
		if secret == "" {
			return
		}
		if entry.Presented == nil {
			entry.Presented = map[string]string{}
		}
		entry.Presented[name] = Fingerprint(secret)
	}
	for name := range params {
		entry.Params = append(entry.Params, name)
	}
	slices.Sort(entry.Params)
	for _, name := range []string{"refresh_token", "code", "token", "client_secret"} {
		present(name, params.Get(name))
	}
	present("authorization", strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	present("x-api-key", r.Header.Get("X-Api-Key"))

	e.mu.Lock()
	defer e.mu.Unlock()
	if old := e.oauth.refresh[hashOf(params.Get("refresh_token"))]; old != nil && entry.Endpoint == EndpointToken {
		entry.Reused = !old.redeemed.IsZero()
	}
	if len(e.log) >= maxLog {
		e.log = slices.Clone(e.log[maxLog/10:])
	}
	if entry.Endpoint != endpointControl {
		e.log = append(e.log, entry)
	}
	return entry
}

// settle notes how a request was answered.
func (e *Emulator) settle(entry *Entry, a *answer, fault string) {
	var failure struct {
		Error string `json:"error"`
	}
	if a.status >= 300 && entry.Endpoint != EndpointCloud {
		_ = json.Unmarshal(a.body.Bytes(), &failure) // a page has no error code
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	entry.Status, entry.Error, entry.Fault = a.status, failure.Error, fault
}
