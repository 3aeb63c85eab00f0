package emulator_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rblx-go/opencloud/mocks/emulator"
)

// refreshRequest builds a refresh without sending it.
func (a *app) refreshRequest(ctx context.Context, at string, token any) *http.Request {
	a.t.Helper()
	v := form("grant_type", "refresh_token", "refresh_token", token.(string), "client_id", emulator.DefaultClientID, "client_secret", secret)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at+"/oauth/v1/token", strings.NewReader(v.Encode()))
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return req
}

// serve puts an emulator behind a real port.
func (a *app) serve() (url string, client *http.Client) {
	server := httptest.NewServer(a.Emulator)
	a.t.Cleanup(server.Close)
	return server.URL, server.Client()
}

func TestConnectionFaults(t *testing.T) {
	t.Parallel()
	for _, wire := range []string{"socket", "in process"} {
		for _, tc := range []struct {
			fault   emulator.Fault
			err     error
			took    bool // the refresh token is spent
			midBody bool
		}{
			{emulator.Fault{Kind: emulator.Drop}, io.EOF, false, false},
			{emulator.Fault{Kind: emulator.Drop, After: true}, io.EOF, true, false},
			{emulator.Fault{Kind: emulator.Reset}, syscall.ECONNRESET, false, false},
			{emulator.Fault{Kind: emulator.Reset, After: true}, syscall.ECONNRESET, true, false},
			{emulator.Fault{Kind: emulator.Cut}, io.ErrUnexpectedEOF, true, true},
		} {
			when := map[bool]string{false: " before", true: " after"}[tc.fault.After]
			t.Run(wire+" "+string(tc.fault.Kind)+when, func(t *testing.T) {
				t.Parallel()
				a := start(t)
				at, client := base, a.http
				if wire == "socket" {
					at, client = a.serve()
				}
				token := a.signIn().body["refresh_token"]
				tc.fault.Endpoint = emulator.EndpointToken
				a.Fault(tc.fault)
				res, err := client.Do(a.refreshRequest(t.Context(), at, token))
				if tc.midBody && err == nil {
					_, err = io.ReadAll(res.Body)
				}
				if err == nil {
					_ = res.Body.Close()
				}
				if !errors.Is(err, tc.err) {
					t.Errorf("error %v, want %v", err, tc.err)
				}
				entry := a.Log().To(emulator.EndpointToken)[1]
				if (entry.Status == 0) != !tc.midBody || entry.Fault == "" {
					t.Errorf("log entry %+v", entry)
				}
				if spent := a.refresh(token).StatusCode != http.StatusOK; spent != tc.took {
					t.Errorf("the token is spent: %v, want %v", spent, tc.took)
				}
			})
		}
	}
}

func TestAnswerFaults(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		fault  emulator.Fault
		status int
		text   string // must appear
		took   bool
	}{
		{emulator.Fault{Kind: emulator.Status, Status: 503, Body: `{"x":1}`}, 503, `{"x":1}`, false},
		{emulator.Fault{Kind: emulator.Status, Status: 502, Body: "bad gateway", After: true}, 502, "bad gateway", true},
		{emulator.Fault{Kind: emulator.Redirect, Location: "https://elsewhere.example/"}, 307, "", false},
		{emulator.Fault{Kind: emulator.HTML}, 200, "<html>", false},
		{emulator.Fault{Kind: emulator.HTML, Status: 502, After: true}, 502, "<html>", true},
		{emulator.Fault{Kind: emulator.PlainText}, 200, `"refresh_token"`, true},
		{emulator.Fault{Kind: emulator.Trailing}, 200, "}\n<!--", true},
		{emulator.Fault{Kind: emulator.ByteOrder}, 200, "\ufeff{", true},
		{emulator.Fault{Kind: emulator.ErrorMember}, 200, `"error":"temporarily_unavailable"`, true},
		{emulator.Fault{Kind: emulator.NullTokenType}, 200, `"token_type":null`, true},
		{emulator.Fault{Kind: emulator.OtherTokenType}, 200, `"token_type":"mac"`, true},
		{emulator.Fault{Kind: emulator.FloatExpiresIn}, 200, `"expires_in":899.0`, true},
		{emulator.Fault{Kind: emulator.ExpExpiresIn}, 200, `"expires_in":1e3`, true},
		{emulator.Fault{Kind: emulator.StringExpiresIn}, 200, `"expires_in":"899"`, true},
		{emulator.Fault{Kind: emulator.EmptyExpiresIn}, 200, `"expires_in":""`, true},
		{emulator.Fault{Kind: emulator.ZeroExpiresIn}, 200, `"expires_in":0`, true},
		{emulator.Fault{Kind: emulator.NegativeExpiresIn}, 200, `"expires_in":-5`, true},
		{emulator.Fault{Kind: emulator.HugeExpiresIn}, 200, `"expires_in":99999999999999999999`, true},
		{emulator.Fault{Kind: emulator.ShrunkScope}, 200, `"scope":"openid"`, true},
	} {
		t.Run(string(tc.fault.Kind)+" "+tc.text, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			token := a.signIn().body["refresh_token"]
			tc.fault.Endpoint = emulator.EndpointToken
			a.Fault(tc.fault)
			got := a.refresh(token)
			if got.StatusCode != tc.status || !strings.Contains(got.text, tc.text) || got.Header.Get("Location") != tc.fault.Location {
				t.Errorf("got %d %s", got.StatusCode, got.text)
			}
			if spent := a.refresh(token).StatusCode != http.StatusOK; spent != tc.took {
				t.Errorf("the token is spent: %v, want %v", spent, tc.took)
			}
		})
	}
}

