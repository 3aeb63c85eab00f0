package emulator

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// Endpoint names what a fault strikes and a log entry was for.
type Endpoint string

// The endpoints. EndpointCloud is every Open Cloud operation.
const (
	EndpointAuthorize  Endpoint = "authorize"
	EndpointConsent    Endpoint = "consent"
	EndpointToken      Endpoint = "token"
	EndpointIntrospect Endpoint = "introspect"
	EndpointResources  Endpoint = "resources"
	EndpointRevoke     Endpoint = "revoke"
	EndpointUserInfo   Endpoint = "userinfo"
	EndpointDiscovery  Endpoint = "discovery"
	EndpointCerts      Endpoint = "certs"
	EndpointCloud      Endpoint = "cloud"

	endpointControl Endpoint = "control"
)

// Kind is what goes wrong.
type Kind string

// Kinds that can strike before or after the request takes effect. The empty
// Kind only delays.
const (
	Drop     Kind = "drop"     // the connection closes without an answer
	Reset    Kind = "reset"    // the connection is reset (RST)
	Status   Kind = "status"   // Fault.Status with Fault.Body
	Redirect Kind = "redirect" // 307, or Fault.Status, to Fault.Location
	HTML     Kind = "html"     // an HTML page with 200, or Fault.Status
)

// Kinds that spoil a good answer; they strike after the request took effect.
const (
	Truncate    Kind = "truncate"     // a complete response whose JSON ends in the middle
	Cut         Kind = "cut"          // the connection closes in the middle of the body
	Stall       Kind = "stall"        // half the body comes, the rest never does
	PlainText   Kind = "text"         // the JSON says it is text/plain
	Trailing    Kind = "trailing"     // bytes follow the JSON
	ByteOrder   Kind = "bom"          // a byte order mark precedes the JSON
	Oversize    Kind = "oversize"     // two megabytes of white space follow the JSON
	ErrorMember Kind = "error_member" // 200, and an error member beside the tokens

	NoAccessToken     Kind = "no_access_token"
	NoRefreshToken    Kind = "no_refresh_token"
	NoTokenType       Kind = "no_token_type"
	NullTokenType     Kind = "null_token_type"
	OtherTokenType    Kind = "other_token_type"    // "mac"
	NoExpiresIn       Kind = "no_expires_in"       //
	FloatExpiresIn    Kind = "float_expires_in"    // 899.0
	ExpExpiresIn      Kind = "exp_expires_in"      // 1e3
	StringExpiresIn   Kind = "string_expires_in"   // "899"
	EmptyExpiresIn    Kind = "empty_expires_in"    // ""
	ZeroExpiresIn     Kind = "zero_expires_in"     // 0
	NegativeExpiresIn Kind = "negative_expires_in" // -5
	HugeExpiresIn     Kind = "huge_expires_in"     // past what a time.Duration holds
	OtherSubject      Kind = "other_subject"       // an ID token of somebody else
	BadSignature      Kind = "bad_signature"       // an ID token signed with another key
	ShrunkScope       Kind = "shrunk_scope"        // scope "openid" alone
	NoScope           Kind = "no_scope"            // no scope member
)

// Fault is one entry of the script: the first that fits a request strikes.
type Fault struct {
	// Endpoint is where it strikes; "" means everywhere.
	Endpoint Endpoint `json:"endpoint,omitempty"`
	// Path strikes only paths that begin with it; "" means all.
	Path string `json:"path,omitempty"`
	// GrantType strikes only token requests with it; "" means all.
	GrantType string `json:"grant_type,omitempty"`
	// After lets the request take effect first, so that the answer is what is
	// lost. Without it a request that gets a Kind has no effect.
	After bool `json:"after,omitempty"`
	// Kind is what goes wrong; "" only delays.
	Kind Kind `json:"kind,omitempty"`
	// Delay passes (in real time) before the effect, or before the answer if
	// After. A request delayed before its effect takes effect even when the
	// client has gone.
	Delay time.Duration `json:"-"`
	// Hold is called where Delay passes, if set, and may block.
	Hold func() `json:"-"`
	// Status, Location, Header and Body belong to the Kinds that name them; Header
	// is added to any answer.
	Status   int         `json:"status,omitempty"`
	Location string      `json:"location,omitempty"`
	Header   http.Header `json:"header,omitempty"`
	Body     string      `json:"body,omitempty"`
	// Times is how often it strikes: once if 0, for ever if negative.
	Times int `json:"times,omitempty"`
}

