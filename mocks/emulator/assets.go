package emulator

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Asset is one that was uploaded.
type Asset struct {
	ID          string
	Type        string // as the upload had it, "Image" say
	DisplayName string
	Description string
	// Creator is whose it is, a path such as "users/156" or "groups/7001".
	Creator  string
	Archived bool
	// Versions are its contents, the oldest first. The newest is in use.
	Versions []AssetVersion

	more map[string]json.RawMessage // icon, previews and links, as they were sent
}

// AssetVersion is one content of an asset.
type AssetVersion struct {
	FileName    string
	ContentType string
	Content     []byte
	Time        time.Time
}

// Assets returns what was uploaded so far, oldest first. The contents are the
// emulator's own: they are not to be changed.
func (e *Emulator) Assets() []Asset {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]Asset, 0, len(e.world.assets))
	for _, a := range e.world.assets {
		c := *a
		c.Versions = slices.Clone(a.Versions)
		all = append(all, c)
	}
	return all
}

func (e *Emulator) assetRoutes() []route {
	read, write := operation{scope: "asset:read"}, operation{scope: "asset:read asset:write"}
	fetch := operation{scope: "legacy-asset:manage"}
	at := "/assets/v1/assets"
	return []route{
		newRoute(EndpointCloud, "POST", at+"/{asset}:archive", e.cloud(write, e.setArchived(true))),
		newRoute(EndpointCloud, "POST", at+"/{asset}:restore", e.cloud(write, e.setArchived(false))),
		newRoute(EndpointCloud, "POST", at+"/{asset}/versions:rollback", e.cloud(write, e.rollbackAsset)),
		newRoute(EndpointCloud, "POST", at, e.cloud(write, e.createAsset)),
		newRoute(EndpointCloud, "GET", at+"/{asset}", e.cloud(read, e.getAsset)),
		newRoute(EndpointCloud, "PATCH", at+"/{asset}", e.cloud(write, e.updateAsset)),
		newRoute(EndpointCloud, "GET", at+"/{asset}/versions", e.cloud(read, e.listAssetVersions)),
		newRoute(EndpointCloud, "GET", at+"/{asset}/versions/{version}", e.cloud(read, e.getAssetVersion)),
		newRoute(EndpointCloud, "GET", "/assets/v1/operations/{operation}", e.cloud(read, e.getAssetOperation)),
		newRoute(EndpointCloud, "GET", "/asset-delivery-api/v1/assetId/{asset}", e.cloud(fetch, e.locateAsset)),
		newRoute(EndpointCloud, "GET", "/asset-delivery-api/v1/assetId/{asset}/version/{version}", e.cloud(fetch, e.locateAsset)),
		newRoute(endpointControl, "GET", "/emulator/assets/{asset}/{version}", e.assetContent),
	}
}

// asset finds one that the caller may act on.
func (e *Emulator) asset(c caller, v vars) (*Asset, *apiError) {
	i := slices.IndexFunc(e.world.assets, func(a *Asset) bool { return a.ID == v["asset"] })
	if i < 0 {
		return nil, noSuch("asset")
	}
	a := e.world.assets[i]
	if !c.may(a.Creator) {
		return nil, denied("The app was not given this creator.")
	}
	return a, nil
}

// version finds one of an asset's, the newest where the path names none, and
// its number.
func (a *Asset) version(v vars) (int, *apiError) {
	if v["version"] == "" {
		return len(a.Versions), nil
	}
	n, err := strconv.Atoi(v["version"])
	if err != nil || n < 1 || n > len(a.Versions) {
		return 0, noSuch("version")
	}
	return n, nil
}

// approved is what every review ends in.
func approved() map[string]string { return map[string]string{"moderationState": "Approved"} }

// view is an asset as the API answers it.
func (a *Asset) view() map[string]any {
	view := map[string]any{
		"path": "assets/" + a.ID, "assetId": a.ID, "assetType": a.Type, "displayName": a.DisplayName, "description": a.Description,
		"creationContext": creationView(a.Creator), "moderationResult": approved(), "state": "Active",
		"revisionId": strconv.Itoa(len(a.Versions)), "revisionCreateTime": a.Versions[len(a.Versions)-1].Time,
	}
	if a.Archived {
		view["state"] = "Archived"
	}
	for name, value := range a.more {
		view[name] = value
	}
	return view
}

func (a *Asset) versionView(n int) map[string]any {
	return map[string]any{
		"path": "assets/" + a.ID + "/versions/" + strconv.Itoa(n), "creationContext": creationView(a.Creator),
		"moderationResult": approved(), "published": n == len(a.Versions),
	}
}

func (e *Emulator) getAsset(c caller, _ *http.Request, v vars) (*reply, *apiError) {
	a, err := e.asset(c, v)
	if err != nil {
		return nil, err
	}
	return ok(a.view())
}

func (e *Emulator) setArchived(archived bool) func(caller, *http.Request, vars) (*reply, *apiError) {
	return func(c caller, _ *http.Request, v vars) (*reply, *apiError) {
		a, err := e.asset(c, v)
		if err != nil {
			return nil, err
		}
		a.Archived = archived
		return ok(a.view())
	}
}

// listAssetVersions answers a bare list, newest first. Nothing in it says where
// the next page starts.
func (e *Emulator) listAssetVersions(c caller, r *http.Request, v vars) (*reply, *apiError) {
	a, err := e.asset(c, v)
	if err != nil {
		return nil, err
	}
	size, parseErr := strconv.Atoi(orDefault(r.URL.Query().Get("maxPageSize"), "8"))
	if parseErr != nil || size < 1 || size > 50 {
		return nil, invalidArgument("maxPageSize must be a number from 1 to 50.")
	}
	if r.URL.Query().Get("pageToken") != "" {
		return nil, invalidArgument("The page token is not one of this list's.")
	}
	views := []any{}
	for n := len(a.Versions); n > 0 && len(views) < size; n-- {
		views = append(views, a.versionView(n))
	}
	return ok(views)
}

func (e *Emulator) getAssetVersion(c caller, _ *http.Request, v vars) (*reply, *apiError) {
	a, err := e.asset(c, v)
	if err != nil {
		return nil, err
	}
	n, err := a.version(v)
	if err != nil {
		return nil, err
	}
	return ok(a.versionView(n))
}

// locateAsset says where a content can be fetched by anybody.
func (e *Emulator) locateAsset(c caller, _ *http.Request, v vars) (*reply, *apiError) {
	a, err := e.asset(c, v)
	if err != nil {
		return nil, err
	}
	n, err := a.version(v)
	if err != nil {
		return nil, err
	}
	return ok(map[string]any{
		"location":  e.opts.URL + "/emulator/assets/" + a.ID + "/" + strconv.Itoa(n),
		"requestId": "0", "isArchived": a.Archived,
	})
}

// assetContent stands for the CDN.
func (e *Emulator) assetContent(w http.ResponseWriter, r *http.Request, v vars) {
	e.mu.Lock()
	defer e.mu.Unlock()
	a, err := e.asset(caller{}, v)
	if err != nil {
		notFound(w, r)
		return
	}
	n, err := a.version(v)
	if err != nil {
		notFound(w, r)
		return
	}
	w.Header().Set("Content-Type", a.Versions[n-1].ContentType)
	_, _ = w.Write(a.Versions[n-1].Content)
}
