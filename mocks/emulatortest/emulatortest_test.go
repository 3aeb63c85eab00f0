package emulatortest_test

import (
	"net/http"
	"testing"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/mocks/emulator"
	"github.com/rblx-go/opencloud/mocks/emulatortest"
)

func TestOptionsReachTheEmulator(t *testing.T) {
	t.Parallel()
	emu := emulatortest.Start(t, func(o *emulator.Options) { o.ClientID = "42" })
	client, err := opencloud.New(emu.Options())
	if err != nil {
		t.Fatal(err)
	}
	type user struct{ Name string }
	m := &opencloud.Method{Name: "users.GetUser", Verb: "GET", Path: "/cloud/v2/users/{user_id}", Key: true}
	got, err := opencloud.Do[user](t.Context(), client, m, opencloud.Request{Path: []string{"156"}})
	if err != nil || got.Name != "juniper_builds" {
		t.Errorf("got %v, %v", got, err)
	}
	if hc := emu.Options().HTTPClient; hc == nil || hc.Transport == nil || hc.Transport == http.DefaultTransport {
		t.Error("its connections are those that other servers close when they end")
	}
	if o := emu.Emulator.Options(); o.ClientID != "42" || o.URL != emu.URL || o.ClientSecret != emulatortest.DefaultClientSecret {
		t.Errorf("options %+v", o)
	}
}
