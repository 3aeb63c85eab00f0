// Package keyset is the command "rblx keyset": the keys that tokens are sealed
// with in a store. It shows their ids, never the keys.
package keyset

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/rblx-go/opencloud/cmd/internal/usage"
	"github.com/rblx-go/opencloud/oauth/tinkseal"
)

const long = `Makes and rotates the keyset that tokens are sealed with in a store. It is a
file that only its owner may read, for tinkseal.Open and oauth.Config.Sealer.
Whoever loses it has logged every user out: back it up, apart from the store.

To change the key while everything runs:

  1. rblx keyset rotate FILE            adds a key. Bring FILE to every machine.
  2. rblx keyset rotate --promote FILE  seals with it. Bring FILE to every machine.
  3. rblx keyset reseal FILE --store-url URL  does at once what else happens as
                                        tokens are refreshed.
  4. rblx keyset prune FILE --store-url URL   removes the old key, once nothing
                                        is sealed with it any more.

Running processes see a new file within ten seconds. Between 1 and 2 every one
must have it, or it could not open what others seal. If a key may have been
stolen do the same, without a pause, and revoke the grants that a thief could
have read from the store.`

// Command returns rblx keyset.
func Command() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keyset",
		Short: "Make and rotate the keys that stored tokens are sealed with",
		Long:  long,
	}
	cmd.PersistentFlags().Bool("json", false, "print JSON instead of sentences")
	cmd.AddCommand(createCommand(), rotateCommand(), checkCommand(), resealCommand(), pruneCommand())
	return usage.Group(cmd)
}

// oneFile is the argument of every command.
func oneFile(_ *cobra.Command, args []string) error {
	if len(args) != 1 || args[0] == "" {
		return errors.New("want one FILE, the keyset's")
	}
	return nil
}

// changed is what a command has done to a keyset.
type changed struct {
	File    string         `json:"file"`
	Key     *tinkseal.Key  `json:"key,omitempty"`
	Removed []tinkseal.Key `json:"removed,omitempty"`
}

// printResult prints result as JSON if that was asked for, else the sentences.
func printResult(cmd *cobra.Command, result any, format string, args ...any) error {
	asJSON, err := cmd.Flags().GetBool("json")
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(result)
	}
	return say(cmd.OutOrStdout(), format, args...)
}

func say(w io.Writer, format string, args ...any) error {
	_, err := fmt.Fprintf(w, format+"\n", args...)
	return err
}

func createCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "create FILE",
		Short:   "Make a keyset of one new key, in a new file",
		Example: `  rblx keyset create /etc/mysite/keyset.json`,
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			file := args[0]
			k, err := tinkseal.Create(file)
			if err != nil {
				return err
			}
			return printResult(cmd, changed{File: file, Key: &k}, `created %s with key %d (%s), readable by you alone
next: back it up apart from the store, and give tinkseal.Open(%q) to oauth.Config.Sealer`,
				file, k.ID, k.Algorithm, file)
		},
	}
}
