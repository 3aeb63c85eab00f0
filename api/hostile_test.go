package api_test

import (
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/internal/sample"
)

// endless is a body without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// Whatever is answered, a method returns a result or an *opencloud.Error that
// keeps status and request id, and neither panics nor returns nothing at all.
func TestEveryMethodStandsBadAnswers(t *testing.T) {
	t.Parallel()
	huge := func() io.Reader { return io.LimitReader(endless{}, 1<<30) }
	answers := map[string]struct {
		status int
		body   func() io.Reader
	}{
		"HTML":          {200, func() io.Reader { return strings.NewReader("<html>an outage</html>") }},
		"empty":         {200, func() io.Reader { return strings.NewReader("") }},
		"no content":    {204, func() io.Reader { return strings.NewReader("") }},
		"truncated":     {200, func() io.Reader { return strings.NewReader(`{"id": "1", "na`) }},
		"a list":        {200, func() io.Reader { return strings.NewReader(`[[1]]`) }},
		"null":          {200, func() io.Reader { return strings.NewReader("null") }},
		"a number":      {200, func() io.Reader { return strings.NewReader("7") }},
		"other fields":  {200, func() io.Reader { return strings.NewReader(`{"unheard": {"of": [1]}}`) }},
		"a redirect":    {302, func() io.Reader { return strings.NewReader("elsewhere") }},
		"huge failure":  {500, huge},
		"failing HTML":  {503, func() io.Reader { return strings.NewReader("<html>") }},
		"a broken line": {200, func() io.Reader { return io.MultiReader(strings.NewReader(`{"id":`), broken{}) }},
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			core, err := opencloud.New(opencloud.Options{APIKey: "k", Attempts: 1, Unpaced: true, HTTPClient: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				if r.Body != nil {
					_, _ = io.Copy(io.Discard, r.Body)
				}
				h := http.Header{"X-Request-Id": {"r-7"}}
				return &http.Response{StatusCode: answer.status, Header: h, ContentLength: -1, Body: io.NopCloser(answer.body()), Request: r}, nil
			})}})
			if err != nil {
				t.Fatal(err)
			}
			for name, call := range methods(core) {
				if problem := verdict(call.Call(sample.Maker{}.Args(call, t.Context())), answer.status); problem != "" {
					t.Errorf("%s: %s", name, problem)
				}
			}
		})
	}
}

// verdict says what is wrong with a method's results, "" if nothing is.
func verdict(out []reflect.Value, status int) string {
	err, _ := reflect.TypeAssert[error](out[len(out)-1])
	if err == nil {
		switch {
		case status/100 != 2:
			return "no error"
		case len(out) == 2 && out[0].Kind() == reflect.Pointer && out[0].IsNil():
			return "neither a result nor an error"
		}
		return ""
	}
	e, ok := errors.AsType[*opencloud.Error](err)
	switch {
	case !ok:
		return "not an *opencloud.Error: " + err.Error()
	case e.Status != status || e.RequestID != "r-7":
		return "status and request id are lost: " + err.Error()
	case len(e.Body) > 64<<10:
		return "too much of the body is kept"
	case len(err.Error()) > 2000 || strings.Contains(err.Error(), "an outage"):
		return "the body is in the text of the error"
	}
	return ""
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
