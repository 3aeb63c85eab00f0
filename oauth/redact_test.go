package oauth_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud/oauth"
)

// What a store is handed may be logged by whoever writes one.
func TestRowsAndFlowsShowNoTokens(t *testing.T) {
	t.Parallel()
	const canary = "canary-refresh-token"
	row := oauth.Row{GrantID: oauth.NewGrantID(), Scope: "openid", Sealed: []byte(canary)}
	flow := oauth.Flow{ID: "a-hash", Sealed: []byte(canary)}
	asBytes := strings.Trim(fmt.Sprintf("%d", []byte(canary)), "[]")
	for name, value := range map[string]any{
		string(row.GrantID): row, string(row.GrantID) + "\x00": &row, flow.ID: flow, flow.ID + "\x00": &flow,
	} {
		name = strings.TrimSuffix(name, "\x00")
		var out bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("", "value", value)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("", "value", value)
		for _, form := range []string{canary, asBytes, fmt.Sprintf("%x", canary), "Y2FuYXJ5LXJlZnJlc2gtdG9rZW4"} {
			if strings.Contains(out.String(), form) {
				t.Errorf("%T shows its tokens:\n%s", value, out.String())
			}
		}
		if !strings.Contains(out.String(), name) {
			t.Errorf("%T does not show %q:\n%s", value, name, out.String())
		}
	}
}
