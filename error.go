package opencloud

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rblx-go/opencloud/transport"
)

// What an [Error] is, for errors.Is.
var (
	ErrInvalidArgument  = errors.New("invalid argument")  // 400, or refused before anything was sent
	ErrUnauthenticated  = errors.New("unauthenticated")   // 401: no credential, a bad one, or a scope is missing
	ErrPermissionDenied = errors.New("permission denied") // 403
	ErrNotFound         = errors.New("not found")         // 404
	ErrConflict         = errors.New("conflict")          // 409 and 412
	ErrRateLimited      = errors.New("rate limited")      // 429, or not sent because its turn comes after the deadline
	ErrUnavailable      = errors.New("unavailable")       // 502, 503 and 504
)

// Error is what every call returns that did not succeed. Its text has no query
// string, header or body.
type Error struct {
	// Method is the name of the method, "users.GetUser"; Verb and Path, a
	// template, say what it called.
	Method, Verb, Path string
	// Status is that of the response, 0 if there was none. It may be 2xx: then
	// the response could not be decoded and Err says why.
	Status int
	// Code is the API's own: "NOT_FOUND", or a number in older families. It may be empty.
	Code string
	// Reason narrows Code down where the API does: "ExistingKeyNotWritable".
	Reason string
	// Message is the API's own, in one line of at most 500 bytes. It may be empty.
	Message string
	// RequestID names the request when asking Roblox about it: the response's
	// X-Request-Id or, lacking that, the trace id in its body. It may be empty.
	RequestID string
	// RetryAfter is how long the response asks to wait, 0 if it does not; of a
	// call that was not sent, how long it would have had to wait for its turn.
	RetryAfter time.Duration
	// Rate is what the response tells of the rate limit.
	Rate transport.Rate
	// Fields are the request's fields that were refused, where the API names them.
	Fields []Field
	// Scopes are those that the method needs, set for status 401 and 403.
	Scopes []string
	// Body is the response's, cut off after 64 KiB.
	Body Body
	// Err is the cause if it was not the response: a failed connection, an
	// expired context, a bad parameter, an undecodable body.
	Err error
}

// Field is one field of a request and what is wrong with it.
type Field struct{ Name, Message string }

// Body is the body of a response. No formatting verb, logger or encoder prints
// it, as it may hold what the caller keeps secret.
type Body []byte

// Format implements fmt.Formatter for all verbs.
func (b Body) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, b.redacted()) }

// LogValue implements slog.LogValuer.
func (b Body) LogValue() slog.Value { return slog.StringValue(b.redacted()) }

// MarshalText implements encoding.TextMarshaler, and with it JSON.
func (b Body) MarshalText() ([]byte, error) { return []byte(b.redacted()), nil }

func (b Body) redacted() string { return fmt.Sprintf("[%d bytes]", len(b)) }

// Error returns one line.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "opencloud: %s (%s %s)", e.Method, e.Verb, e.Path)
	var what []string
	if e.Status != 0 {
		what = append(what, strconv.Itoa(e.Status))
	}
	if name := cmp.Or(e.Code, http.StatusText(e.Status)); name != "" {
		what = append(what, name)
	}
	if e.Reason != "" {
		what = append(what, e.Reason)
	}
	if len(what) > 0 {
		b.WriteString(": " + strings.Join(what, " "))
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	for _, f := range e.Fields {
		fmt.Fprintf(&b, "; %s: %s", f.Name, f.Message)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	if len(e.Scopes) > 0 {
		b.WriteString("; needs " + strings.Join(e.Scopes, ", "))
	}
	if e.RequestID != "" {
		b.WriteString(" (request " + e.RequestID + ")")
	}
	return b.String()
}

// LogValue implements slog.LogValuer with a group of what is known. Like the
// text, it has no query string, header or body.
func (e *Error) LogValue() slog.Value {
	group := []slog.Attr{slog.String("method", e.Method), slog.String("verb", e.Verb), slog.String("path", e.Path)}
	if e.Status != 0 {
		group = append(group, slog.Int("status", e.Status))
	}
	for _, s := range []slog.Attr{
		slog.String("code", e.Code), slog.String("reason", e.Reason), slog.String("message", e.Message), slog.String("request_id", e.RequestID),
	} {
		if s.Value.String() != "" {
			group = append(group, s)
		}
	}
	for _, f := range e.Fields {
		group = append(group, slog.String("field."+f.Name, f.Message))
	}
	if e.RetryAfter > 0 {
		group = append(group, slog.Duration("retry_after", e.RetryAfter))
	}
	if e.Rate.Known {
		group = append(group, slog.Int("rate_remaining", e.Rate.Remaining), slog.Duration("rate_reset", e.Rate.Reset))
	}
	if len(e.Scopes) > 0 {
		group = append(group, slog.Any("scopes", e.Scopes))
	}
	if e.Err != nil {
		group = append(group, slog.String("error", e.Err.Error()))
	}
	return slog.GroupValue(group...)
}

// Is reports whether the status is one that target stands for.
func (e *Error) Is(target error) bool {
	switch e.Status {
	case 0:
		_, early := errors.AsType[*transport.WaitError](e.Err)
		return early && target == ErrRateLimited
	case http.StatusBadRequest:
		return target == ErrInvalidArgument
	case http.StatusUnauthorized:
		return target == ErrUnauthenticated
	case http.StatusForbidden:
		return target == ErrPermissionDenied
	case http.StatusNotFound:
		return target == ErrNotFound
	case http.StatusConflict, http.StatusPreconditionFailed:
		return target == ErrConflict
	case http.StatusTooManyRequests:
		return target == ErrRateLimited
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return target == ErrUnavailable
	}
	return false
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// newError returns the error of a call of m. resp may be nil.
func newError(m *Method, resp *http.Response, body []byte, cause error) *Error {
	e := &Error{Method: m.Name, Verb: m.Verb, Path: m.Path, Err: cause}
	if resp == nil {
		if early, ok := errors.AsType[*transport.WaitError](cause); ok {
			e.RetryAfter = early.Wait
		}
		return e
	}
	e.Status = resp.StatusCode
	e.Body = body[:min(len(body), maxErrorBody)]
	e.RequestID = oneLine(resp.Header.Get("X-Request-Id"))
	if e.Status/100 == 2 {
		return e
	}
	e.RetryAfter, e.Rate = transport.RetryAfter(resp), transport.RateOf(resp.Header)
	if e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden {
		e.Scopes = m.Scopes
	}
	e.decode(body)
	return e
}
