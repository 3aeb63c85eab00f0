package redisstore

import (
	"hash/fnv"
	"strconv"

	"github.com/rblx-go/opencloud/oauth"
)

// buckets is how many parts the grants are spread over. All keys of one have
// the same hash tag, so that on a cluster they live on one server and one
// script may use them together. The number is part of the schema: it never
// changes.
const buckets = 256

// bucket is one of the parts, by the text that its keys begin with.
type bucket string

// bucket returns the n-th.
func (s *Store) bucket(n int) bucket {
	return bucket(s.prefix + ":{" + strconv.Itoa(n) + "}:")
}

// bucketOf returns that of a grant or a flow.
func (s *Store) bucketOf(id string) bucket {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return s.bucket(int(h.Sum32() % buckets))
}

// grant is the row of a grant: a hash of its version, what indices need, and
// its content.
func (b bucket) grant(id oauth.GrantID) string { return string(b) + "grant:" + string(id) }

// The indices of a bucket are sorted sets. Members of the first two are a
// subject or a state, a zero byte, and a grant id.
func (b bucket) subjects() string { return string(b) + "subjects" }
func (b bucket) states() string   { return string(b) + "states" }

// due scores active grants by the time at which their tokens were issued,
// claims by when somebody's claim ends; in microseconds.
func (b bucket) due() string    { return string(b) + "due" }
func (b bucket) claims() string { return string(b) + "claims" }

// flows is a hash of the sign-ins under way, ends a sorted set of when they
// expire.
func (b bucket) flows() string { return string(b) + "flows" }
func (b bucket) ends() string  { return string(b) + "ends" }

// channel is where the ids of written rows are published.
func (s *Store) channel() string { return s.prefix + ":changes" }
