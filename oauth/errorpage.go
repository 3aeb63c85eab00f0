package oauth

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
)

//go:embed errorpage.html
var errorPage string

// refuse answers a browser whose sign-in failed, through Config.OnError where
// there is one.
func (a *App) refuse(w http.ResponseWriter, r *http.Request, err error) {
	e, ok := errors.AsType[*CallbackError](err)
	if !ok {
		e = failed(ErrSignInFailed, err)
	}
	level := slog.LevelInfo // users change their minds, and networks
	if errors.Is(e, ErrSignInFailed) {
		level = slog.LevelWarn
	}
	a.log.Log(r.Context(), level, "sign-in failed", "error", e)
	if a.config.OnError != nil {
		a.config.OnError(w, r, e)
		return
	}
	writeErrorPage(w, e)
}

func writeErrorPage(w http.ResponseWriter, e *CallbackError) {
	nonce := rand.Text()
	var page bytes.Buffer
	t, err := template.New("").Parse(errorPage)
	if err == nil {
		err = t.Execute(&page, struct{ Title, Message, Nonce string }{e.Title(), e.Message(), nonce})
	}
	if err != nil {
		http.Error(w, e.Message(), e.Status)
		return
	}
	noTrace(w)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+nonce+"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(e.Status)
	_, _ = page.WriteTo(w) // the browser may be gone
}
