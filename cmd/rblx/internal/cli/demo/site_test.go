package demo

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/rblx-go/opencloud/cmd/rblx/internal/signin"
	"github.com/rblx-go/opencloud/mocks/browser"
	"github.com/rblx-go/opencloud/mocks/emulator"
	"github.com/rblx-go/opencloud/oauth"
)

const testOrigin = "http://localhost:3000"

// rig is the site over an emulator, both in process.
type rig struct {
	site    *site
	emu     *emulator.Emulator
	handler http.Handler
}

func newRig(t *testing.T, change ...func(*backend)) *rig {
	t.Helper()
	home, err := signin.ParseCallback(testOrigin + "/callback")
	if err != nil {
		t.Fatal(err)
	}
	emu, err := newEmulator("http://127.0.0.1", home)
	if err != nil {
		t.Fatal(err)
	}
	b, err := emulated(t.Context(), emu, emu.Transport())
	if err != nil {
		t.Fatal(err)
	}
	b.Pace *= 10 // nobody waits for it in vain but who rotates
	for _, f := range change {
		f(b)
	}
	s, err := newSite(b, home, keeping{oauth.NewMemoryStore(), []byte(rand.Text())}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.oauth.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return &rig{site: s, emu: emu, handler: s.handler()}
}

// browser returns a new one with no cookies.
func (r *rig) browser() *browser.Browser {
	return browser.New(browser.Options{
		Base:     r.emu.Transport(),
		Handlers: map[string]http.Handler{"localhost:3000": r.handler},
	})
}

// signIn signs a new browser in.
func (r *rig) signIn(t *testing.T) *browser.Browser {
	t.Helper()
	b := r.browser()
	open(t, b, testOrigin+"/login")
	page, err := b.Consent(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	if page.Status != http.StatusOK || page.URL.String() != testOrigin+"/" {
		t.Fatalf("the sign-in ended with %d at %s", page.Status, page.URL)
	}
	return b
}

func open(t *testing.T, b *browser.Browser, at string) *browser.Page {
	t.Helper()
	page, err := b.Open(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func submit(t *testing.T, b *browser.Browser, fields url.Values) *browser.Page {
	t.Helper()
	page, err := b.Submit(t.Context(), fields)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// post sends a form as the page at b would, with fields of our choice.
func (r *rig) post(t *testing.T, b *browser.Browser, path string, fields url.Values) *browser.Page {
	t.Helper()
	home, err := url.Parse(testOrigin)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, testOrigin+path, strings.NewReader(fields.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, c := range b.Cookies(home) {
		req.AddCookie(c)
	}
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, req)
	return &browser.Page{URL: req.URL, Status: w.Code, Header: w.Header(), Body: w.Body.String()}
}

func holds(t *testing.T, page *browser.Page, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(page.Body, text) {
			t.Errorf("the page at %s (%d) lacks %q:\n%s", page.URL.Path, page.Status, text, page.Body)
		}
	}
}

func TestWelcome(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	page := open(t, r.browser(), testOrigin+"/")
	holds(t, page, "Sign in with Roblox", `href="/login"`, "Not affiliated", "emulator")
	if got := page.Header.Get("Content-Security-Policy"); !strings.Contains(got, "default-src 'none'") || strings.Contains(got, "unsafe") {
		t.Errorf("Content-Security-Policy %q", got)
	}
	if len(r.emu.Log().To(emulator.EndpointToken)) != 0 {
		t.Error("the welcome page made token requests")
	}
}

func TestSignInShowsWhoAndWhat(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.signIn(t)
	holds(t, b.Page(), "Juniper", "@juniper_builds", "<code>156</code>", signin.PublishScope,
		"Lantern Harbor", "Night Market Studio", `id="generation">1<`, "Signed in")
	if posts := r.emu.Log().TokenPOSTs(); posts != 1 {
		t.Errorf("%d token requests, want 1", posts)
	}
	home, _ := url.Parse(testOrigin)
	for _, c := range b.Cookies(home) {
		if strings.Contains(c.Value, string(grantOf(t, r, b))) {
			t.Errorf("cookie %s names the grant in the clear", c.Name)
		}
	}
}

func TestDenied(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.browser()
	open(t, b, testOrigin+"/login")
	page, err := b.Consent(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	if page.Status != http.StatusForbidden || r.emu.Log().TokenPOSTs() != 0 {
		t.Errorf("status %d after %d token requests, want 403 after none", page.Status, r.emu.Log().TokenPOSTs())
	}
	holds(t, page, "You did not allow access", `href="/login"`)
}

// Loading a finished sign-in again disturbs nobody.
func TestCallbackLoadedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.signIn(t)
	trail := b.Page().Trail
	callback := trail[len(trail)-2]
	page := open(t, b, callback.String())
	holds(t, page, "This sign-in is already done", "Juniper")
	if page.URL.RawQuery != "" || r.emu.Log().TokenPOSTs() != 1 {
		t.Errorf("at %s after %d token requests", page.URL.Path, r.emu.Log().TokenPOSTs())
	}
}

func TestPublish(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.signIn(t)
	page := submit(t, b, url.Values{"universe": {"8802"}, "topic": {"news"}, "message": {"hello <b>"}})
	holds(t, page, "Published to topic “news” of experience 8802.")
	got := r.emu.Messages()
	if len(got) != 1 || got[0].UserID != "156" || got[0].Topic != "news" || got[0].Message != "hello <b>" {
		t.Fatalf("the emulator heard %+v", got)
	}
	if strings.Contains(open(t, b, testOrigin+"/").Body, "Published to") {
		t.Error("the message is shown twice")
	}

	long := strings.Repeat("é", 900) // more than the API's 1024 bytes
	page = submit(t, b, url.Values{"universe": {"8802"}, "topic": {"news"}, "message": {long}})
	holds(t, page, "It was refused", long)
	if len(r.emu.Messages()) != 1 {
		t.Error("the refused message was published")
	}
}

func TestLost(t *testing.T) {
	t.Parallel()
	page := open(t, newRig(t).browser(), testOrigin+"/nowhere")
	if page.Status != http.StatusNotFound {
		t.Errorf("status %d", page.Status)
	}
	holds(t, page, "There is no such page", `href="/"`)
}

func TestEntry(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.signIn(t)
	at := url.Values{"universe": {"8801"}, "store": {"Saves"}, "key": {"a/b c"}, "do": {"read"}}
	holds(t, submit(t, b, at), "Nothing is stored under this key yet.")

	for _, value := range []struct{ given, kept string }{
		{`{"level":7}`, "{&#34;level&#34;:7}"},
		{"not JSON", "&#34;not JSON&#34;"},
	} {
		at.Set("do", "write")
		at.Set("value", value.given)
		holds(t, submit(t, b, at), "Wrote “a/b c” in data store “Saves”.", value.kept, "Stored as revision")
	}
	at.Set("universe", "9")
	holds(t, submit(t, b, at), `role="alert"`)
}

func TestRotate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		b := r.signIn(t)
		token := r.site.cookies.formToken(sessionOf(t, r, b))
		if page := r.post(t, b, "/rotate", url.Values{"form_token": {token}, "quiet": {"1"}}); page.Status != http.StatusNoContent {
			t.Fatalf("a quiet rotation answered %d: %s", page.Status, page.Body)
		}
		page := open(t, b, testOrigin+"/")
		holds(t, page, `id="generation">2<`, "Renewed")
		if page := r.post(t, b, "/rotate", url.Values{"form_token": {token}}); page.Status != http.StatusSeeOther {
			t.Fatalf("a rotation answered %d: %s", page.Status, page.Body)
		}
		log := r.emu.Log()
		if log.TokenPOSTs("refresh_token") != 2 || len(log.Replays()) != 0 {
			t.Errorf("%d refreshes and %d replays, want 2 and none", log.TokenPOSTs("refresh_token"), len(log.Replays()))
		}

		r.emu.RevokeUser("156")
		if page := r.post(t, b, "/rotate", url.Values{"form_token": {token}, "quiet": {"1"}}); page.Status != http.StatusBadGateway || !strings.Contains(page.Body, "sign in again") {
			t.Errorf("a lost grant answered %d: %s", page.Status, page.Body)
		}
		holds(t, open(t, b, testOrigin+"/"), "sign in again", `href="/login"`)
		if page := open(t, b, testOrigin+"/"); strings.Contains(page.Body, "sign in again") {
			t.Error("the browser is still bound to the lost grant")
		}
	})
}

func TestSignOutRevokesEverySignIn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.signIn(t)
	first := grantOf(t, r, b)
	open(t, b, testOrigin+"/login")
	if _, err := b.Consent(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	second := grantOf(t, r, b)
	if first == second {
		t.Fatal("the second sign-in is the first")
	}
	page := r.post(t, b, "/logout", url.Values{"form_token": {r.site.cookies.formToken(sessionOf(t, r, b))}})
	if page.Status != http.StatusSeeOther {
		t.Fatalf("signing out answered %d", page.Status)
	}
	for _, id := range []oauth.GrantID{first, second} {
		info, err := r.site.oauth.Grant(id).Info(t.Context())
		if err != nil || info.State != oauth.StateTombstone || info.Reason != oauth.ReasonConfirmed {
			t.Errorf("grant %s: %s (%s), %v", id, info.State, info.Reason, err)
		}
	}
	holds(t, open(t, b, testOrigin+"/"), `href="/login"`)
}

func TestSessionIsNewAtSignIn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.signIn(t)
	before := sessionOf(t, r, b)
	open(t, b, testOrigin+"/login")
	if _, err := b.Consent(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if after := sessionOf(t, r, b); after.ID == before.ID {
		t.Error("the session survived a sign-in")
	}
	page := r.post(t, b, "/publish", url.Values{
		"form_token": {r.site.cookies.formToken(before)}, "universe": {"8801"}, "topic": {"t"}, "message": {"m"},
	})
	if page.Status != http.StatusSeeOther || len(r.emu.Messages()) != 0 {
		t.Errorf("a form of the session before was taken: %d, %d messages", page.Status, len(r.emu.Messages()))
	}
}

func TestFormsNeedSessionAndToken(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	signedIn, stranger := r.signIn(t), r.browser()
	for _, path := range []string{"/publish", "/entry", "/rotate", "/logout"} {
		for _, token := range []string{"", "AAAA", r.site.cookies.formToken(&session{ID: "other"})} {
			fields := url.Values{"form_token": {token}, "universe": {"8801"}, "topic": {"t"}, "message": {"m"}, "store": {"s"}, "key": {"k"}, "do": {"write"}}
			if page := r.post(t, signedIn, path, fields); page.Status != http.StatusSeeOther {
				t.Errorf("%s with token %q answered %d", path, token, page.Status)
			}
		}
		fields := url.Values{"form_token": {r.site.cookies.formToken(sessionOf(t, r, signedIn))}}
		if page := r.post(t, stranger, path, fields); page.Status != http.StatusSeeOther {
			t.Errorf("%s without a session answered %d", path, page.Status)
		}
	}
	log := r.emu.Log()
	if len(r.emu.Messages()) != 0 || log.TokenPOSTs("refresh_token") != 0 || len(log.To(emulator.EndpointRevoke)) != 0 {
		t.Error("a form without its token did something")
	}
}

func TestForgedCookies(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.signIn(t)
	home, _ := url.Parse(testOrigin)
	var real string
	for _, c := range b.Cookies(home) {
		if c.Name == sessionCookie {
			real = c.Value
		}
	}
	text, mac, _ := strings.Cut(real, ".")
	if mac == "" {
		t.Fatalf("no session cookie among %v", b.Cookies(home))
	}
	other := newCookies([]byte("another key, of another site"), false)
	w := httptest.NewRecorder()
	other.write(w, sessionCookie, sessionOf(t, r, b), sessionLifetime)
	flashed := httptest.NewRecorder()
	r.site.cookies.write(flashed, flashCookie, sessionOf(t, r, b), sessionLifetime)
	for name, value := range map[string]string{
		"no mac":         text,
		"empty mac":      text + ".",
		"other text":     "e30." + mac,
		"other key":      w.Result().Cookies()[0].Value,
		"another cookie": flashed.Result().Cookies()[0].Value,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, testOrigin+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.AddCookie(&http.Cookie{Name: sessionCookie, Value: value})
		if r.site.cookies.session(req) != nil {
			t.Errorf("%s: the cookie was taken", name)
		}
	}
}

func TestOtherHostIsSentHome(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:3000/login", nil)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, req)
	if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != testOrigin+"/" {
		t.Errorf("%d to %q, want the site's own address", w.Code, got)
	}
	req.Method = http.MethodPost
	w = httptest.NewRecorder()
	r.handler.ServeHTTP(w, req)
	if w.Code != http.StatusMisdirectedRequest {
		t.Errorf("a POST by another name answered %d", w.Code)
	}
}

func TestWhatIsMissingIsExplained(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*backend)
		want   string
	}{
		"no API key":    {func(b *backend) { b.APIKey = "" }, "set ROBLOX_API_KEY"},
		"no Open Cloud": {func(b *backend) { b.APIURL = "" }, "ROBLOX_API_URL"},
		"no scope":      {func(b *backend) { b.Scopes = []string{"openid", "profile"} }, signin.PublishScope + " was not granted"},
		"no resources":  {func(b *backend) { b.Provider.ResourcesURL = "" }, "No experience was granted"},
		"no userinfo":   {func(b *backend) { b.Provider.UserInfoURL = "" }, "The issuer does not offer that."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			holds(t, newRig(t, c.change).signIn(t).Page(), c.want, "Sign out")
		})
	}
}

func sessionOf(t *testing.T, r *rig, b *browser.Browser) *session {
	t.Helper()
	home, err := url.Parse(testOrigin)
	if err != nil {
		t.Fatal(err)
	}
	req := &http.Request{Header: http.Header{}}
	for _, c := range b.Cookies(home) {
		req.AddCookie(c)
	}
	s := r.site.cookies.session(req)
	if s == nil {
		t.Fatal("the browser has no session")
	}
	return s
}

func grantOf(t *testing.T, r *rig, b *browser.Browser) oauth.GrantID {
	t.Helper()
	return sessionOf(t, r, b).grant()
}

func TestCookiesOverTLS(t *testing.T) {
	t.Parallel()
	for secure, prefix := range map[bool]string{true: "__Host-", false: ""} {
		w := httptest.NewRecorder()
		newCookies([]byte("a key"), secure).signIn(w, &http.Request{}, oauth.NewGrantID())
		c := w.Result().Cookies()[0]
		if c.Name != prefix+sessionCookie || c.Secure != secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("over TLS %v: %+v", secure, c)
		}
	}
}
