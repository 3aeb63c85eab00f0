package oauthv1_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud/api/oauthv1"
)

func TestTokenKeepsItsSecrets(t *testing.T) {
	t.Parallel()
	const canary = "canary-7f3a"
	var token oauthv1.Token
	body := `{"access_token":"` + canary + `","refresh_token":"` + canary + `","id_token":"` + canary + `","token_type":"Bearer","expires_in":899}`
	if err := json.Unmarshal([]byte(body), &token); err != nil {
		t.Fatal(err)
	}
	if string(token.AccessToken) != canary || string(token.RefreshToken) != canary || token.ExpiresIn != 899 {
		t.Fatal("the token was not decoded")
	}
	encoded, err := json.Marshal(token)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("token", "token", token, "secret", token.AccessToken)
	for _, text := range []string{
		fmt.Sprintf("%v %+v %#v", token, token, token), fmt.Sprintf("%q %x", token.AccessToken, token.AccessToken),
		string(encoded), log.String(),
	} {
		if strings.Contains(text, canary) {
			t.Errorf("a secret shows in %s", strings.ReplaceAll(text, canary, "CANARY"))
		}
		if !strings.Contains(text, "redacted") {
			t.Errorf("no placeholder in %s", text)
		}
	}
}

func TestAnswersDecode(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		body string
		into any
		want string
	}{
		"userinfo without a picture": {`{"sub":"156","name":"Ann","picture":null}`, &oauthv1.UserInfo{}, "Ann"},
		"resources without creators": {`{"resource_infos":[{"owner":{"id":"1","type":"User"},"resources":{"universe":{"ids":["3828411582"]}}}]}`, &oauthv1.Resources{}, "3828411582"},
		"inactive token":             {`{"active":false}`, &oauthv1.Introspection{}, "false"},
		"client id beyond 64 bits":   {`{"active":true,"client_id":"816547628409595165403873012"}`, &oauthv1.Introspection{}, "816547628409595165403873012"},
		"discovery":                  {`{"issuer":"https://apis.roblox.com/oauth/","jwks_uri":"https://apis.roblox.com/oauth/v1/certs"}`, &oauthv1.ProviderMetadata{}, "https://apis.roblox.com/oauth/"},
		"keys":                       {`{"keys":[{"kty":"EC","kid":"a","x":"_x"}]}`, &oauthv1.KeySet{}, "_x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := json.Unmarshal([]byte(row.body), row.into); err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("%+v", row.into); !strings.Contains(got, row.want) {
				t.Errorf("%s lacks %s", got, row.want)
			}
		})
	}
}
