package transport

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// Origins is an immutable set of the origins (scheme, host and port) that a
// credential may be sent to. The zero Origins is empty and allows nothing.
type Origins struct {
	list []origin
}

// An origin's host is in lower case and without the scheme's default port.
type origin struct{ scheme, host string }

// ParseOrigins returns the set of the given origins, such as
// "https://apis.roblox.com". Plain http is accepted for loopback hosts only:
// localhost, 127.0.0.1 and [::1]. What follows the port must be empty or "/".
func ParseOrigins(origins ...string) (Origins, error) {
	var set Origins
	for _, s := range origins {
		u, err := url.Parse(s)
		if err != nil {
			return Origins{}, fmt.Errorf("transport: origin %q is not a URL", s)
		}
		if err := checkOrigin(u); err != nil {
			return Origins{}, fmt.Errorf("transport: origin %s: %w", u.Redacted(), err)
		}
		set.list = append(set.list, origin{strings.ToLower(u.Scheme), canonicalHost(u)})
	}
	return set, nil
}

func checkOrigin(u *url.URL) error {
	switch {
	case u.Host == "" || u.Hostname() == "":
		return errors.New("it has no host")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		return errors.New("it has more than scheme, host and port")
	case u.Scheme == "https", u.Scheme == "http" && IsLoopback(u.Hostname()):
		return nil
	case u.Scheme == "http":
		return errors.New("plain http is for localhost, 127.0.0.1 and [::1] only")
	}
	return errors.New("its scheme is not https")
}

// Allows reports whether u is at one of the origins.
func (o Origins) Allows(u *url.URL) bool {
	if u == nil {
		return false
	}
	for _, allowed := range o.list {
		if u.Scheme == allowed.scheme && (u.Host == allowed.host || canonicalHost(u) == allowed.host) {
			return true
		}
	}
	return false
}

// IsLoopback reports whether host, without port and brackets, is localhost,
// 127.0.0.1 or ::1. No name is looked up.
func IsLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && (ip == netip.AddrFrom4([4]byte{127, 0, 0, 1}) || ip == netip.IPv6Loopback())
}

func canonicalHost(u *url.URL) string {
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if port == "" || port == "443" && u.Scheme == "https" || port == "80" && u.Scheme == "http" {
		if strings.Contains(host, ":") {
			return "[" + host + "]"
		}
		return host
	}
	return net.JoinHostPort(host, port)
}