func TestFaultsThatRemove(t *testing.T) {
	t.Parallel()
	for kind, member := range map[emulator.Kind]string{
		emulator.NoAccessToken: "access_token", emulator.NoRefreshToken: "refresh_token", emulator.NoTokenType: "token_type",
		emulator.NoExpiresIn: "expires_in", emulator.NoScope: "scope",
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			a := start(t)
			token := a.signIn().body["refresh_token"]
			a.Fault(emulator.Fault{Kind: kind})
			got := a.refresh(token)
			if _, has := got.body[member]; has || len(got.body) != 5 {
				t.Errorf("%d members in %s", len(got.body), got.text)
			}
		})
	}
	t.Run("truncate", func(t *testing.T) {
		t.Parallel()
		a := start(t)
		a.Fault(emulator.Fault{Kind: emulator.Truncate})
		got := a.send(a.request("GET", "/oauth/v1/certs", ""))
		if json.Valid([]byte(got.text)) || got.text == "" || got.ContentLength != int64(len(got.text)) {
			t.Errorf("got %q", got.text)
		}
	})
	t.Run("oversize", func(t *testing.T) {
		t.Parallel()
		a := start(t)
		a.Fault(emulator.Fault{Kind: emulator.Oversize})
		if got := a.send(a.request("GET", "/oauth/v1/certs", "")); len(got.text) < 2<<20 {
			t.Errorf("%d bytes", len(got.text))
		}
	})
}

func TestIDTokenFaults(t *testing.T) {
	t.Parallel()
	a := start(t)
	token := a.signIn().body["refresh_token"]
	a.Fault(emulator.Fault{Kind: emulator.OtherSubject})
	other := a.refresh(token)
	if c := a.claims(other.body["id_token"]); c["sub"] != "257" {
		t.Errorf("sub = %v, want another account", c["sub"])
	}
	a.Fault(emulator.Fault{Kind: emulator.BadSignature})
	bad := a.refresh(other.body["refresh_token"]).body["id_token"].(string)
	want(t, a.send(a.request("GET", "/oauth/v1/userinfo", "", "Authorization", "Bearer "+bad)), http.StatusUnauthorized, "invalid_token")
}

func TestFaultsAreScripted(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.Fault(
		emulator.Fault{Endpoint: emulator.EndpointToken, GrantType: "refresh_token", Kind: emulator.Status, Status: 503, Times: 2},
		emulator.Fault{Path: "/cloud/v2/users/", Kind: emulator.Status, Status: 429, Header: http.Header{"Retry-After": {"7"}}, Times: -1},
	)
	token := a.signIn().body["refresh_token"] // the code exchange is not struck
	for range 2 {
		want(t, a.refresh(token), http.StatusServiceUnavailable, "")
	}
	want(t, a.refresh(token), http.StatusOK, "")
	for range 3 {
		got := a.send(a.request("GET", "/cloud/v2/users/156", "", "X-Api-Key", a.APIKey()))
		if got.StatusCode != http.StatusTooManyRequests || got.Header.Get("Retry-After") != "7" {
			t.Errorf("got %d %v", got.StatusCode, got.Header)
		}
	}
	a.ClearFaults()
	want(t, a.send(a.request("GET", "/cloud/v2/users/156", "", "X-Api-Key", a.APIKey())), http.StatusOK, "")
}

// A request that is still under way when its client gives up takes effect late.
func TestDelay(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			a := start(t)
			token := a.signIn().body["refresh_token"]
			a.Fault(emulator.Fault{Endpoint: emulator.EndpointToken, Delay: time.Minute, After: after})
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			began := time.Now()
			res, err := a.http.Do(a.refreshRequest(ctx, base, token))
			if err == nil {
				_ = res.Body.Close()
			}
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
				t.Fatalf("after %v: %v", time.Since(began), err)
			}
			reused := func() int { a.refresh(token); return len(a.Log().Reuses()) }
			if after {
				if reused() != 1 {
					t.Error("the refresh did not take effect before the delay")
				}
				return
			}
			time.Sleep(58 * time.Second)
			synctest.Wait()
			if got := a.Log().To(emulator.EndpointToken)[1].Status; got != 0 {
				t.Errorf("answered %d before the delay was over", got)
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if reused() != 1 {
				t.Error("the late refresh took no effect")
			}
		})
	}
}

func TestHold(t *testing.T) {
	t.Parallel()
	a := start(t)
	token := a.signIn().body["refresh_token"]
	arrived, release := make(chan struct{}), make(chan struct{})
	a.Fault(emulator.Fault{Endpoint: emulator.EndpointToken, Hold: func() { close(arrived); <-release }})
	done := make(chan answer)
	go func() { done <- a.refresh(token) }()
	<-arrived
	if got := a.Log().TokenPOSTs("refresh_token"); got != 1 {
		t.Errorf("TokenPOSTs = %d while the request is held, want 1", got)
	}
	close(release)
	want(t, <-done, http.StatusOK, "")
}

func TestStall(t *testing.T) {
	t.Parallel()
	for _, wire := range []string{"socket", "in process"} {
		t.Run(wire, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			at, client := base, a.http
			if wire == "socket" {
				at, client = a.serve()
			}
			a.Fault(emulator.Fault{Kind: emulator.Stall})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, at+"/oauth/v1/certs", nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			half := make([]byte, res.ContentLength/2)
			if _, err := io.ReadFull(res.Body, half); err != nil {
				t.Fatal(err)
			}
			cancel()
			if rest, err := io.ReadAll(res.Body); len(rest) != 0 || !errors.Is(err, context.Canceled) {
				t.Errorf("then came %d bytes and %v", len(rest), err)
			}
		})
	}
}
