package emulator

import (
	"crypto/rand"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// apiError is an error of the v2 APIs: {"code", "message"}.
type apiError struct {
	status  int
	Code    string `json:"code"`
	Message string `json:"message"`
}

func invalidArgument(message string) *apiError {
	return &apiError{http.StatusBadRequest, "INVALID_ARGUMENT", message}
}
func noSuch(what string) *apiError {
	return &apiError{http.StatusNotFound, "NOT_FOUND", "The " + what + " does not exist."}
}
func denied(message string) *apiError {
	return &apiError{http.StatusForbidden, "PERMISSION_DENIED", message}
}
func exists(what string) *apiError {
	return &apiError{http.StatusConflict, "ALREADY_EXISTS", "The " + what + " exists already."}
}
func aborted(message string) *apiError { return &apiError{http.StatusConflict, "ABORTED", message} }

// gatewayError is the shape of what the gateway says before an API is reached.
func gatewayError(w http.ResponseWriter, status int, message string) {
	type item struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	writeJSON(w, status, map[string]any{"errors": []item{{0, message}}})
}

func notFound(w http.ResponseWriter, _ *http.Request) {
	gatewayError(w, http.StatusNotFound, "NotFound")
}

func notAllowed(w http.ResponseWriter, _ *http.Request) {
	gatewayError(w, http.StatusMethodNotAllowed, "MethodNotAllowed")
}

// notHere answers for operations of Roblox's that the emulator lacks. A 404
// would pass for a resource that does not exist.
func notHere(w http.ResponseWriter) {
	gatewayError(w, http.StatusNotImplemented,
		"The emulator does not have this operation. Package mocks has a stand-in for each family, with every operation")
}

// caller is who makes an Open Cloud call: the owner of the API key (grant is
// nil), or an app for a user.
type caller struct{ grant *grant }

// has reports whether the caller may use a scope; the key has them all.
func (c caller) has(scope string) bool { return c.grant == nil || c.grant.has(scope) }

// may reports whether the caller was let act on a resource such as
// "universes/8801" or for a creator. The key may act on everything.
func (c caller) may(resource string) bool {
	if c.grant == nil {
		return true
	}
	kind, id, _ := strings.Cut(resource, "/")
	switch kind {
	case "universes":
		return slices.Contains(c.grant.universes, id)
	case "groups":
		return slices.Contains(c.grant.creators, "G"+id)
	case "users":
		return c.grant.sub == id && slices.Contains(c.grant.creators, "U")
	default:
		return false
	}
}

// operation is one Open Cloud call as its route describes it.
type operation struct {
	scope   string // needed by an access token, with spaces between several; "" for none
	on      string // the kind of the resource it acts on: universes, groups
	keyOnly bool   // takes no access token
	v1      bool   // has the error shape of the v1 APIs
}

// reply is what an operation answers with.
type reply struct {
	status int
	body   any // nil: no body
	header http.Header
}

func ok(body any) (*reply, *apiError) { return &reply{status: http.StatusOK, body: body}, nil }

// cloud makes the handler of an Open Cloud operation: authentication, scope and
// consent first, as the gateway does, then serve under the lock.
func (e *Emulator) cloud(op operation, serve func(c caller, r *http.Request, v vars) (*reply, *apiError)) func(http.ResponseWriter, *http.Request, vars) {
	return func(w http.ResponseWriter, r *http.Request, v vars) {
		w.Header().Set("X-Request-Id", strings.ToLower(rand.Text()[:16]))
		e.mu.Lock()
		defer e.mu.Unlock()
		c, refusal := e.authorized(r, op)
		if refusal != "" {
			if refusal == badToken {
				w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			}
			gatewayError(w, http.StatusUnauthorized, refusal)
			return
		}
		if op.on != "" && op.scope != "" && !c.may(op.on+"/"+v[op.on]) {
			fail(w, op, denied("The app was not given this resource."))
			return
		}
		answer, err := serve(c, r, v)
		if err != nil {
			fail(w, op, err)
			return
		}
		maps.Copy(w.Header(), answer.header)
		if answer.body == nil {
			w.WriteHeader(answer.status)
			return
		}
		writeJSON(w, answer.status, answer.body)
	}
}

func fail(w http.ResponseWriter, op operation, err *apiError) {
	if op.v1 {
		writeJSON(w, err.status, map[string]any{"error": err.Code, "message": err.Message, "errorDetails": []any{}})
		return
	}
	writeJSON(w, err.status, err)
}

const badToken = "Invalid or expired access token"

// authorized finds the caller, or says why there is none. A scope that is
// missing is a 401 too.
func (e *Emulator) authorized(r *http.Request, op operation) (c caller, refusal string) {
	key, auth := r.Header.Get("X-Api-Key"), r.Header.Get("Authorization")
	if key != "" {
		if key != string(e.opts.APIKey) {
			return caller{}, "Invalid API Key"
		}
		return caller{}, ""
	}
	scheme, token, _ := strings.Cut(auth, " ")
	if auth == "" || !strings.EqualFold(scheme, "Bearer") {
		return caller{}, "Missing credentials"
	}
	if op.keyOnly {
		return caller{}, "This operation takes an API key, not an access token"
	}
	t := e.working(token)
	if t == nil {
		return caller{}, badToken
	}
	c = caller{t.grant}
	for scope := range strings.FieldsSeq(op.scope) {
		if !c.has(scope) {
			return caller{}, "The access token lacks a scope that the operation needs"
		}
	}
	return c, ""
}
