// Package emulatortest starts a Roblox in a test.
package emulatortest

import (
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
	return &Emulator{Emulator: e, URL: opts.URL}
}

// Options are those of a client that calls Open Cloud with the emulator's key.
func (e *Emulator) Options() opencloud.Options {
	return opencloud.Options{APIKey: e.APIKey(), BaseURL: e.URL}
}
