package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"github.com/rblx-go/opencloud/cmd/rblx/internal/signin"
	"github.com/rblx-go/opencloud/mocks/emulator"
	"github.com/rblx-go/opencloud/oauth"
)

// shutdownTime bounds the end: requests are answered and refreshes committed.
const shutdownTime = 15 * time.Second

// serve runs the web app until ctx ends.
func serve(ctx context.Context, c config, port int, out, log io.Writer) error {
	listener, home, err := listen(ctx, c.RedirectURL, port)
	if err != nil {
		return err
	}
	defer listener.Close() // again, if the server was never started
	b, k, closeBackend, err := c.open(ctx, home)
	if err != nil {
		return err
	}
	defer closeBackend()
	s, err := newSite(b, home, k, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return err
	}
	front := ""
	if !home.Loopback() {
		front = fmt.Sprintf("What is in front of it has to lead to http://%s\n", listener.Addr())
	}
	_, _ = fmt.Fprintf(out, "The demo is at %s\n%sIt talks to %s.\nStop it with Ctrl-C.\n", home.Origin(), front, b.Name)

	server := &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second}
	server.RegisterOnShutdown(s.hub.close)
	err = runServer(ctx, server, listener)

	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	return errors.Join(err, s.oauth.Close(ending))
}

// runServer serves until ctx ends, and then answers what is under way.
func runServer(ctx context.Context, server *http.Server, listener net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	err := server.Shutdown(ending)
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// listen opens the port that the redirect URL leads to.
func listen(ctx context.Context, redirectURL string, port int) (net.Listener, signin.Callback, error) {
	home, err := homeAt(redirectURL, port)
	if err != nil {
		return nil, signin.Callback{}, err
	}
	host := "localhost"
	if home.Loopback() {
		host = home.Hostname()
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	switch {
	case inUse(err):
		return nil, signin.Callback{}, fmt.Errorf("port %d is in use; stop what uses it, or choose another with --port", port)
	case err != nil:
		return nil, signin.Callback{}, fmt.Errorf("port %d cannot be opened: %w", port, err)
	}
	if port == 0 {
		home.Host = net.JoinHostPort(home.Hostname(), strconv.Itoa(listener.Addr().(*net.TCPAddr).Port))
	}
	return listener, home, nil
}

// windowsInUse is WSAEADDRINUSE.
const windowsInUse = syscall.Errno(10048)

func inUse(err error) bool {
	return errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, windowsInUse)
}

// homeAt checks that a redirect URL on this machine leads to the port.
func homeAt(redirectURL string, port int) (signin.Callback, error) {
	if redirectURL == "" {
		redirectURL = defaultRedirectURL(port)
	}
	home, err := signin.ParseCallback(redirectURL)
	switch {
	case err != nil:
		return signin.Callback{}, err
	case !home.Loopback():
		return home, nil // something in front of the demo leads to it
	case home.Scheme == "https":
		return signin.Callback{}, fmt.Errorf("redirect URL %q: the demo speaks plain http; register http://%s%s and use that", redirectURL, home.Host, home.Path)
	case home.PortNumber() != strconv.Itoa(port):
		return signin.Callback{}, fmt.Errorf("redirect URL %q leads to port %s, but --port is %d; use --port %s, or register and set http://localhost:%d/callback",
			redirectURL, home.PortNumber(), port, home.PortNumber(), port)
	}
	return home, nil
}

func defaultRedirectURL(port int) string {
	return fmt.Sprintf("http://localhost:%d/callback", port)
}

// portOr is the port of a redirect URL on this machine, or def.
func (c config) portOr(def int) int {
	home, err := signin.ParseCallback(c.RedirectURL)
	if err != nil || !home.Loopback() {
		return def
	}
	port, err := strconv.Atoi(home.PortNumber())
	if err != nil {
		return def
	}
	return port
}

// demoTTL is the life of the emulator's access tokens: short enough to watch.
const demoTTL = time.Minute

// open returns the backend that the configuration names and where grants are
// kept. The emulator gets a port of its own, and is closed by the function.
func (c config) open(ctx context.Context, home signin.Callback) (*backend, keeping, func(), error) {
	nothing := func() {}
	if !c.emulated() {
		b, err := remote(ctx, c)
		if err != nil {
			return nil, keeping{}, nothing, err
		}
		k, err := keepOnDisk(b) //nolint:contextcheck // opening a directory takes none
		return b, k, nothing, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, keeping{}, nothing, fmt.Errorf("the emulator got no port: %w", err)
	}
	emu, err := newEmulator("http://"+listener.Addr().String(), home)
	if err != nil {
		_ = listener.Close()
		return nil, keeping{}, nothing, err
	}
	server := &http.Server{Handler: emu, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }() // ends with Close
	closeIt := func() { _ = server.Close() }
	b, err := emulated(ctx, emu, nil)
	if err != nil {
		closeIt()
		return nil, keeping{}, nothing, err
	}
	b.Name = fmt.Sprintf("an emulator on this machine, %s, whose access tokens live %v", emu.Options().URL, demoTTL)
	return b, keeping{oauth.NewMemoryStore(), []byte(rand.Text())}, closeIt, nil
}

func newEmulator(url string, home signin.Callback) (*emulator.Emulator, error) {
	return emulator.New(emulator.Options{
		URL:          url,
		ClientSecret: emulator.Secret(rand.Text()),
		RedirectURLs: []string{home.String()},
		AccessTTL:    demoTTL,
	})
}
