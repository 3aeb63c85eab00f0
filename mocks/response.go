package mocks

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/rblx-go/opencloud"
)

// response is what Roblox would send where a func returns result and err. An
// error that no response can express comes out of the connection.
func response(req *http.Request, result any, err error) (*http.Response, error) {
	if err != nil {
		status := statusOf(err)
		if status == 0 {
			return nil, err
		}
		resp := httpmock.NewStringResponse(status, string(errorBody(err)))
		resp.Header.Set("Content-Type", "application/json")
		if e, ok := errors.AsType[*opencloud.Error](err); ok {
			if e.RetryAfter > 0 {
				resp.Header.Set("Retry-After", strconv.Itoa(int((e.RetryAfter+time.Second-1)/time.Second)))
			}
			if e.RequestID != "" {
				resp.Header.Set("X-Request-Id", e.RequestID)
			}
		}
		resp.Request = req
		return resp, nil
	}
	if raw, ok := result.([]byte); ok {
		return httpmock.NewBytesResponse(http.StatusOK, raw), nil
	}
	h, value := headed(result)
	text, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("mocks: the result cannot be sent: %w", err)
	}
	resp := httpmock.NewBytesResponse(http.StatusOK, text)
	resp.Header = h
	resp.Header.Set("Content-Type", "application/json")
	resp.Request = req
	return resp, nil
}

// statusOf is the status that the error stands for, 0 for none.
func statusOf(err error) int {
	if e, ok := errors.AsType[*opencloud.Error](err); ok && e.Status >= http.StatusMultipleChoices {
		return e.Status
	}
	for status, target := range map[int]error{
		http.StatusBadRequest: opencloud.ErrInvalidArgument, http.StatusUnauthorized: opencloud.ErrUnauthenticated,
		http.StatusForbidden: opencloud.ErrPermissionDenied, http.StatusNotFound: opencloud.ErrNotFound,
		http.StatusConflict: opencloud.ErrConflict, http.StatusTooManyRequests: opencloud.ErrRateLimited,
		http.StatusServiceUnavailable: opencloud.ErrUnavailable,
	} {
		if errors.Is(err, target) {
			return status
		}
	}
	return 0
}

// errorBody is the body of an error as Open Cloud writes it.
func errorBody(err error) []byte {
	body := struct {
		Code    string              `json:"code,omitzero"`
		Message string              `json:"message,omitzero"`
		Errors  map[string][]string `json:"errors,omitzero"`
	}{Message: err.Error()}
	if e, ok := errors.AsType[*opencloud.Error](err); ok {
		if len(e.Body) > 0 {
			return e.Body
		}
		body.Code, body.Message = e.Code, cmp.Or(e.Message, http.StatusText(e.Status))
		for _, f := range e.Fields {
			if body.Errors == nil {
				body.Errors = map[string][]string{}
			}
			body.Errors[f.Name] = append(body.Errors[f.Name], f.Message)
		}
	}
	text, _ := json.Marshal(body) // strings alone: cannot fail
	return text
}

// headed splits a result that has data in headers from them.
func headed(result any) (http.Header, any) {
	h := http.Header{}
	v := reflect.Indirect(reflect.ValueOf(result))
	if !v.IsValid() {
		return h, struct{}{} // a method that returns nothing
	}
	if v.Kind() != reflect.Struct {
		return h, result
	}
	body := result
	for i := range v.NumField() {
		name, ok := v.Type().Field(i).Tag.Lookup("header")
		if !ok {
			continue
		}
		body = v.Field(0).Interface() // such a struct has its body first
		switch value := v.Field(i).Interface().(type) {
		case time.Time:
			if !value.IsZero() {
				h.Set(name, value.UTC().Format(time.RFC3339Nano))
			}
		case json.RawMessage:
			if value != nil {
				h.Set(name, string(value))
			}
		default:
			opencloud.AddHeader(h, name, value)
		}
	}
	return h, body
}
