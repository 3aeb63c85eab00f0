package emulator

import (
	"net/http"
	"strconv"
	"time"
)

// User is an account as GET /cloud/v2/users/{user_id} shows it to anybody.
type User struct {
	Path        string    `json:"path"`
	CreateTime  time.Time `json:"createTime"`
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	DisplayName string    `json:"displayName"`
	About       string    `json:"about,omitempty"`
	Locale      string    `json:"locale"`
	// Picture is the path of the avatar at the emulator; "" for none.
	Picture string `json:"-"`

	account           bool // can sign in
	premium, verified bool
	hue               int
}

func (e *Emulator) userRoutes() []route {
	return []route{
		newRoute(EndpointCloud, "GET", "/cloud/v2/users/{users}:generateThumbnail", e.cloud(operation{}, e.generateThumbnail)),
		newRoute(EndpointCloud, "GET", "/cloud/v2/users/{users}", e.cloud(operation{}, e.getUser)),
	}
}

// getUser shows more to a caller with the scopes for it.
func (e *Emulator) getUser(c caller, _ *http.Request, v vars) (*reply, *apiError) {
	u := e.world.users[v["users"]]
	if u == nil {
		return nil, noSuch("user")
	}
	type profiles struct {
		Twitter    string `json:"twitter,omitempty"`
		Visibility string `json:"visibility"`
	}
	shown := struct {
		*User
		Premium    *bool     `json:"premium,omitempty"`
		IDVerified *bool     `json:"idVerified,omitempty"`
		Profiles   *profiles `json:"socialNetworkProfiles,omitempty"`
	}{User: u}
	if c.has("user.advanced:read") {
		shown.Premium, shown.IDVerified = &u.premium, &u.verified
	}
	if c.has("user.social:read") {
		shown.Profiles = &profiles{Twitter: "@" + u.Name, Visibility: "EVERYONE"}
	}
	return ok(shown)
}

// generateThumbnail answers with an operation that is done already.
func (e *Emulator) generateThumbnail(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	u := e.world.users[v["users"]]
	if u == nil {
		return nil, noSuch("user")
	}
	if size := r.URL.Query().Get("size"); size != "" {
		if n, err := strconv.Atoi(size); err != nil || n < 48 || n > 720 {
			return nil, invalidArgument("size is not one of the supported ones.")
		}
	}
	return ok(map[string]any{
		"path": u.Path + "/operations/dGh1bWJuYWls",
		"done": true,
		"response": map[string]string{
			"@type":    "apis.roblox.com/roblox.open_cloud.cloud.v2.GenerateUserThumbnailResponse",
			"imageUri": e.opts.URL + "/emulator/avatars/" + u.ID,
		},
	})
}
