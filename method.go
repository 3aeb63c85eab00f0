package opencloud

import "github.com/rblx-go/opencloud/transport"

// Method describes one operation of the API; the generated clients bring them.
type Method = transport.Method

// Limit is a number of requests per period.
type Limit = transport.Limit

// The classes of methods; see package transport.
const (
	Unsafe          = transport.Unsafe
	IdempotentByKey = transport.IdempotentByKey
	Idempotent      = transport.Idempotent
	Safe            = transport.Safe
)
