package emulator_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud/mocks/emulator"
)

func TestLogHoldsNoSecret(t *testing.T) {
	t.Parallel()
	a := start(t)
	tokens := a.signIn()
	access, refresh := tokens.body["access_token"].(string), tokens.body["refresh_token"].(string)
	a.refresh(refresh)
	a.post("/oauth/v1/token/introspect", form("token", access))
	a.send(a.request("GET", "/cloud/v2/users/156", "", "X-Api-Key", a.APIKey()))
	a.send(a.request("GET", "/oauth/v1/userinfo", "", "Authorization", "Bearer "+access))
	log, err := json.Marshal(a.Log())
	if err != nil {
		t.Fatal(err)
	}
	text := string(log) + fmt.Sprintf("%+v %#v %v %+v", a.Log(), a.Options(), a.Options(), a.Emulator)
	for name, value := range map[string]string{"secret": secret, "access token": access, "refresh token": refresh, "API key": a.APIKey()} {
		if strings.Contains(text, value) {
			t.Errorf("the log holds the %s", name)
		}
		if name != "secret" && !strings.Contains(text, emulator.Fingerprint(value)) {
			t.Errorf("the log lacks the fingerprint of the %s", name)
		}
	}
	if strings.Count(text, `"token"`) == 0 || !strings.Contains(text, "[redacted]") {
		t.Error("the log shows nothing at all")
	}
}

func TestLogEntry(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.refresh("unknown")
	got := a.Log()[0]
	if got.Endpoint != emulator.EndpointToken || got.Method != "POST" || got.Path != "/oauth/v1/token" || got.Status != 400 ||
		got.GrantType != "refresh_token" || got.Error != "invalid_grant" || strings.Join(got.Params, " ") != "client_id client_secret grant_type refresh_token" {
		t.Errorf("entry %+v", got)
	}
	a.ClearLog()
	if n := len(a.Log()); n != 0 {
		t.Errorf("%d entries after ClearLog", n)
	}
}

func TestControl(t *testing.T) {
	t.Parallel()
	a := start(t)
	at, client := a.serve()
	call := func(method, path, body string, header ...string) answer {
		req := a.request(method, path, body, header...)
		req.URL.Host, req.Host = strings.TrimPrefix(at, "http://"), ""
		return (&app{t: t, http: client}).send(req)
	}
	before := a.Now()
	want(t, call("POST", "/emulator/advance", `{"by":"15m"}`), http.StatusOK, "")
	if moved := a.Now().Sub(before); moved.Minutes() < 15 {
		t.Errorf("the clock moved by %v", moved)
	}
	want(t, call("POST", "/emulator/faults", `[{"endpoint":"certs","kind":"status","status":500,"delay":"1ms"}]`), http.StatusOK, "")
	want(t, call("GET", "/oauth/v1/certs", ""), http.StatusInternalServerError, "")
	want(t, call("POST", "/emulator/faults", `[{"kind":"html","times":-1}]`), http.StatusOK, "")
	want(t, call("DELETE", "/emulator/faults", ""), http.StatusOK, "")
	want(t, call("GET", "/oauth/v1/certs", ""), http.StatusOK, "")
	log := call("GET", "/emulator/log", "")
	if entries, _ := log.body["entries"].([]any); len(entries) != 2 || log.body["token_posts"] != 0.0 {
		t.Errorf("log %s", log.text)
	}
	for _, bad := range []string{`{"by":"soon"}`, `[`} {
		want(t, call("POST", "/emulator/advance", bad), http.StatusBadRequest, "")
		want(t, call("POST", "/emulator/faults", bad), http.StatusBadRequest, "")
	}
	for _, misspelt := range []string{`[{"endpoint":"tokn"}]`, `[{"endpoint":"control"}]`, `[{"kind":"dorp"}]`, `[{"kind":"drop","afer":true}]`} {
		want(t, call("POST", "/emulator/faults", misspelt), http.StatusBadRequest, "")
	}
	want(t, call("POST", "/emulator/advance", `{"by":"1s"}`, "Origin", "https://evil.example"), http.StatusForbidden, "")
	req := a.request("GET", "/emulator/log", "")
	req.URL.Host, req.Host = strings.TrimPrefix(at, "http://"), "rebound.example"
	want(t, (&app{t: t, http: client}).send(req), http.StatusForbidden, "")
}
