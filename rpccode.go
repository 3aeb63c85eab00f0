package opencloud

import "net/http"

// rpcCodes are google.rpc.Code, by number, each with the HTTP status that it
// maps to.
//
//nolint:gochecknoglobals // a table of constants.
var rpcCodes = [...]struct {
	name   string
	status int
}{
	{"OK", http.StatusOK},
	{"CANCELLED", 499},
	{"UNKNOWN", http.StatusInternalServerError},
	{"INVALID_ARGUMENT", http.StatusBadRequest},
	{"DEADLINE_EXCEEDED", http.StatusGatewayTimeout},
	{"NOT_FOUND", http.StatusNotFound},
	{"ALREADY_EXISTS", http.StatusConflict},
	{"PERMISSION_DENIED", http.StatusForbidden},
	{"RESOURCE_EXHAUSTED", http.StatusTooManyRequests},
	{"FAILED_PRECONDITION", http.StatusBadRequest},
	{"ABORTED", http.StatusConflict},
	{"OUT_OF_RANGE", http.StatusBadRequest},
	{"UNIMPLEMENTED", http.StatusNotImplemented},
	{"INTERNAL", http.StatusInternalServerError},
	{"UNAVAILABLE", http.StatusServiceUnavailable},
	{"DATA_LOSS", http.StatusInternalServerError},
	{"UNAUTHENTICATED", http.StatusUnauthorized},
}

const rpcUnknown = 2

// rpcCode returns name and HTTP status of a code.
func rpcCode(n int) (name string, status int) {
	if n <= 0 || n >= len(rpcCodes) {
		n = rpcUnknown
	}
	return rpcCodes[n].name, rpcCodes[n].status
}

// rpcNumber is the code of that name.
func rpcNumber(name string) int {
	for n, c := range rpcCodes {
		if c.name == name {
			return n
		}
	}
	return rpcUnknown
}
