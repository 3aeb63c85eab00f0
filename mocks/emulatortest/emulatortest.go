// Package emulatortest starts a Roblox in a test. [Start] runs it,
// [Emulator.Options] and [Emulator.OAuth] configure a client and an app for it,
// and [SignIn] signs a user in.
//
// It keeps time by the machine's clock. To see tokens expire, give it a short
// [emulator.Options.AccessTTL], or let weeks pass at once in a bubble of
// testing/synctest, as the example does. [emulator.Emulator.Advance] ages what
// the emulator has handed out, and the program under test knows nothing of it.
package emulatortest

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/mocks/emulator"
)

// Emulator is a running emulator with an address of its own.
type Emulator struct {
	*emulator.Emulator
	// URL is its base URL, such as http://127.0.0.1:40123.
	URL string

	client *http.Client
}

// DefaultClientSecret is the client secret of a started emulator, unless an
// option changes it.
const DefaultClientSecret = "emulator-client-secret"

// Start runs an emulator on a free port of this machine until the test ends.
// It is a confidential client's unless an option empties ClientSecret.
func Start(t testing.TB, options ...func(*emulator.Options)) *Emulator {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	opts := emulator.Options{URL: "http://" + server.Listener.Addr().String(), ClientSecret: DefaultClientSecret}
	for _, set := range options {
		set(&opts)
	}
	e, err := emulator.New(opts)
	if err != nil {
		server.Close()
		t.Fatal(err)
	}
	server.Config.Handler = e
	server.Start()
	t.Cleanup(server.Close)
	return &Emulator{Emulator: e, URL: opts.URL, client: server.Client()}
}

// Options are those of a client that calls Open Cloud with the emulator's key,
// over connections of its own: those of http.DefaultTransport are closed when an
// emulator or another httptest.Server ends.
func (e *Emulator) Options() opencloud.Options {
	return opencloud.Options{APIKey: e.APIKey(), BaseURL: e.URL, HTTPClient: e.client}
}
