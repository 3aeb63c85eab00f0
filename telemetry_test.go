package opencloud_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/transport"
)

// A client's telemetry hears of the calls of all its views.
func TestTelemetry(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c, err := opencloud.New(opencloud.Options{BaseURL: server.URL, HTTPClient: ownConnections(t), Telemetry: []transport.Telemetry{transport.NewLog(logger)}})
	if err != nil {
		t.Fatal(err)
	}
	m := &opencloud.Method{Name: "things.Get", Verb: http.MethodGet, Path: "/things", Key: true}
	if err := opencloud.Exec(t.Context(), c.As(transport.NewAPIKey("secret-key")), m, opencloud.Request{}); err == nil {
		t.Fatal("no error")
	}
	if s := log.String(); strings.Count(s, "\n") != 1 || !strings.Contains(s, "method=things.Get") || !strings.Contains(s, "status=404") || strings.Contains(s, "secret") {
		t.Errorf("logged %s", s)
	}
}

func TestTelemetryNil(t *testing.T) {
	t.Parallel()
	_, err := opencloud.New(opencloud.Options{Telemetry: []transport.Telemetry{nil}})
	if err == nil || !strings.Contains(err.Error(), "Options.Telemetry") {
		t.Error(err)
	}
}
