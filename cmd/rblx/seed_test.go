package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/rblx-go/opencloud/cmd/rblx/internal/stores"
	"github.com/rblx-go/opencloud/oauth"
)

// seed is the command "seedgrants KIND PATH": it makes a store of one grant of
// each kind, whose ids begin with another letter each.
func seed() error {
	ctx, p := context.Background(), stores.Place{Kind: os.Args[1], URL: os.Args[2]}
	s, err := p.Open(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	for letter, r := range map[string]oauth.Row{
		"a": {Subject: "156", State: oauth.StateActive},
		"b": {Subject: "157", State: oauth.StateNeedsReauth, Reason: oauth.ReasonLostInFlight},
		"c": {Subject: "157", State: oauth.StateTombstone, Reason: oauth.ReasonConfirmed},
		"d": {State: oauth.StateTombstone, Reason: oauth.ReasonUnreachable},
		"e": {Subject: "159", State: oauth.StateActive, DoubtGen: 7},
	} {
		r.GrantID, r.App, r.Scope, r.Generation = oauth.GrantID(letter+"aaaaaaaaaaaaaaaaaaaaaaaaa"), "1234", "openid profile", 7
		r.Sealed = []byte(`{"refresh_token":"hush"}`)
		r.RefreshIssued = time.Now().Add(-40 * 24 * time.Hour)
		if r, err = s.Swap(ctx, "", r); err != nil {
			return err
		}
		if letter == "e" {
			r.Intent = &oauth.Intent{ID: "sent", Base: 7, Deadline: r.Now.Add(-time.Minute)}
			r.RunID = r.StoreRun
			if _, err = s.Swap(ctx, r.Version, r); err != nil {
				return err
			}
		}
	}
	return nil
}

func seedGrants() {
	if err := seed(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
