package emulator

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"slices"
	"time"
)

// Place is one place of an experience.
type Place struct {
	Path           string    `json:"path"`
	CreateTime     time.Time `json:"createTime"`
	UpdateTime     time.Time `json:"updateTime"`
	ID             string    `json:"-"`
	DisplayName    string    `json:"displayName"`
	Description    string    `json:"description,omitempty"`
	ServerSize     int       `json:"serverSize"`
	Root           bool      `json:"root,omitempty"`
	RuntimeCreated bool      `json:"universeRuntimeCreation,omitempty"`
	// Versions are the files that were uploaded, the oldest first.
	Versions []PlaceVersion `json:"-"`
}

// PlaceVersion is a file of a place, whose number is one more than its index.
type PlaceVersion struct {
	Content   []byte
	Published bool // for players, and not only saved
	Time      time.Time
}

// Place returns a place as it is now, and whether there is one of that id. The
// files are the emulator's own: they are not to be changed.
func (e *Emulator) Place(id string) (Place, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.world.places[id]
	if p == nil {
		return Place{}, false
	}
	c := *p
	c.Versions = slices.Clone(p.Versions)
	return c, true
}

func (e *Emulator) placeRoutes() []route {
	at := "/cloud/v2/universes/{universes}/places/{place}"
	return []route{
		newRoute(EndpointCloud, "GET", at, e.cloud(operation{}, e.getPlace)),
		newRoute(EndpointCloud, "PATCH", at, e.cloud(operation{scope: "universe.place:write", on: "universes"}, e.updatePlace)),
		newRoute(EndpointCloud, "POST", "/universes/v1/{universes}/places/{place}/versions",
			e.cloud(operation{scope: "universe-places:write", on: "universes", keyOnly: true, v1: true}, e.uploadPlace)),
	}
}

func (e *Emulator) place(v vars) (*Place, *apiError) {
	p := e.world.places[v["place"]]
	if p == nil || p.Path != "universes/"+v["universes"]+"/places/"+p.ID {
		return nil, noSuch("place")
	}
	return p, nil
}

func (e *Emulator) getPlace(_ caller, _ *http.Request, v vars) (*reply, *apiError) {
	p, err := e.place(v)
	if err != nil {
		return nil, err
	}
	return ok(p)
}

func (e *Emulator) updatePlace(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	p, err := e.place(v)
	if err != nil {
		return nil, err
	}
	updated := *p
	if err := mask(r, &updated, "path", "createTime", "updateTime", "root", "universeRuntimeCreation"); err != nil {
		return nil, err
	}
	switch {
	case updated.DisplayName == "":
		return nil, invalidArgument("displayName must not be empty.")
	case updated.ServerSize < 1 || updated.ServerSize > 700:
		return nil, invalidArgument("serverSize must be a number from 1 to 700.")
	}
	updated.UpdateTime = e.Now().UTC()
	*p = updated
	return ok(p)
}

// uploadPlace takes a place file in. The file of the newest version, sent again,
// makes no other one.
func (e *Emulator) uploadPlace(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	p, fault := e.place(v)
	if fault != nil {
		return nil, fault
	}
	kind := r.URL.Query().Get("versionType")
	if kind != "Saved" && kind != "Published" {
		return nil, invalidArgument("versionType must be Saved or Published.")
	}
	if t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); t != "application/octet-stream" && t != "application/xml" {
		return nil, invalidArgument("The content type must be application/octet-stream, or application/xml for an .rbxlx file.")
	}
	content, err := io.ReadAll(r.Body)
	if err != nil || len(content) == 0 {
		return nil, invalidArgument("The body must be a place file.")
	}
	if n := len(p.Versions); n > 0 && bytes.Equal(p.Versions[n-1].Content, content) {
		p.Versions[n-1].Published = p.Versions[n-1].Published || kind == "Published"
	} else {
		p.Versions = append(p.Versions, PlaceVersion{Content: content, Published: kind == "Published", Time: e.Now().UTC()})
	}
	return ok(map[string]int{"versionNumber": len(p.Versions)})
}
