package demo

import (
	"encoding/json"
	"io"
	"slices"
)

// report is what a headless journey found, printed as one line of JSON.
type report struct {
	Sub       string   `json:"sub"`
	Username  string   `json:"username"`
	Scopes    []string `json:"scopes"`
	Universes []string `json:"universes"`
	Accounts  []string `json:"accounts"`  // users and groups granted, as in "users/156"
	Refreshes int      `json:"refreshes"` // forced ones that succeeded
	Revoked   bool     `json:"revoked"`   // the newest refresh token is refused after the revocation
	Skipped   []string `json:"skipped"`   // steps that there was nothing to do for
	ElapsedMS int64    `json:"elapsed_ms"`
}

// writeTo prints the line. Empty lists are lists too.
func (r report) writeTo(w io.Writer) error {
	for _, list := range []*[]string{&r.Scopes, &r.Universes, &r.Accounts, &r.Skipped} {
		*list = slices.Clone(*list)
		if *list == nil {
			*list = []string{}
		}
	}
	return json.NewEncoder(w).Encode(r)
}
