package oauth

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What a token endpoint may answer after it rotated. The refresh token in it is
// kept whenever it can be read at all.
var spoiltAnswers = []struct {
	name     string
	status   int
	body     string
	kept     bool // rt-new ends up in the store
	usable   bool // and at-new may be used
	lifetime time.Duration
}{
	{"as documented", 200, `{"access_token":"at-new","refresh_token":"rt-new","token_type":"Bearer","expires_in":899,"scope":"openid"}`, true, true, 899 * time.Second},
	{"status 201", 201, `{"access_token":"at-new","refresh_token":"rt-new","expires_in":899}`, true, true, 899 * time.Second},
	{"expires_in a string", 200, `{"access_token":"at-new","refresh_token":"rt-new","expires_in":"899"}`, true, true, 899 * time.Second},
	{"expires_in a float", 200, `{"access_token":"at-new","refresh_token":"rt-new","expires_in":899.0}`, true, true, 899 * time.Second},
	{"expires_in with an exponent", 200, `{"access_token":"at-new","refresh_token":"rt-new","expires_in":1e3}`, true, true, 1000 * time.Second},
	{"expires_in empty", 200, `{"access_token":"at-new","refresh_token":"rt-new","expires_in":""}`, true, true, 899 * time.Second},
	{"expires_in null", 200, `{"access_token":"at-new","refresh_token":"rt-new","expires_in":null}`, true, true, 899 * time.Second},
	{"expires_in missing", 200, `{"access_token":"at-new","refresh_token":"rt-new"}`, true, true, 899 * time.Second},
	{"expires_in zero", 200, `{"access_token":"at-new","refresh_token":"rt-new","expires_in":0}`, true, true, 899 * time.Second},
	{"expires_in negative", 200, `{"access_token":"at-new","refresh_token":"rt-new","expires_in":-5}`, true, false, 0},
	{"expires_in huge", 200, `{"access_token":"at-new","refresh_token":"rt-new","expires_in":9e99}`, true, true, 24 * time.Hour},
	{"expires_in beyond a float", 200, `{"access_token":"at-new","refresh_token":"rt-new","expires_in":1e999}`, true, true, 24 * time.Hour},
	{"expires_in a list", 200, `{"access_token":"at-new","refresh_token":"rt-new","expires_in":[1]}`, true, true, 899 * time.Second},
	{"no access token", 200, `{"refresh_token":"rt-new","expires_in":899}`, true, false, 0},
	{"access token unfit for a header", 200, `{"access_token":"at\r\nX: y","refresh_token":"rt-new"}`, true, false, 0},
	{"token_type mac", 200, `{"access_token":"at-new","refresh_token":"rt-new","token_type":"mac"}`, true, false, 0},
	{"token_type null", 200, `{"access_token":"at-new","refresh_token":"rt-new","token_type":null,"expires_in":60}`, true, true, time.Minute},
	{"token_type bearer", 200, `{"access_token":"at-new","refresh_token":"rt-new","token_type":"bearer","expires_in":60}`, true, true, time.Minute},
	{"byte order mark", 200, "\ufeff" + `{"access_token":"at-new","refresh_token":"rt-new","expires_in":60}`, true, true, time.Minute},
	{"trailing bytes", 200, `{"access_token":"at-new","refresh_token":"rt-new","expires_in":60}<!-- cached -->`, true, true, time.Minute},
	{"truncated after the tokens", 200, `{"access_token":"at-new","refresh_token":"rt-new","expires_i`, true, true, 899 * time.Second},
	{"truncated in the access token", 200, `{"refresh_token":"rt-new","access_token":"at-n`, true, false, 0},
	{"an error beside the token", 200, `{"error":"server_error","refresh_token":"rt-new"}`, true, false, 0},
	{"refresh token a number", 200, `{"access_token":"at-new","refresh_token":5,"expires_in":60}`, false, true, time.Minute},
	{"nothing but an access token that is unfit", 200, `{"access_token":"at new"}`, false, false, 0},
	{"nothing but a token of another type", 200, `{"access_token":"at-new","token_type":"mac"}`, false, false, 0},
	{"truncated before any token", 200, `{"access_tok`, false, false, 0},
	{"HTML with 200", 200, `<html>maintenance</html>`, false, false, 0},
	{"empty with 200", 200, ``, false, false, 0},
	{"error with 200", 200, `{"error":"server_error"}`, false, false, 0},
	{"redirect", 307, ``, false, false, 0},
}

func TestSpoiltAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range spoiltAnswers {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newFakeProvider()
				p.script = []behaviour{{answer: func(string) *http.Response {
					r := reply(c.status, "text/plain", c.body)
					r.Header.Set("Location", "https://elsewhere.example/token")
					return r
				}}}
				a, id := signedIn(t, p, NewMemoryStore(), 15*time.Minute)
				time.Sleep(time.Minute)
				tok, err := a.Grant(id).Refresh(t.Context())
				row, held := rowOf(t, a, id)
				if got := held.Refresh == "rt-new"; got != c.kept {
					t.Errorf("kept the refresh token: %v, want %v", got, c.kept)
				}
				if got := p.sent(); !slices.Equal(got, []string{"rt-1"}) {
					t.Errorf("token POSTs %q, want one", got)
				}
				switch {
				case c.usable:
					if err != nil || tok.AccessToken != "at-new" || row.Expiry.Sub(row.RefreshIssued) != c.lifetime {
						t.Errorf("%v, %v, lifetime %v; want %v", tok, err, row.Expiry.Sub(row.RefreshIssued), c.lifetime)
					}
				case c.kept && held.Access == "at-new": // born expired: the next use refreshes
					if row.Expiry.After(time.Now()) {
						t.Error("usable until", row.Expiry)
					}
				case err == nil:
					t.Error("no error")
				}
				if err != nil && (strings.Contains(err.Error(), "rt-") || strings.Contains(err.Error(), "at-")) {
					t.Error("a token in the error:", err)
				}
				if !c.kept && !c.usable && !errors.Is(err, ErrInDoubt) {
					t.Error("an answer without a token leaves doubt, not", err)
				}
			})
		})
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"plain", "plain"},
		{"the token canary-rt is used", ""},
		{"line\nbreak\x00\u202e", "linebreak"},
		{strings.Repeat("é", 150), strings.Repeat("é", 100)},
	} {
		if got := describe(c.in, []string{"canary-rt", ""}); got != c.want {
			t.Errorf("describe(%.20q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for in, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-3": 0, "soon": 0, "99999999": 24 * time.Hour,
		"Sun, 22 Nov 2026 12:01:00 GMT": time.Minute, "Sun, 22 Nov 2020 12:01:00 GMT": 0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {in}}, now); got != want {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
}

func FuzzParseAnswer(f *testing.F) {
	for _, c := range spoiltAnswers {
		f.Add(c.status, []byte(c.body))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		ans, fail := parseAnswer(&http.Response{StatusCode: status}, body, nil, "rt-old")
		if (ans == nil) == (fail == nil) {
			t.Fatal("neither or both of answer and error")
		}
		if ans != nil && (ans.RefreshToken == "" && ans.AccessToken == "" || ans.Lifetime < 0 || ans.Lifetime > maxLifetime) {
			t.Fatalf("%v, %v", ans.Flaw, ans.Lifetime)
		}
		if ans != nil && ans.AccessToken == "" && ans.Lifetime != 0 {
			t.Fatal("a lifetime without a token")
		}
	})
}

// A character that is not shown must not hide a secret from the comparison.
func TestDescribeFindsWrappedSecrets(t *testing.T) {
	t.Parallel()
	const secret = "canary-refresh-token-0123456789"
	for _, between := range []string{"", "\n", "\u200b", "\x00"} {
		if got := describe("bad token "+secret[:10]+between+secret[10:], []string{secret}); got != "" {
			t.Errorf("%q shows %q", between, got)
		}
	}
}
