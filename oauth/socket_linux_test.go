package oauth

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The connections of the provider's client do not outlive their request.
func TestSocketOptions(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	conn, err := providerClient(nil).Transport.(*http.Transport).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		linger, err := unix.GetsockoptLinger(int(fd), unix.SOL_SOCKET, unix.SO_LINGER)
		if err != nil || linger.Onoff != 1 || linger.Linger != 0 {
			t.Errorf("SO_LINGER %+v, %v", linger, err)
		}
		timeout, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT)
		if err != nil || time.Duration(timeout)*time.Millisecond != defaultSendBudget {
			t.Errorf("TCP_USER_TIMEOUT %d ms, %v", timeout, err)
		}
	})
	if err != nil {
		t.Error(err)
	}
}
