package keyset

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rblx-go/opencloud/cmd/rblx/internal/stores"
	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/tinkseal"
)

func rotateCommand() *cobra.Command {
	var promote bool
	cmd := &cobra.Command{
		Use:   "rotate FILE",
		Short: "Add a key to a keyset or, with --promote, seal with the one added",
		Long: `Adds a key to a keyset, with which nothing is sealed yet; with --promote, makes
the newest key the one that tokens are sealed with. Bring the file to every
machine after each of the two: a process that does not have a key cannot open
what others seal with it.`,
		Example: `  rblx keyset rotate keyset.json            # then bring it to every machine
  rblx keyset rotate --promote keyset.json  # then bring it to every machine again`,
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if promote {
				return runPromote(cmd, args[0])
			}
			file := args[0]
			k, err := tinkseal.AddKey(file)
			if err != nil {
				return err
			}
			return printResult(cmd, changed{File: file, Key: &k}, `added key %d to %s; nothing is sealed with it yet
next: bring the file to every machine, then run rblx keyset rotate --promote %[2]s`, k.ID, file)
		},
	}
	cmd.Flags().BoolVar(&promote, "promote", false, "seal with the newest key from now on")
	return cmd
}

func runPromote(cmd *cobra.Command, file string) error {
	k, err := tinkseal.Promote(file)
	if err != nil {
		return err
	}
	return printResult(cmd, changed{File: file, Key: &k}, `key %d of %s is primary; tokens are sealed with it from now on
next: bring the file to every machine, then run rblx keyset reseal %[2]s with the store, and at last rblx keyset prune`, k.ID, file)
}

func pruneCommand() *cobra.Command {
	var (
		at        stores.Place
		unchecked bool
	)
	cmd := &cobra.Command{
		Use:   "prune FILE",
		Short: "Remove the old keys from a keyset, if no row needs them",
		Long: `Removes all keys that are older than the primary one from a keyset, after it has
made sure that no row of the store is sealed with them and that the keyset was
not changed in the last minute, in which a process may have sealed with an old
key. Sign-ins that travel in cookies are older than ten minutes by then, or begin
anew. Bring the file to every machine afterwards.

What was sealed with a removed key can never be opened again. Keep a copy of the
old file for as long as you keep backups of the store.`,
		Example: `  rblx keyset prune keyset.json --store postgres --store-url postgres://site@db/site`,
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			file := args[0]
			if !unchecked {
				if err := mayPrune(cmd, file, at); err != nil {
					return err
				}
			}
			removed, err := tinkseal.Prune(file)
			if err != nil {
				return err
			}
			return printResult(cmd, changed{File: file, Removed: removed}, `removed %s from %s
next: bring the file to every machine`, names(removed), file)
		},
	}
	at.Flags(cmd.Flags(), "to look for rows that need the old keys")
	cmd.Flags().BoolVar(&unchecked, "unchecked", false, "do not look: rows that need the old keys are lost")
	return cmd
}

// pruneAfter is more than a process takes to follow its file.
const pruneAfter = time.Minute

func mayPrune(cmd *cobra.Command, file string, at stores.Place) error {
	sealer, err := tinkseal.Open(file)
	if err != nil {
		return err
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if age := time.Since(info.ModTime()); age < pruneAfter {
		return fmt.Errorf("%s was changed %v ago, and processes may still seal with the old key; bring the file to every machine and come back in a minute", file, age.Round(time.Second))
	}
	if !storeGiven(cmd, at) {
		return errors.New("--store-url: is not given; without a look at the store nobody knows whether rows need the old keys (--unchecked)")
	}
	n, err := count(cmd.Context(), sealer, at)
	switch {
	case err != nil:
		return err
	case n[oauth.SealOlder] > 0:
		return fmt.Errorf("%d rows are sealed with older keys; rblx keyset reseal seals them with the primary one", n[oauth.SealOlder])
	}
	return nil
}

// names lists keys by their ids.
func names(keys []tinkseal.Key) string {
	ids := make([]string, len(keys))
	for i, k := range keys {
		ids[i] = "key " + strconv.FormatUint(uint64(k.ID), 10)
	}
	return strings.Join(ids, ", ")
}
