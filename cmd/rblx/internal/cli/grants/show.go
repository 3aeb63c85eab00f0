package grants

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rblx-go/opencloud/cmd/rblx/internal/stores"
	"github.com/rblx-go/opencloud/oauth"
)

func showCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:     "show GRANT",
		Short:   "Show all that is stored of a grant, but for its tokens",
		Example: `  rblx grants show --store-url /var/lib/mysite/grants u3xm5c7cbmvgk2zqv7a6kqe4ry`,
		Args:    oneGrant,
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.with(cmd.Context(), func(s stores.Store) error {
				row, err := s.Load(cmd.Context(), oauth.GrantID(args[0]))
				if err != nil {
					return err
				}
				if o.json {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(detailsOf(row))
				}
				_, err = fmt.Fprint(cmd.OutOrStdout(), detailsOf(row))
				return err
			})
		},
	}
}
