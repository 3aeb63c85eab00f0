package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"
)

const maxAsset = 20 << 20

// upload is the body of a create or an update: a JSON part, and a file.
type upload struct {
	fields map[string]json.RawMessage
	file   *AssetVersion // nil where there is none
}

// assetOperation is the work on an upload, which is done when it is asked for.
type assetOperation struct {
	id    string
	asset *Asset
}

// createAsset takes in a file, which becomes an asset in the operation it
// answers with.
func (e *Emulator) createAsset(c caller, r *http.Request, _ vars) (*reply, *apiError) {
	up, err := e.readUpload(r)
	switch {
	case err != nil:
		return nil, err
	case up.file == nil:
		return nil, invalidArgument("The part fileContent is missing.")
	}
	a := &Asset{ID: strconv.Itoa(99001 + len(e.world.assets)), more: map[string]json.RawMessage{}}
	for _, field := range []string{"assetType", "displayName", "description", "creationContext"} {
		if up.fields[field] == nil {
			return nil, invalidArgument("The field " + field + " is missing.")
		}
	}
	if json.Unmarshal(up.fields["assetType"], &a.Type) != nil || a.Type == "" {
		return nil, invalidArgument("assetType must be a name such as Image.")
	}
	if a.Creator, err = creatorOf(up.fields["creationContext"]); err != nil {
		return nil, err
	}
	if !c.may(a.Creator) {
		return nil, denied("The app was not given this creator.")
	}
	delete(up.fields, "assetType")
	delete(up.fields, "creationContext")
	if err := a.set(up.fields); err != nil {
		return nil, err
	}
	a.Versions = []AssetVersion{*up.file}
	e.world.assets = append(e.world.assets, a)
	return e.startAssetOperation(a)
}

// updateAsset changes the fields that the mask names and, if there is a file,
// adds a version.
func (e *Emulator) updateAsset(c caller, r *http.Request, v vars) (*reply, *apiError) {
	a, err := e.asset(c, v)
	if err != nil {
		return nil, err
	}
	up, err := e.readUpload(r)
	if err != nil {
		return nil, err
	}
	var id flexibleID
	if json.Unmarshal(up.fields["assetId"], &id) != nil || string(id) != a.ID {
		return nil, invalidArgument("The field assetId must be the asset's of the path.")
	}
	masked := map[string]json.RawMessage{}
	if mask := r.URL.Query().Get("updateMask"); mask != "" {
		for path := range strings.SplitSeq(mask, ",") {
			name, _, _ := strings.Cut(strings.TrimSpace(path), ".")
			masked[name] = up.fields[name]
		}
	}
	updated := *a
	if err := updated.set(masked); err != nil {
		return nil, err
	}
	*a = updated
	if up.file != nil {
		a.Versions = append(a.Versions, *up.file)
	}
	return e.startAssetOperation(a)
}

