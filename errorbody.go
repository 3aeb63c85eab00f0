package opencloud

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

const (
	maxErrorBody = 64 << 10
	maxMessage   = 500
)

// errorBody is the union of the shapes that the API's error bodies have:
// Open Cloud v2 {code, message, details}, v1 {error, message, errorDetails},
// the gateway {errors: [{code, message}]}, validation {errors: {field: [...]},
// title, extensions} as of RFC 9457, developer products {errorCode,
// errorMessage, field, hint} and OAuth {error, error_description} of RFC 6749
// section 5.2. Members are raw because their types differ as well.
type errorBody struct {
	Code             json.RawMessage `json:"code"`
	Error            json.RawMessage `json:"error"`
	ErrorCode        json.RawMessage `json:"errorCode"`
	Message          json.RawMessage `json:"message"`
	ErrorMessage     json.RawMessage `json:"errorMessage"`
	ErrorDescription json.RawMessage `json:"error_description"`
	Title            json.RawMessage `json:"title"`
	Detail           json.RawMessage `json:"detail"`
	Field            json.RawMessage `json:"field"`
	Hint             json.RawMessage `json:"hint"`
	TraceID          json.RawMessage `json:"traceId"`
	Errors           json.RawMessage `json:"errors"`
	Extensions       json.RawMessage `json:"extensions"`
}

// decode fills in what the body tells. A body that is not JSON, as of a proxy,
// tells nothing.
func (e *Error) decode(body []byte) {
	body = bytes.TrimSpace(body)
	var b errorBody
	if json.Unmarshal(body, &b) != nil {
		e.Message = text(body) // a JSON string is a message
		return
	}
	e.Code = cmp.Or(text(b.Code), text(b.ErrorCode), text(b.Error))
	e.Message = cmp.Or(text(b.Message), text(b.ErrorMessage), text(b.ErrorDescription), text(b.Detail), text(b.Title))
	if name := text(b.Field); name != "" {
		e.Fields = []Field{{name, cmp.Or(text(b.Hint), "refused")}}
	}
	e.decodeErrors(b.Errors)
	trace := b.TraceID
	if trace == nil {
		var ext errorBody
		if json.Unmarshal(b.Extensions, &ext) == nil {
			trace = ext.TraceID
		}
	}
	e.RequestID = cmp.Or(e.RequestID, text(trace))
}

// decodeErrors reads the two meanings of "errors": a list of errors, of which
// the first is the error, and messages by field.
func (e *Error) decodeErrors(raw json.RawMessage) {
	var list []errorBody
	if json.Unmarshal(raw, &list) == nil && len(list) > 0 {
		e.Code = cmp.Or(e.Code, text(list[0].Code))
		e.Message = cmp.Or(e.Message, text(list[0].Message))
		return
	}
	var byField map[string][]json.RawMessage
	if json.Unmarshal(raw, &byField) != nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(byField)) {
		for _, message := range byField[name] {
			e.Fields = append(e.Fields, Field{oneLine(name), text(message)})
		}
	}
}

// text returns a JSON string or number as one line, and "" for all else. Some
// strings hold another JSON string.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		var inner string
		if json.Unmarshal([]byte(s), &inner) == nil {
			s = inner
		}
		return oneLine(s)
	}
	var n json.Number
	if json.Unmarshal(raw, &n) != nil || n == "0" {
		return "" // the gateway's code 0 says nothing
	}
	return oneLine(n.String())
}

// oneLine makes what a server sent fit for a log: no control characters, bounded.
func oneLine(s string) string {
	s = s[:min(len(s), 4*maxMessage)]
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " ")
	if len(s) <= maxMessage {
		return s
	}
	return strings.ToValidUTF8(s[:maxMessage-len("…")], "") + "…"
}

// retryAfter returns the longest wait that a response asks for. Retry-After
// (RFC 9110 section 10.2.3) may understate; x-ratelimit-reset may list several
// windows, in seconds, and counts for status 429 alone: it comes with others as
// well.
func retryAfter(status int, h http.Header) time.Duration {
	var wait time.Duration
	value := h.Get("Retry-After")
	if at, err := http.ParseTime(value); err == nil {
		if now, err := http.ParseTime(h.Get("Date")); err == nil {
			wait = at.Sub(now)
		} else {
			wait = time.Until(at)
		}
	} else {
		wait = seconds(value)
	}
	if status == http.StatusTooManyRequests {
		for window := range strings.SplitSeq(h.Get("X-Ratelimit-Reset"), ",") {
			wait = max(wait, seconds(window))
		}
	}
	return max(wait, 0)
}

// seconds returns 0 for what is no number of seconds up to a day.
func seconds(s string) time.Duration {
	n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || !(n > 0 && n <= 24*60*60) {
		return 0
	}
	return time.Duration(n * float64(time.Second))
}
