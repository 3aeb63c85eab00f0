package emulator

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// vars are the path parameters of a request, unescaped.
type vars map[string]string

// route is one operation. A path template has segments of text, {name}, or
// {name}:verb; http.ServeMux knows no verbs and would clean the path.
type route struct {
	verb     string
	endpoint Endpoint
	serve    func(w http.ResponseWriter, r *http.Request, v vars)
	segments []string
}

// match finds the route of a request. Without one, verbs are the methods that
// the path has.
func (e *Emulator) match(r *http.Request) (rt *route, v vars, verbs []string) {
	segments := strings.Split(r.URL.EscapedPath(), "/")
	for i := range e.routes {
		rt := &e.routes[i]
		v, ok := matchSegments(rt.segments, segments)
		if !ok {
			continue
		}
		if rt.verb == r.Method {
			return rt, v, nil
		}
		if !slices.Contains(verbs, rt.verb) {
			verbs = append(verbs, rt.verb)
		}
	}
	return nil, nil, verbs
}

// cloudPath reports whether a path is such as Open Cloud's have, whose first two
// segments are a service and a version.
func cloudPath(path string) bool {
	segments := strings.Split(path, "/")[1:]
	return len(segments) > 2 && segments[0] != "oauth" && segments[0] != "emulator" &&
		!slices.ContainsFunc(segments, func(s string) bool { return s == "" || s == "." || s == ".." })
}

// newRoute prepares the template of a route. Templates with a verb must stand
// before those without.
func newRoute(endpoint Endpoint, verb, path string, serve func(http.ResponseWriter, *http.Request, vars)) route {
	return route{verb: verb, endpoint: endpoint, serve: serve, segments: strings.Split(path, "/")}
}

func matchSegments(template, segments []string) (vars, bool) {
	if len(template) != len(segments) {
		return nil, false
	}
	v := vars{}
	for i, t := range template {
		name, isVar := strings.CutPrefix(t, "{")
		if !isVar {
			if t != segments[i] {
				return nil, false
			}
			continue
		}
		name, verb, _ := strings.Cut(name, "}")
		raw, ok := strings.CutSuffix(segments[i], verb)
		value, err := url.PathUnescape(raw)
		if !ok || err != nil || value == "" {
			return nil, false
		}
		v[name] = value
	}
	return v, true
}
