package emulator

import (
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"time"
)

// controlRoutes let tests in other languages steer the emulator. They answer to
// this machine only, and not to a web page.
func (e *Emulator) controlRoutes() []route {
	return []route{
		newRoute(endpointControl, "POST", "/emulator/advance", local(e.controlAdvance)),
		newRoute(endpointControl, "POST", "/emulator/faults", local(e.controlFaults)),
		newRoute(endpointControl, "DELETE", "/emulator/faults", local(e.controlClearFaults)),
		newRoute(endpointControl, "GET", "/emulator/log", local(e.controlLog)),
	}
}

func local(serve func(w http.ResponseWriter, r *http.Request)) func(http.ResponseWriter, *http.Request, vars) {
	return func(w http.ResponseWriter, r *http.Request, _ vars) {
		from, _, err := net.SplitHostPort(r.RemoteAddr)
		host := (&url.URL{Host: r.Host}).Hostname()
		if err != nil || !loopback(from) || !loopback(host) || r.Header.Get("Origin") != "" {
			gatewayError(w, http.StatusForbidden, "The control endpoints answer to this machine only")
			return
		}
		serve(w, r)
	}
}

// controlAdvance moves the clock: {"by": "15m"}.
func (e *Emulator) controlAdvance(w http.ResponseWriter, r *http.Request) {
	var body struct {
		By string `json:"by"`
	}
	err := json.NewDecoder(r.Body).Decode(&body)
	by, parseErr := time.ParseDuration(body.By)
	if err != nil || parseErr != nil {
		gatewayError(w, http.StatusBadRequest, `The body must be JSON such as {"by": "15m"}`)
		return
	}
	e.Advance(by)
	writeJSON(w, http.StatusOK, map[string]time.Time{"now": e.Now()})
}

// controlFaults appends a list of faults; Delay is text, as in "1.5s".
func (e *Emulator) controlFaults(w http.ResponseWriter, r *http.Request) {
	var body []struct {
		Fault
		Delay string `json:"delay"`
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&body); err != nil {
		gatewayError(w, http.StatusBadRequest, "The body must be a JSON list of faults: "+err.Error())
		return
	}
	faults := make([]Fault, 0, len(body))
	for _, f := range body {
		var err error
		if f.Fault.Delay, err = time.ParseDuration(orDefault(f.Delay, "0s")); err != nil {
			gatewayError(w, http.StatusBadRequest, "delay must be a duration such as 1.5s")
			return
		}
		if err = f.check(); err != nil {
			gatewayError(w, http.StatusBadRequest, err.Error())
			return
		}
		faults = append(faults, f.Fault)
	}
	e.Fault(faults...)
	writeJSON(w, http.StatusOK, map[string]int{"added": len(faults)})
}

func (e *Emulator) controlClearFaults(w http.ResponseWriter, _ *http.Request) {
	e.ClearFaults()
	writeJSON(w, http.StatusOK, struct{}{})
}

// controlLog answers with the log and the two counts that matter most.
func (e *Emulator) controlLog(w http.ResponseWriter, _ *http.Request) {
	log := e.Log()
	writeJSON(w, http.StatusOK, map[string]any{"token_posts": log.TokenPOSTs(), "replays": log.Replays(), "entries": log})
}
