// Package emulator is the command "rblx emulator": a Roblox on this machine.
package emulator

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rblx-go/opencloud/cmd/internal/usage"
	"github.com/rblx-go/opencloud/mocks/emulator"
)

const long = `Serves a Roblox on this machine: sign-in, tokens that rotate, and a part of Open Cloud.

The variables that point a program at it are printed to standard output in a
form that a shell can evaluate, words for people to standard error. It runs
until Ctrl-C, so write them to a file instead of waiting for its end.`

// Command returns "rblx emulator".
func Command() *cobra.Command {
	var (
		addr         string
		secret, key  string
		refreshReuse string
		opts         emulator.Options
	)
	c := &cobra.Command{
		Use:   "emulator",
		Short: "Serve a Roblox on this machine",
		Long:  long,
		Example: `  rblx emulator > roblox.env &
  . ./roblox.env && rblx demo`,
		Args: usage.None,
		RunE: func(c *cobra.Command, _ []string) error {
			if opts.AccessTTL == 0 || opts.RefreshTTL == 0 { // which the emulator takes for unset
				return errors.New("--access-ttl and --refresh-ttl: 0 is no life for a token, want at least 2s")
			}
			if !c.Flags().Changed("client-secret") {
				secret = rand.Text()
			}
			opts.ClientSecret = emulator.Secret(secret)
			opts.APIKey = emulator.Secret(cmp.Or(key, rand.Text()))
			opts.RefreshReuse = emulator.Reuse(refreshReuse)
			return serve(c.Context(), addr, opts, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringVar(&addr, "addr", "127.0.0.1:8080", "`HOST:PORT` to listen on; port 0 takes a free one")
	f.StringVar(&opts.ClientID, "client-id", emulator.DefaultClientID, "`ID` of the one registered app")
	f.StringVar(&secret, "client-secret", "", "`SECRET` of the app; empty makes it a public client (default random)")
	f.StringArrayVar(&opts.RedirectURLs, "redirect-url", []string{emulator.DefaultRedirectURL}, "registered `URL`; repeatable, matched exactly")
	f.DurationVar(&opts.AccessTTL, "access-ttl", 15*time.Minute, "life of an access token")
	f.DurationVar(&opts.RefreshTTL, "refresh-ttl", 90*24*time.Hour, "life of a refresh token")
	f.StringVar(&refreshReuse, "refresh-reuse", string(emulator.ReuseRevoke), "what a used refresh token does: `reject|revoke|grace=10s`")
	f.StringVar(&opts.Issuer, "issuer", "", "issuer `URL` of ID tokens (default http://ADDR/oauth/)")
	f.StringVar(&key, "api-key", "", "the `KEY` that Open Cloud accepts (default random)")
	f.BoolVar(&opts.AutoConsent, "auto-consent", false, "sign in as the first account without asking")
	return c
}

// serve runs until ctx is done.
func serve(ctx context.Context, addr string, opts emulator.Options, out, errOut io.Writer) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("--addr %q: want HOST:PORT, as in 127.0.0.1:8080", addr)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("--addr %s: %w", addr, errors.Unwrap(err))
	}
	port := listener.Addr().(*net.TCPAddr).Port
	opts.URL = "http://" + net.JoinHostPort(reachable(host), strconv.Itoa(port))
	e, err := emulator.New(opts)
	if err != nil {
		_ = listener.Close()
		return flagError(err)
	}
	server := &http.Server{Handler: e, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if err := announce(e.Options(), out, errOut); err != nil { // whoever reads them would find another Roblox, or none
		_ = server.Close()
		return fmt.Errorf("the variables could not be printed: %w", err)
	}
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := server.Shutdown(drain); err != nil {
		_ = server.Close() // a request that a fault holds open
	}
	_, _ = fmt.Fprintln(errOut, "Stopped.")
	return nil
}

// reachable is where a program on this machine finds a listener.
func reachable(host string) string {
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		return "127.0.0.1"
	}
	return host
}

// flagError names the flag instead of the option.
func flagError(err error) error {
	text := strings.TrimPrefix(err.Error(), "emulator: ")
	for option, flag := range map[string]string{
		"RedirectURLs": "--redirect-url", "AccessTTL": "--access-ttl", "RefreshTTL": "--refresh-ttl",
		"RefreshReuse": "--refresh-reuse", "Issuer": "--issuer", "URL": "--addr",
	} {
		if rest, ok := strings.CutPrefix(text, option); ok {
			return errors.New(flag + rest)
		}
	}
	return err
}

func announce(o emulator.Options, out, errOut io.Writer) error {
	secret, key := string(o.ClientSecret), string(o.APIKey)
	for _, v := range [][2]string{
		{"ROBLOX_CLIENT_ID", o.ClientID},
		{"ROBLOX_CLIENT_SECRET", secret},
		{"ROBLOX_REDIRECT_URL", o.RedirectURLs[0]},
		{"ROBLOX_ISSUER", o.Issuer},
		{"ROBLOX_API_URL", o.URL},
		{"ROBLOX_API_KEY", key},
	} {
		if _, err := fmt.Fprintf(out, "export %s=%s\n", v[0], quote(v[1])); err != nil {
			return err
		}
	}
	_, _ = fmt.Fprintf(errOut, "A Roblox that forgets everything is at %s until you press Ctrl-C.\n"+
		"Access tokens live %v; a used refresh token: %s.\n", o.URL, o.AccessTTL, o.RefreshReuse)
	return nil
}

// quote makes a value one word for a shell.
func quote(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:/@%+=,", r)
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
