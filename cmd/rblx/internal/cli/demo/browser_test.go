package demo

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/rblx-go/opencloud/cmd/rblx/internal/signin"
	"github.com/rblx-go/opencloud/internal/testenv"
	"github.com/rblx-go/opencloud/mocks/emulator"
	"github.com/rblx-go/opencloud/mocks/emulatortest"
	"github.com/rblx-go/opencloud/oauth"
)

// chromium returns a context whose tabs are of one Chromium with a new profile.
func chromium(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		testenv.Skip(t, "no chromium on the PATH to show the page in")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(time.Minute))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	return ctx
}

// tab opens a tab; the first one of a context starts the browser.
func tab(parent context.Context, t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// do runs steps in a tab within a minute.
func do(tab context.Context, t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(tab, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// reads waits until an element, an XPath step, holds a text.
func reads(element, text string) chromedp.Action[chromedp.Void] {
	return chromedp.WaitVisible(fmt.Sprintf("//%s[contains(., '%s')]", element, text))
}

// streams tells of the event streams that the site opens.
type streams struct {
	site   http.Handler
	opened chan struct{}
}

func (s *streams) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/events" {
		w = &firstFlush{ResponseWriter: w, opened: s.opened}
	}
	s.site.ServeHTTP(w, r)
}

type firstFlush struct {
	http.ResponseWriter
	once   sync.Once
	opened chan struct{}
}

// FlushError implements what http.ResponseController flushes by.
func (f *firstFlush) FlushError() error {
	err := http.NewResponseController(f.ResponseWriter).Flush()
	f.once.Do(func() { f.opened <- struct{}{} })
	return err
}

// next waits until the script of one more page runs and hears of rotations. A
// button that is pressed before does without the script.
func (s *streams) next() chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
		select {
		case <-s.opened:
			return chromedp.Void{}, nil
		case <-ctx.Done():
			return chromedp.Void{}, fmt.Errorf("no event stream: %w", ctx.Err())
		}
	}
}

// realSite runs the site and an emulator on ports of their own.
func realSite(t *testing.T) (address string, emu *emulatortest.Emulator, events *streams) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	home, err := signin.ParseCallback("http://" + server.Listener.Addr().String() + "/callback")
	if err != nil {
		t.Fatal(err)
	}
	emu = emulatortest.Start(t, func(o *emulator.Options) {
		o.RedirectURLs, o.AccessTTL = []string{home.String()}, demoTTL
	})
	b, err := emulated(t.Context(), emu.Emulator, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSite(b, home, keeping{oauth.NewMemoryStore(), []byte("a key for the cookies of this test")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	events = &streams{s.handler(), make(chan struct{}, 100)}
	server.Config.Handler = events
	server.Config.RegisterOnShutdown(s.hub.close)
	server.Start()
	t.Cleanup(func() {
		s.hub.close()
		server.Close()
		if err := s.oauth.Close(context.Background()); err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return server.URL, emu, events
}

// The whole page in a real browser, script and all.
func TestPageInChromium(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	address, emu, events := realSite(t)
	page := tab(browser, t)
	do(page, t,
		chromedp.Navigate(address),
		chromedp.Click(`a[href="/login"]`),
		chromedp.Click(`button[value="allow"]`),
		reads("p[@class='name']", "Juniper"),
		reads("ul[@class='things']", "Lantern Harbor"),
		reads("b[@id='generation']", "1"),
		events.next(),
	)
	do(page, t,
		chromedp.SendKeys(`textarea[name="message"]`, "hello from a browser"),
		chromedp.Click(`form[action="/publish"] button`),
		reads("p[@role='status']", "Published to topic"),
		events.next(),
	)
	if got := emu.Messages(); len(got) != 1 || got[0].Message != "hello from a browser" || got[0].UserID != "156" {
		t.Fatalf("the emulator heard %+v", got)
	}
	do(page, t, // the strip, by the event stream: the page is not loaded again
		chromedp.Click(`#rotate button`),
		reads("b[@id='generation']", "2"),
		reads("li[@class='new']", "Renewed"),
	)
	do(page, t,
		chromedp.SetValue(`textarea[name="value"]`, `{"level":7}`),
		chromedp.Click(`button[value="write"]`),
		reads("p[@role='status']", "Wrote"),
		reads("textarea[@name='value']", `{"level":7}`),
	)
	do(page, t, chromedp.Click(`form[action="/logout"] button`), reads("p[@role='status']", "Signed out"))

	log := emu.Log()
	if log.TokenPOSTs("authorization_code") != 1 || log.TokenPOSTs("refresh_token") != 1 || len(log.Replays()) != 0 || len(log.To(emulator.EndpointRevoke)) != 1 {
		t.Errorf("%d exchanges, %d refreshes, %d replays, %d revocations", log.TokenPOSTs("authorization_code"),
			log.TokenPOSTs("refresh_token"), len(log.Replays()), len(log.To(emulator.EndpointRevoke)))
	}
}

// Two tabs of one browser in the middle of a sign-in do not disturb each other.
func TestTwoTabsInChromium(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	address, emu, _ := realSite(t)
	first := tab(browser, t)
	second := tab(first, t)
	tabs := []context.Context{first, second}
	for _, tab := range tabs {
		do(tab, t, chromedp.Navigate(address+"/login"), chromedp.WaitVisible(`button[value="allow"]`))
	}
	for _, tab := range tabs {
		do(tab, t, chromedp.Click(`button[value="allow"]`), reads("p[@class='name']", "Juniper"))
	}
	for _, tab := range tabs {
		do(tab, t, chromedp.Navigate(address), reads("p[@class='name']", "Juniper"))
	}
	do(first, t, chromedp.Click(`form[action="/logout"] button`), reads("p[@role='status']", "Signed out"))
	do(second, t, chromedp.Navigate(address), chromedp.WaitVisible(`a[href="/login"]`))
	log := emu.Log()
	if log.TokenPOSTs("authorization_code") != 2 || len(log.To(emulator.EndpointRevoke)) != 2 {
		t.Errorf("%d exchanges and %d revocations, want 2 of each", log.TokenPOSTs("authorization_code"), len(log.To(emulator.EndpointRevoke)))
	}
}

// The page names its own files only.
func TestNoRemoteAssets(t *testing.T) {
	t.Parallel()
	body := newRig(t).signIn(t).Page().Body
	for _, part := range strings.Split(body, "src=\"")[1:] {
		if !strings.HasPrefix(part, "/static/") && !strings.HasPrefix(part, "http://127.0.0.1") {
			t.Errorf("an asset from elsewhere: %.60q", part)
		}
	}
	if strings.Contains(body, "style=") || strings.Contains(body, "onclick") {
		t.Error("something inline, which the policy forbids")
	}
}
