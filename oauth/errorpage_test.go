package oauth

import (
	"errors"
	"html"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestErrorPages(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, kind := range []error{
		ErrDenied, ErrNoCreators, ErrCodeExpired, ErrOtherDevice, ErrStateUnknown,
		ErrStateExpired, ErrStateUsed, ErrOtherBrowser, ErrBadCallback, ErrSignInFailed,
	} {
		e := failed(kind, errors.New("canary"))
		rec := httptest.NewRecorder()
		writeErrorPage(rec, e)
		body := rec.Body.String()
		if rec.Code != e.Status || e.Status < 400 {
			t.Errorf("%v: status %d, want %d", kind, rec.Code, e.Status)
		}
		if seen[e.Message()] || !strings.Contains(html.UnescapeString(body), "<p>"+e.Message()+"</p>") {
			t.Errorf("%v: the page lacks a message of its own:\n%s", kind, body)
		}
		seen[e.Message()] = true
		if strings.Contains(body, "canary") {
			t.Errorf("%v: the page shows the error beneath", kind)
		}
		if n := strings.Count(body, "http"); n != 0 {
			t.Errorf("%v: the page names %d other addresses", kind, n)
		}
		_, nonce, _ := strings.Cut(body, `<style nonce="`)
		nonce, _, _ = strings.Cut(nonce, `"`)
		if csp := rec.Header().Get("Content-Security-Policy"); nonce == "" || !strings.Contains(csp, "'nonce-"+nonce+"'") {
			t.Errorf("%v: policy %q and nonce %q", kind, csp, nonce)
		}
	}
}

func TestCallbackErrorStatus(t *testing.T) {
	t.Parallel()
	for _, beneath := range []error{ErrStoreUnavailable, ErrClosed} {
		e := failed(ErrSignInFailed, beneath)
		if e.Status != http.StatusServiceUnavailable || !errors.Is(e, beneath) || !errors.Is(e, ErrSignInFailed) {
			t.Errorf("%v: status %d", e, e.Status)
		}
	}
}