// Fault appends to the script. Each entry strikes as often as its Times says.
func (e *Emulator) Fault(faults ...Fault) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, f := range faults {
		if f.Times == 0 {
			f.Times = 1
		}
		e.faults = append(e.faults, &f)
	}
}

// ClearFaults drops what is left of the script.
func (e *Emulator) ClearFaults() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults = nil
}

// takeFault finds the fault for a request and uses up one of its times.
func (e *Emulator) takeFault(entry *Entry) *Fault {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, f := range e.faults {
		if entry.Endpoint == endpointControl || f.Endpoint != "" && f.Endpoint != entry.Endpoint ||
			f.GrantType != "" && f.GrantType != entry.GrantType || !strings.HasPrefix(entry.Path, f.Path) {
			continue
		}
		struck := *f
		if f.Times > 0 {
			f.Times--
		}
		if f.Times == 0 {
			e.faults = append(e.faults[:i:i], e.faults[i+1:]...)
		}
		return &struck
	}
	return nil
}

func (f *Fault) describe() string {
	when := "before "
	if f.After || f.spoils() {
		when = "after "
	}
	return when + string(orDefault(f.Kind, "delay"))
}

// spoils reports whether the Kind needs a good answer to work on.
func (f *Fault) spoils() bool {
	switch f.Kind {
	case "", Drop, Reset, Status, Redirect, HTML:
		return false
	default:
		return true
	}
}

// strike answers a request that has a fault. A request that was delayed before
// its effect is served whether or not its client still waits.
func (e *Emulator) strike(ctx context.Context, f *Fault, a *answer, serve func()) (*answer, error) {
	late := f.After || f.spoils()
	if late {
		serve()
		f.wait(ctx)
	} else {
		f.wait(context.WithoutCancel(ctx))
		if f.Kind == "" {
			serve()
		}
	}
	switch f.Kind {
	case Drop:
		return newAnswer(), errDrop
	case Reset:
		return newAnswer(), errReset
	case Status, Redirect, HTML:
		a = f.page()
	default:
		e.spoil(a, f.Kind)
	}
	for name, values := range f.Header {
		a.Header()[http.CanonicalHeaderKey(name)] = values
	}
	return a, nil
}

func (f *Fault) wait(ctx context.Context) {
	if f.Hold != nil {
		f.Hold()
	}
	if f.Delay <= 0 {
		return
	}
	timer := time.NewTimer(f.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// page is the answer of the kinds that replace it.
func (f *Fault) page() *answer {
	a := newAnswer()
	switch f.Kind {
	case Redirect:
		a.Header().Set("Location", f.Location)
		a.WriteHeader(orDefault(f.Status, http.StatusTemporaryRedirect))
	case HTML:
		a.Header().Set("Content-Type", "text/html")
		a.WriteHeader(orDefault(f.Status, http.StatusOK))
		_, _ = a.Write([]byte(orDefault(f.Body, "<html><body><h1>Something went wrong on the way</h1></body></html>")))
	default:
		a.Header().Set("Content-Type", "application/json")
		if f.Body != "" && !json.Valid([]byte(f.Body)) {
			a.Header().Set("Content-Type", "text/plain; charset=utf-8")
		}
		a.WriteHeader(orDefault(f.Status, http.StatusServiceUnavailable))
		_, _ = a.Write([]byte(f.Body))
	}
	return a
}

// replaceBody gives a another body.
func (a *answer) replaceBody(body []byte) {
	a.body = *bytes.NewBuffer(body)
}
