package emulator

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
)

// oauthError is the error answer of RFC 6749 section 5.2.
type oauthError struct {
	status      int
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

func (e *oauthError) Error() string { return e.Code + ": " + e.Description }

func refuse(code, format string, args ...any) *oauthError {
	status := http.StatusBadRequest
	if code == "invalid_client" || code == "invalid_token" {
		status = http.StatusUnauthorized
	}
	return &oauthError{status: status, Code: code, Description: fmt.Sprintf(format, args...)}
}

// writeTo sends the error. A client that tried a header is told the scheme.
func (e *oauthError) writeTo(w http.ResponseWriter, r *http.Request) {
	switch {
	case e.Code == "invalid_token":
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer error=%q, error_description=%q`, e.Code, e.Description))
	case e.Code == "invalid_client" && r.Header.Get("Authorization") != "":
		w.Header().Set("WWW-Authenticate", `Basic realm="oauth"`)
	}
	writeJSON(w, e.status, e)
}

// maxParam bounds one parameter: refresh tokens and a generous state fit.
const maxParam = 4096

// single refuses parameters that are repeated (RFC 6749 sections 3.1 and 3.2)
// or oversized.
func single(values url.Values) *oauthError {
	for name, v := range values {
		if len(v) > 1 {
			return refuse("invalid_request", "parameter %.40q is given %d times", name, len(v))
		}
		if len(name) > 100 || len(v[0]) > maxParam {
			return refuse("invalid_request", "parameter %.40q is too long", name)
		}
	}
	return nil
}

// readForm reads the form of a POST to an endpoint that authenticates the
// client, and authenticates it.
func (e *Emulator) readForm(r *http.Request) (url.Values, *oauthError) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, refuse("invalid_request", "the body must be application/x-www-form-urlencoded")
	}
	if r.URL.RawQuery != "" {
		return nil, refuse("invalid_request", "parameters belong in the body, not in the URL")
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || len(body) > 64<<10 {
		return nil, refuse("invalid_request", "the body is too long")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, refuse("invalid_request", "the body is not a form")
	}
	if err := single(form); err != nil {
		return nil, err
	}
	return form, e.authenticate(r, form)
}

// authenticate checks the client: secret in the header or in the body, one of
// the two, and no secret at all for a public client (RFC 6749 section 2.3).
func (e *Emulator) authenticate(r *http.Request, form url.Values) *oauthError {
	id, secret := form.Get("client_id"), form.Get("client_secret")
	if r.Header.Get("Authorization") != "" {
		rawID, rawSecret, ok := r.BasicAuth()
		headerID, err1 := url.QueryUnescape(rawID)
		headerSecret, err2 := url.QueryUnescape(rawSecret)
		switch {
		case !ok || err1 != nil || err2 != nil:
			return refuse("invalid_client", "the Authorization header is not Basic with percent-encoded credentials")
		case secret != "":
			return refuse("invalid_request", "the client authenticates twice, in the header and in the body")
		case id != "" && id != headerID:
			return refuse("invalid_request", "client_id differs between header and body")
		}
		id, secret = headerID, headerSecret
	}
	if id != e.opts.ClientID {
		return refuse("invalid_client", "unknown client_id")
	}
	if secret != string(e.opts.ClientSecret) {
		return refuse("invalid_client", "wrong or missing client_secret")
	}
	return nil
}

// clientEndpoint serves an endpoint that takes a form from an authenticated client.
func (e *Emulator) clientEndpoint(serve func(w http.ResponseWriter, form url.Values) *oauthError) func(http.ResponseWriter, *http.Request, vars) {
	return func(w http.ResponseWriter, r *http.Request, _ vars) {
		form, err := e.readForm(r)
		if err == nil {
			err = serve(w, form)
		}
		if err != nil {
			err.writeTo(w, r)
		}
	}
}

func (e *Emulator) oauthRoutes() []route {
	return []route{
		newRoute(EndpointAuthorize, "GET", "/oauth/v1/authorize", e.authorize),
		newRoute(EndpointConsent, "POST", "/oauth/v1/consent", e.consent),
		newRoute(EndpointToken, "POST", "/oauth/v1/token", e.clientEndpoint(e.token)),
		newRoute(EndpointIntrospect, "POST", "/oauth/v1/token/introspect", e.clientEndpoint(e.introspect)),
		newRoute(EndpointResources, "POST", "/oauth/v1/token/resources", e.clientEndpoint(e.resources)),
		newRoute(EndpointRevoke, "POST", "/oauth/v1/token/revoke", e.clientEndpoint(e.revoke)),
		newRoute(EndpointUserInfo, "GET", "/oauth/v1/userinfo", e.userInfo),
		newRoute(EndpointUserInfo, "POST", "/oauth/v1/userinfo", e.userInfo),
		newRoute(EndpointDiscovery, "GET", "/oauth/.well-known/openid-configuration", e.discovery),
		newRoute(EndpointCerts, "GET", "/oauth/v1/certs", e.certs),
		newRoute(endpointControl, "GET", "/emulator/avatars/{user}", e.avatar),
	}
}
