package opencloud

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
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
	Details          json.RawMessage `json:"details"`
	ErrorDetails     json.RawMessage `json:"errorDetails"`
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
	e.decodeDetails(b.Details)
	e.decodeDetails(b.ErrorDetails)
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

// detail is the union of those that come in "details", which are of
// google.rpc (ErrorInfo, BadRequest), and in the "errorDetails" of data stores.
type detail struct {
	Reason             json.RawMessage `json:"reason"`
	DatastoreErrorCode json.RawMessage `json:"datastoreErrorCode"`
	FieldViolations    json.RawMessage `json:"fieldViolations"`
}

// decodeDetails reads what is known of a list of details, whose elements are of
// any type.
func (e *Error) decodeDetails(raw json.RawMessage) {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return
	}
	for _, raw := range list {
		var d detail
		if json.Unmarshal(raw, &d) != nil {
			continue
		}
		e.Reason = cmp.Or(e.Reason, text(d.Reason), text(d.DatastoreErrorCode))
		var violations []struct {
			Field       json.RawMessage `json:"field"`
			Description json.RawMessage `json:"description"`
		}
		if json.Unmarshal(d.FieldViolations, &violations) != nil {
			continue
		}
		for _, v := range violations {
			e.Fields = append(e.Fields, Field{text(v.Field), text(v.Description)})
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
