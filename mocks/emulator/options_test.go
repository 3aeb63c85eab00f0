package emulator_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/mocks/emulator"
)

func TestOptionsNameWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		opts emulator.Options
		want string
	}{
		"URL":             {emulator.Options{URL: "127.0.0.1:8080"}, "URL"},
		"URL with a path": {emulator.Options{URL: "http://localhost/x"}, "URL"},
		"Issuer":          {emulator.Options{Issuer: "roblox"}, "Issuer"},
		"fragment":        {emulator.Options{RedirectURLs: []string{"https://a.example/#x"}}, "RedirectURLs"},
		"http":            {emulator.Options{RedirectURLs: []string{"http://a.example/"}}, "RedirectURLs"},
		"relative":        {emulator.Options{RedirectURLs: []string{"/callback"}}, "RedirectURLs"},
		"no host":         {emulator.Options{RedirectURLs: []string{"https:/callback"}}, "RedirectURLs"},
		"user":            {emulator.Options{RedirectURLs: []string{"https://me@a.example/"}}, "RedirectURLs"},
		"script":          {emulator.Options{RedirectURLs: []string{"javascript:x"}}, "RedirectURLs"},
		"long":            {emulator.Options{RedirectURLs: []string{"https://a.example/" + strings.Repeat("x", 256)}}, "RedirectURLs"},
		"eleven":          {emulator.Options{RedirectURLs: strings.Split(strings.Repeat("https://a.example/ ", 11), " ")[:11]}, "RedirectURLs"},
		"AccessTTL":       {emulator.Options{AccessTTL: time.Second}, "AccessTTL"},
		"RefreshTTL":      {emulator.Options{RefreshTTL: time.Minute}, "RefreshTTL"},
		"RefreshReuse":    {emulator.Options{RefreshReuse: "sometimes"}, "RefreshReuse"},
		"grace":           {emulator.Options{RefreshReuse: "grace=-1s"}, "RefreshReuse"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := emulator.New(tc.opts)
			if err == nil || !strings.HasPrefix(err.Error(), "emulator: "+tc.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one line about %s", err, tc.want)
			}
		})
	}
}

func TestOptionDefaults(t *testing.T) {
	t.Parallel()
	e, err := emulator.New(emulator.Options{URL: "http://127.0.0.1:8080/", RedirectURLs: []string{"myapp://callback", "https://a.example/cb", "http://[::1]:3000/"}})
	if err != nil {
		t.Fatal(err)
	}
	o := e.Options()
	if o.URL != "http://127.0.0.1:8080" || o.Issuer != "http://127.0.0.1:8080/oauth/" || o.AccessTTL != 15*time.Minute ||
		o.RefreshTTL != 90*24*time.Hour || o.RefreshReuse != emulator.ReuseRevoke || len(e.APIKey()) < 20 {
		t.Errorf("options %+v", o)
	}
}