// rollbackAsset makes an earlier content the newest.
func (e *Emulator) rollbackAsset(c caller, r *http.Request, v vars) (*reply, *apiError) {
	a, err := e.asset(c, v)
	if err != nil {
		return nil, err
	}
	// Roblox's document has a form, and the sample beside it JSON.
	var body struct {
		AssetVersion string `json:"assetVersion"`
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "multipart/form-data" {
		body.AssetVersion = r.FormValue("assetVersion")
	} else if json.NewDecoder(r.Body).Decode(&body) != nil {
		return nil, invalidArgument("The body must be a form or JSON with an assetVersion.")
	}
	number, found := strings.CutPrefix(body.AssetVersion, "assets/"+a.ID+"/versions/")
	if !found || number == "" {
		return nil, invalidArgument("assetVersion must be a version of the asset, as in assets/" + a.ID + "/versions/1.")
	}
	n, err := a.version(vars{"version": number})
	if err != nil {
		return nil, err
	}
	back := a.Versions[n-1]
	back.Time = e.Now().UTC()
	a.Versions = append(a.Versions, back)
	return ok(a.versionView(len(a.Versions)))
}

func (e *Emulator) startAssetOperation(a *Asset) (*reply, *apiError) {
	op := assetOperation{id: fmt.Sprintf("00000000-0000-4000-8000-%012d", len(e.world.assetOperations)+1), asset: a}
	e.world.assetOperations = append(e.world.assetOperations, op)
	return ok(map[string]any{"path": "operations/" + op.id, "operationId": op.id, "done": false})
}

func (e *Emulator) getAssetOperation(c caller, _ *http.Request, v vars) (*reply, *apiError) {
	for _, op := range e.world.assetOperations {
		if op.id != v["operation"] {
			continue
		}
		if !c.may(op.asset.Creator) {
			return nil, denied("The app was not given this creator.")
		}
		response := op.asset.view()
		response["@type"] = "type.googleapis.com/roblox.open_cloud.assets.v1.Asset"
		return ok(map[string]any{"path": "operations/" + op.id, "operationId": op.id, "done": true, "response": response})
	}
	return nil, noSuch("operation")
}

// set takes fields over, or refuses all of them. One without a value is cleared.
func (a *Asset) set(fields map[string]json.RawMessage) *apiError {
	more := map[string]json.RawMessage{}
	maps.Copy(more, a.more)
	for name, value := range fields {
		if value == nil || string(value) == "null" {
			value = json.RawMessage(`""`)
		}
		switch {
		case name == "displayName":
			if json.Unmarshal(value, &a.DisplayName) != nil || a.DisplayName == "" || utf8.RuneCountInString(a.DisplayName) > 50 {
				return invalidArgument("displayName must have 1 to 50 characters.")
			}
		case name == "description":
			if json.Unmarshal(value, &a.Description) != nil || utf8.RuneCountInString(a.Description) > 1000 {
				return invalidArgument("description must have at most 1000 characters.")
			}
		case name != "icon" && name != "previews" && !strings.HasSuffix(strings.ToLower(name), "sociallink"):
			return invalidArgument("The field " + name + " cannot be set.")
		case string(value) == `""`:
			delete(more, name)
		default:
			more[name] = value
		}
	}
	a.more = more
	return nil
}

// readUpload reads a multipart body: a part "request" of JSON, and a file in a
// part "fileContent" that says what it is.
func (e *Emulator) readUpload(r *http.Request) (upload, *apiError) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return upload{}, invalidArgument("The body must be multipart/form-data.")
	}
	var up upload
	for parts := multipart.NewReader(r.Body, params["boundary"]); ; {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return upload{}, invalidArgument("The multipart body is damaged.")
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return upload{}, invalidArgument("The multipart body is damaged.")
		}
		switch part.FormName() {
		case "request":
			if json.Unmarshal(content, &up.fields) != nil || up.fields == nil {
				return upload{}, invalidArgument("The part request must be a JSON object.")
			}
		case "fileContent":
			up.file = &AssetVersion{FileName: part.FileName(), ContentType: part.Header.Get("Content-Type"), Content: bytes.Clone(content), Time: e.Now().UTC()}
		default:
			return upload{}, invalidArgument("There is no such part as " + strconv.Quote(part.FormName()) + ".")
		}
	}
	switch {
	case up.fields == nil:
		return upload{}, invalidArgument("The part request is missing.")
	case up.file == nil:
	case len(up.file.Content) == 0 || len(up.file.Content) > maxAsset:
		return upload{}, invalidArgument("fileContent must have 1 byte to 20 MiB.")
	case up.file.ContentType == "":
		return upload{}, invalidArgument("The part fileContent must say its content type.")
	}
	return up, nil
}

// creatorOf reads whose an asset is to be: one user, or one group.
func creatorOf(creationContext json.RawMessage) (string, *apiError) {
	var body struct {
		Creator struct {
			UserID  flexibleID `json:"userId"`
			GroupID flexibleID `json:"groupId"`
		} `json:"creator"`
	}
	err := json.Unmarshal(creationContext, &body)
	switch user, group := body.Creator.UserID, body.Creator.GroupID; {
	case err != nil || (user == "") == (group == ""):
		return "", invalidArgument("creationContext.creator must have one of userId and groupId.")
	case user != "":
		return "users/" + string(user), nil
	default:
		return "groups/" + string(group), nil
	}
}

func creationView(creator string) map[string]any {
	kind, id, _ := strings.Cut(creator, "/")
	return map[string]any{"creator": map[string]string{strings.TrimSuffix(kind, "s") + "Id": id}}
}

// flexibleID is an id that travels as text or as a number.
type flexibleID string

// UnmarshalJSON implements json.Unmarshaler.
func (id *flexibleID) UnmarshalJSON(raw []byte) error {
	text := strings.Trim(string(raw), `"`)
	if _, err := strconv.ParseUint(text, 10, 63); err != nil {
		return err
	}
	*id = flexibleID(text)
	return nil
}
