package oauth

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// manyFamilies is a provider of as many grants as come: a refresh token works
// once, for "rt-of-7" it gives "rt-of-7.", and so on.
type manyFamilies struct {
	mu      sync.Mutex
	posts   map[string]int
	at      []time.Time
	now     int // under way
	most    int
	latency time.Duration
	fail    func() *http.Response // instead of an answer, where it gives one
}

func newManyFamilies() *manyFamilies {
	return &manyFamilies{posts: map[string]int{}, latency: 100 * time.Millisecond}
}

func (p *manyFamilies) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	token := form.Get("refresh_token")
	p.mu.Lock()
	p.now++
	p.most = max(p.most, p.now)
	p.posts[token]++
	p.at = append(p.at, time.Now())
	fail := p.fail
	p.mu.Unlock()
	time.Sleep(p.latency)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now--
	if fail != nil {
		if resp := fail(); resp != nil {
			return resp, nil
		}
	}
	if p.posts[token] > 1 {
		return reply(400, "application/json", `{"error":"invalid_grant"}`), nil
	}
	return reply(200, "application/json", fmt.Sprintf(`{"access_token":"at","refresh_token":%q,"token_type":"Bearer","expires_in":900}`, token+".")), nil
}

// sent is how many requests there were since a time, and whether any token
// was presented twice.
func (p *manyFamilies) sent(since time.Time) (n int, twice bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, at := range p.at {
		if !at.Before(since) {
			n++
		}
	}
	for _, times := range p.posts {
		twice = twice || times > 1
	}
	return n, twice
}
