package emulator

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Universe is an experience. Fields with their zero value are left out, as
// protocol buffers do on the wire.
type Universe struct {
	Path        string      `json:"path"`
	CreateTime  time.Time   `json:"createTime"`
	UpdateTime  time.Time   `json:"updateTime"`
	ID          string      `json:"-"`
	DisplayName string      `json:"displayName"`
	Description string      `json:"description,omitempty"`
	User        string      `json:"user,omitempty"`
	Group       string      `json:"group,omitempty"`
	Visibility  string      `json:"visibility"`
	Facebook    *SocialLink `json:"facebookSocialLink,omitempty"`
	Twitter     *SocialLink `json:"twitterSocialLink,omitempty"`
	YouTube     *SocialLink `json:"youtubeSocialLink,omitempty"`
	Twitch      *SocialLink `json:"twitchSocialLink,omitempty"`
	Discord     *SocialLink `json:"discordSocialLink,omitempty"`
	RobloxGroup *SocialLink `json:"robloxGroupSocialLink,omitempty"`
	Guilded     *SocialLink `json:"guildedSocialLink,omitempty"`
	VoiceChat   bool        `json:"voiceChatEnabled,omitempty"`
	AgeRating   string      `json:"ageRating"`
	Price       *int        `json:"privateServerPriceRobux,omitempty"`
	Desktop     bool        `json:"desktopEnabled,omitempty"`
	Mobile      bool        `json:"mobileEnabled,omitempty"`
	Tablet      bool        `json:"tabletEnabled,omitempty"`
	Console     bool        `json:"consoleEnabled,omitempty"`
	VR          bool        `json:"vrEnabled,omitempty"`
	RootPlace   string      `json:"rootPlace"`
}

// SocialLink is a link on the page of an experience.
type SocialLink struct {
	Title string `json:"title"`
	URI   string `json:"uri"`
}

func (w *world) addUniverse(id, name, owner string, born time.Time) {
	u := &Universe{
		Path: "universes/" + id, ID: id, DisplayName: name, CreateTime: born, UpdateTime: born,
		Visibility: "PUBLIC", AgeRating: "AGE_RATING_ALL", Desktop: true, Mobile: true, Tablet: true,
		RootPlace: "universes/" + id + "/places/" + id + "1",
	}
	w.places[id+"1"] = &Place{
		Path: u.RootPlace, ID: id + "1", DisplayName: name, CreateTime: born, UpdateTime: born, ServerSize: 30, Root: true,
	}
	if strings.HasPrefix(owner, "groups/") {
		u.Group = owner
	} else {
		u.User = owner
	}
	w.universes[id] = u
}

func (e *Emulator) universeRoutes() []route {
	return []route{
		newRoute(EndpointCloud, "POST", "/cloud/v2/universes/{universes}:restartServers",
			e.cloud(operation{scope: "universe:write", on: "universes"}, e.restartServers)),
		newRoute(EndpointCloud, "GET", "/cloud/v2/universes/{universes}", e.cloud(operation{}, e.getUniverse)),
		newRoute(EndpointCloud, "PATCH", "/cloud/v2/universes/{universes}",
			e.cloud(operation{scope: "universe:write", on: "universes"}, e.updateUniverse)),
	}
}

func (e *Emulator) getUniverse(_ caller, _ *http.Request, v vars) (*reply, *apiError) {
	u := e.world.universes[v["universes"]]
	if u == nil {
		return nil, noSuch("universe")
	}
	return ok(u)
}

// restartServers changes nothing: there are no servers. The log has the call.
func (e *Emulator) restartServers(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	if e.world.universes[v["universes"]] == nil {
		return nil, noSuch("universe")
	}
	var body map[string]any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return nil, invalidArgument("The body must be a JSON object.")
	}
	return ok(struct{}{})
}

func (e *Emulator) updateUniverse(_ caller, r *http.Request, v vars) (*reply, *apiError) {
	u := e.world.universes[v["universes"]]
	if u == nil {
		return nil, noSuch("universe")
	}
	updated := *u
	if err := mask(r, &updated, "path", "createTime", "updateTime", "user", "group", "rootPlace", "ageRating"); err != nil {
		return nil, err
	}
	if updated.DisplayName == "" {
		return nil, invalidArgument("displayName must not be empty.")
	}
	if !slices.Contains([]string{"PUBLIC", "PRIVATE"}, updated.Visibility) {
		return nil, invalidArgument("visibility must be PUBLIC or PRIVATE.")
	}
	updated.UpdateTime = e.Now().UTC()
	*u = updated
	return ok(u)
}
