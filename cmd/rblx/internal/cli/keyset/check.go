package keyset

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/rblx-go/opencloud/cmd/rblx/internal/stores"
	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/tinkseal"
)

// counts are rows by how they are sealed.
type counts map[oauth.SealState]int

// checked is what check found.
type checked struct {
	File string         `json:"file"`
	Keys []tinkseal.Key `json:"keys"`
	Rows counts         `json:"rows,omitempty"`
}

func checkCommand() *cobra.Command {
	var at stores.Place
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Show a keyset's keys and, of a store, which rows are sealed with them",
		Long: `Shows the ids of a keyset's keys, after it has made sure that the file is private
and readable. With --store or --store-url it opens every row of the store and
counts them: sealed with the primary key, with an older one, or not at all. The
exit status is 0 unless a row cannot be opened. Nothing is changed.`,
		Example: `  rblx keyset check keyset.json
  rblx keyset check keyset.json --store sqlite --store-url /var/lib/mysite/grants.db --json`,
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			found := checked{File: args[0]}
			sealer, err := tinkseal.Open(found.File)
			if err != nil {
				return err
			}
			found.Keys = sealer.Keys()
			if storeGiven(cmd, at) {
				if found.Rows, err = count(cmd.Context(), sealer, at); err != nil {
					return err
				}
			}
			asJSON, err := cmd.Flags().GetBool("json")
			if err != nil {
				return err
			}
			if asJSON {
				err = printResult(cmd, found, "")
			} else {
				_, err = found.WriteTo(cmd.OutOrStdout())
			}
			if err != nil {
				return err
			}
			return found.Rows.verdict()
		},
	}
	at.Flags(cmd.Flags(), "rows are counted if it or --store is given")
	return cmd
}

// storeGiven reports whether the command line or the environment names a store.
func storeGiven(cmd *cobra.Command, at stores.Place) bool {
	return at.URL != "" || cmd.Flags().Changed("store") || cmd.Flags().Changed("store-url")
}

// count opens all rows of a store.
func count(ctx context.Context, sealer oauth.Sealer, at stores.Place) (counts, error) {
	s, err := at.OpenExisting(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close() // nothing was written
	n := counts{oauth.SealCurrent: 0, oauth.SealOlder: 0, oauth.SealMissing: 0, oauth.SealUnknownKey: 0, oauth.SealBroken: 0}
	for row, err := range s.Find(ctx, oauth.Query{}) {
		if err != nil {
			return nil, fmt.Errorf("--store %s: %w", at.Kind, err)
		}
		_, was, _ := oauth.Reseal(sealer, row) // its error says the same
		n[was]++
	}
	return n, nil
}

// verdict is an error if there are rows that nobody can use.
func (n counts) verdict() error {
	switch {
	case n[oauth.SealUnknownKey] > 0:
		return fmt.Errorf("%d rows are sealed with keys that the keyset does not have; they serve again once it does", n[oauth.SealUnknownKey])
	case n[oauth.SealBroken] > 0:
		return fmt.Errorf("%d rows are damaged, or were put in the place of others; their users have to sign in again", n[oauth.SealBroken])
	}
	return nil
}

// WriteTo writes what was found in sentences.
func (c checked) WriteTo(out io.Writer) (int64, error) {
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	older, newer := false, false
	var past bool
	for _, k := range c.Keys {
		what := "older: opens what was sealed with it"
		switch {
		case k.Primary:
			what, past = "primary: tokens are sealed with it", true
		case !k.Enabled:
			what = "disabled"
		case past:
			what, newer = "added: not sealed with yet", true
		default:
			older = true
		}
		line("key %-10d  %-18s  %s", k.ID, k.Algorithm, what)
	}
	if c.Rows != nil {
		for _, row := range []struct {
			state oauth.SealState
			what  string
		}{
			{oauth.SealCurrent, "sealed with the primary key"},
			{oauth.SealOlder, "sealed with an older key"},
			{oauth.SealMissing, "not sealed"},
			{oauth.SealUnknownKey, "sealed with a key that is not in the keyset"},
			{oauth.SealBroken, "damaged"},
		} {
			line("rows %9d  %s", c.Rows[row.state], row.what)
		}
	}
	switch {
	case c.Rows[oauth.SealMissing] > 0:
		line("next: rblx keyset reseal --accept-unsealed, or oauth.Config.AcceptUnsealed until all are sealed")
	case c.Rows[oauth.SealOlder] > 0:
		line("next: rblx keyset reseal, or wait until each is refreshed")
	case newer:
		line("next: bring the file to every machine, then run rblx keyset rotate --promote %s", c.File)
	case older && c.Rows != nil:
		line("next: rblx keyset prune removes the older keys")
	}
	return b.WriteTo(out)
}
